#include "tests/testing/paths.h"

#include <cstdlib>
#include <filesystem>

namespace gopt::testing {
namespace {

std::string EnvironmentOr(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

}  // namespace

std::string SourcePath(const std::string& relative) {
  return EnvironmentOr("GOPT_SOURCE_DIR", ".") + "/" + relative;
}

std::optional<std::string> DataPath(const std::string& relative) {
  std::string path = EnvironmentOr("GOPT_DATA_DIR", SourcePath("../shared/data")) + "/" + relative;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}

}  // namespace gopt::testing
