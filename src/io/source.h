#ifndef GOPT_SRC_IO_SOURCE_H_
#define GOPT_SRC_IO_SOURCE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace gopt {

// The status with the file's name in front of its message.
inline absl::Status InSource(std::string_view source, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(absl::string_view(source.data(), source.size()),
                                                  ": ", status.message()));
}

// Files named so hold text protos, all others containers.
inline bool IsTextPath(const std::string& path) { return absl::EndsWith(path, ".txtpb"); }

}  // namespace gopt

#endif  // GOPT_SRC_IO_SOURCE_H_
