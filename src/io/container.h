#ifndef GOPT_SRC_IO_CONTAINER_H_
#define GOPT_SRC_IO_CONTAINER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"

namespace gopt {

// The envelope of every binary file; docs/formats/container.md has its layout byte by byte.
enum class ContainerKind : uint8_t { kGraph = 1, kPlan = 2, kMachine = 3 };

enum class Compression : uint8_t {
  kStored = 0,
  kZlib = 1,  // RFC 1950
};

inline constexpr size_t kContainerHeaderBytes = 40;

// Stored by default: inflating takes longer than all else that loading a graph does. kZlib is
// zlib's best level, or stored where that does not make it smaller.
GOPT_API std::string WrapInContainer(ContainerKind kind, std::string_view payload,
                                     Compression compression = Compression::kStored);

// The payload: a part of `bytes`, or of `buffer` when it had to be inflated. InvalidArgument, with
// `source` first, for any byte string that WrapInContainer does not make: cut, longer, flipped, of
// another kind or version. ResourceExhausted when the file or the length it states for its content
// is above `max_bytes`; no memory is taken before that check.
GOPT_API absl::StatusOr<std::string_view> UnwrapContainer(std::string_view bytes,
                                                          ContainerKind kind,
                                                          std::string_view source,
                                                          int64_t max_bytes, std::string* buffer);

// Whether the bytes begin as a container does.
GOPT_API bool LooksLikeContainer(std::string_view bytes);

}  // namespace gopt

#endif  // GOPT_SRC_IO_CONTAINER_H_
