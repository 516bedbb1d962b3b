#ifndef GOPT_SRC_IO_SCHEMA_VERSION_H_
#define GOPT_SRC_IO_SCHEMA_VERSION_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace gopt {

// Of all messages in proto/gopt/v1. A new field raises the minor version, a changed meaning the
// major one.
inline constexpr int32_t kSchemaMajor = 1;
inline constexpr int32_t kSchemaMinor = 0;

// InvalidArgument for another major version; a newer minor one adds a warning. Text may leave the
// version out: `absent_ok`, where 0.0 stands for the current one.
absl::Status CheckSchemaVersion(int64_t major, int64_t minor, bool absent_ok,
                                std::string_view source, std::vector<std::string>* warnings);

// Adds "source: field 99 is unknown and ignored; ...".
void WarnUnknownField(std::string_view source, std::string_view message, int number,
                      std::vector<std::string>* warnings);

// Hands the warnings of one reading to the caller, or, if it gave no place for them, to stderr.
void DeliverWarnings(std::vector<std::string> found, std::vector<std::string>* warnings);

}  // namespace gopt

#endif  // GOPT_SRC_IO_SCHEMA_VERSION_H_
