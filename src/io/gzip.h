#ifndef GOPT_SRC_IO_GZIP_H_
#define GOPT_SRC_IO_GZIP_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gopt {

bool LooksLikeGzip(std::string_view bytes);

// The content of one gzip member (RFC 1952) that is all of `bytes`. InvalidArgument when damaged,
// ResourceExhausted when it would exceed `max_bytes`, found out while it grows.
absl::StatusOr<std::string> Gunzip(std::string_view bytes, int64_t max_bytes);

}  // namespace gopt

#endif  // GOPT_SRC_IO_GZIP_H_
