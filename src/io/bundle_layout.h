#ifndef GOPT_SRC_IO_BUNDLE_LAYOUT_H_
#define GOPT_SRC_IO_BUNDLE_LAYOUT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"

namespace gopt {

// The bytes around a bundle's header message and its data: magic, version, lengths, checksums. What
// the two hold is not looked at here.

inline constexpr int64_t kMaxBundleHeaderBytes = int64_t{16} << 20;
inline constexpr size_t kBundlePrefixBytes = 16;   // Magic, version, length of the header.
inline constexpr size_t kBundleTrailerBytes = 12;  // Length of the file, checksum.

struct BundleParts {
  std::string_view header, data;
};

// What is neither header nor data.
inline constexpr size_t kBundleFrameBytes =
    kBundlePrefixBytes + sizeof(uint32_t) + kBundleTrailerBytes;

// The header must not be above its limit.
GOPT_API std::string JoinBundle(std::string_view header, std::string_view data);

// Views into `bytes`, whose lengths and header's checksum are right. The data's checksums come
// later, so that a damaged tensor can be named.
GOPT_API absl::StatusOr<BundleParts> SplitBundle(std::string_view bytes, std::string_view source,
                                                 int64_t max_bytes);

// Whether the last checksum, that of the whole file, is right. For bytes that SplitBundle accepted.
absl::Status CheckBundleTrailer(std::string_view bytes, std::string_view source);

// Whether these bytes are as they were written: all checksums over them are right, whatever they
// mean.
bool IsUndamagedBundle(std::string_view bytes);

}  // namespace gopt

#endif  // GOPT_SRC_IO_BUNDLE_LAYOUT_H_
