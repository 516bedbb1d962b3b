#include "gopt/base/version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace gopt {
namespace {

TEST(VersionTest, HasThreeNumbers) {
  EXPECT_THAT(std::string(Version()), testing::ContainsRegex("^[0-9]+\\.[0-9]+\\.[0-9]+$"));
}

}  // namespace
}  // namespace gopt
