#include "src/io/schema_version.h"

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gopt {
namespace {

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

absl::Status CheckSchemaVersion(int64_t major, int64_t minor, bool absent_ok,
                                std::string_view source, std::vector<std::string>* warnings) {
  if (absent_ok && major == 0 && minor == 0) return absl::OkStatus();
  if (major != kSchemaMajor) {
    return absl::InvalidArgumentError(absl::StrCat(View(source), ": schema version ", major, ".",
                                                   minor, "; this library reads version ",
                                                   kSchemaMajor));
  }
  if (minor > kSchemaMinor) {
    warnings->push_back(absl::StrCat(View(source), ": schema version ", major, ".", minor,
                                     " is newer than this library's ", kSchemaMajor, ".",
                                     kSchemaMinor, "; what it does not know is ignored"));
  }
  return absl::OkStatus();
}

void WarnUnknownField(std::string_view source, std::string_view message, int number,
                      std::vector<std::string>* warnings) {
  std::string text = absl::StrCat(View(source), ": field ", number, " of ", View(message),
                                  " is unknown and ignored");
  for (const std::string& earlier : *warnings) {
    if (earlier == text) return;
  }
  warnings->push_back(std::move(text));
}

void DeliverWarnings(std::vector<std::string> found, std::vector<std::string>* warnings) {
  for (std::string& warning : found) {
    if (warnings != nullptr) {
      warnings->push_back(std::move(warning));
    } else {
      std::fprintf(stderr, "gopt: warning: %s\n", warning.c_str());
    }
  }
}

}  // namespace gopt
