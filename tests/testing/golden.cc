#include "tests/testing/golden.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/testing/paths.h"

namespace gopt::testing {
namespace {

bool Updating() {
  const char* update = std::getenv("GOPT_UPDATE_GOLDEN");
  return update != nullptr && std::string_view(update) == "1";
}

// "line 3: 'what is there' instead of 'what was'".
std::string FirstDifference(std::string_view expected, std::string_view actual) {
  int line = 1;
  while (true) {
    const std::string_view left = expected.substr(0, expected.find('\n'));
    const std::string_view right = actual.substr(0, actual.find('\n'));
    if (left != right || left.size() == expected.size() || right.size() == actual.size()) {
      return "line " + std::to_string(line) + ": '" + std::string(right) + "' instead of '" +
             std::string(left) + "'";
    }
    expected.remove_prefix(left.size() + 1);
    actual.remove_prefix(right.size() + 1);
    ++line;
  }
}

}  // namespace

::testing::AssertionResult IsGolden(const std::string& name, std::string_view text) {
  const std::string path = SourcePath("tests/golden/" + name);
  if (Updating()) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return ::testing::AssertionSuccess();
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return ::testing::AssertionFailure() << path << " is missing: run with GOPT_UPDATE_GOLDEN=1";
  }
  const std::string expected{std::istreambuf_iterator<char>(file), {}};
  if (expected == text) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << path << " differs at " << FirstDifference(expected, text)
         << "\nIf that is meant, run with GOPT_UPDATE_GOLDEN=1 and read the diff.";
}

}  // namespace gopt::testing
