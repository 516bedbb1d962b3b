#include "gopt/base/utf8.h"

#include <gtest/gtest.h>

#include "gopt/base/random.h"
#include "gopt/base/types.h"

namespace gopt {
namespace {

TEST(Utf8Test, AcceptsWellFormedAndRejectsTheRest) {
  for (const char* good : {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    EXPECT_TRUE(IsValidUtf8(good)) << good;
  }
  for (const char* bad :
       {"\xff", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\x80"}) {
    EXPECT_FALSE(IsValidUtf8(bad));
  }
}

TEST(Utf8Test, PrintableCutsAndEscapes) {
  EXPECT_EQ(Printable("a\nb"), "a\\nb");
  EXPECT_EQ(Printable("\xff"), "\\xff");
  EXPECT_EQ(Printable("abcdef", 3), "abc...");
}

TEST(TypesTest, SumsAndRoundingsSaturate) {
  EXPECT_EQ(SaturatingAdd(1, 2), 3);
  EXPECT_EQ(SaturatingAdd(kSaturated, kSaturated), kSaturated);
  EXPECT_EQ(SaturatingAdd(kSaturated - 1, 1), kSaturated);
  EXPECT_EQ(SaturatingCeil(0.1), 1);
  EXPECT_EQ(SaturatingCeil(1e300), kSaturated);
  EXPECT_EQ(SaturatingFloor(1.9), 1);
}

TEST(RandomTest, StaysInRangeAndRepeats) {
  Random a(7), b(7), c(8);
  EXPECT_EQ(a.Next(), b.Next());
  EXPECT_NE(a.Next(), c.Next());
  for (int i = 0; i < 1000; ++i) {
    const int64_t value = a.Below(3);
    EXPECT_GE(value, 0);
    EXPECT_LT(value, 3);
    EXPECT_LT(a.Uniform(), 1.0);
  }
}

}  // namespace
}  // namespace gopt
