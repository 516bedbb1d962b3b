#ifndef GOPT_SRC_IO_CRC32C_H_
#define GOPT_SRC_IO_CRC32C_H_

#include <cstdint>
#include <string_view>

#include "gopt/base/export.h"

namespace gopt {

// CRC-32C (Castagnoli), as of iSCSI, RFC 3720: reflected polynomial 0x82f63b78, initial and final
// complement. `previous` continues an earlier result: Crc32c(b, Crc32c(a)) == Crc32c(a + b). Uses
// the processor's instruction where it has one.
GOPT_API uint32_t Crc32c(std::string_view bytes, uint32_t previous = 0);

// The same by tables alone (slicing-by-8: Kounavis and Berry, 2005), for processors without the
// instruction and for the test that compares the two.
GOPT_API uint32_t Crc32cByTables(std::string_view bytes, uint32_t previous = 0);

}  // namespace gopt

#endif  // GOPT_SRC_IO_CRC32C_H_
