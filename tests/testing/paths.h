#ifndef TESTS_TESTING_PATHS_H_
#define TESTS_TESTING_PATHS_H_

#include <optional>
#include <string>

namespace gopt::testing {

// A file of the source tree, for example SourcePath("tests/golden/x.txt"). Tests run in the top of
// that tree; GOPT_SOURCE_DIR names it for a test that is started elsewhere.
std::string SourcePath(const std::string& relative);

// A file of the data that is handed round beside the repository: in GOPT_DATA_DIR, or
// ../shared/data. nullopt if it is not there: skip the test, and say so.
std::optional<std::string> DataPath(const std::string& relative);

}  // namespace gopt::testing

#endif  // TESTS_TESTING_PATHS_H_
