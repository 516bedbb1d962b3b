#ifndef TESTS_TESTING_GOLDEN_H_
#define TESTS_TESTING_GOLDEN_H_

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace gopt::testing {

// Whether the text is that of tests/golden/<name>, as a readable failure. With GOPT_UPDATE_GOLDEN=1
// in the environment the file is written instead, so that a change of behaviour is a diff to read.
//   EXPECT_TRUE(IsGolden("io/small.dot", text));
::testing::AssertionResult IsGolden(const std::string& name, std::string_view text);

}  // namespace gopt::testing

#endif  // TESTS_TESTING_GOLDEN_H_
