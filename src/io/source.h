#ifndef GOPT_SRC_IO_SOURCE_H_
#define GOPT_SRC_IO_SOURCE_H_

#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace gopt {

// The status with the file's name in front of its message.
inline absl::Status InSource(std::string_view source, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(absl::string_view(source.data(), source.size()),
                                                  ": ", status.message()));
}

// A graph's name from its file's: "vgg16" of "profiles/vgg16.graph.txt" with the endings ".txt",
// ".graph", each taken off where it is.
inline std::string NameFromPath(std::string_view path, std::initializer_list<const char*> endings) {
  path.remove_prefix(path.rfind('/') + 1);  // npos + 1 is 0.
  absl::string_view name(path.data(), path.size());
  for (const char* ending : endings) absl::ConsumeSuffix(&name, ending);
  return std::string(name);
}

// Files named so hold text protos, all others containers.
inline bool IsTextPath(const std::string& path) { return absl::EndsWith(path, ".txtpb"); }

}  // namespace gopt

#endif  // GOPT_SRC_IO_SOURCE_H_
