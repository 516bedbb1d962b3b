#include "gopt/base/spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gopt {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

TEST(SpecTest, ReadsNamesArgumentsAndNestedSpecs) {
  const auto spec = Spec::Parse(" anneal( evaluations = 100, start=heft(insertion=false,x=1) ) ");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->ToString(), "anneal(evaluations=100,start=heft(insertion=false,x=1))");
  EXPECT_EQ(Spec::Parse("heft")->ToString(), "heft");
  EXPECT_EQ(Spec::Parse("heft()")->ToString(), "heft");
}

TEST(SpecTest, SplitsListsAtTopLevelCommas) {
  const auto specs = Spec::ParseList("heft, anneal(a=1,b=2), metis");
  ASSERT_TRUE(specs.ok()) << specs.status();
  ASSERT_EQ(specs->size(), 3u);
  EXPECT_EQ((*specs)[1].ToString(), "anneal(a=1,b=2)");
}

TEST(SpecTest, RejectsMalformedText) {
  for (const char* text : {"", "(", "a(", "a)", "a(b", "a(b)", "a(b=1", "a(b=1)c", "a(=1)", "a(b=)",
                           "a b", "a(b=1,b=2)", "a(b=(1)", "a(,)"}) {
    EXPECT_FALSE(Spec::Parse(text).ok()) << text;
  }
}

TEST(SpecReaderTest, ReadsTypedValuesAndReportsTheRest) {
  const Spec spec = *Spec::Parse("x(flag=false,count=7,rate=0.5,word=hi)");
  SpecReader reader(spec);
  bool flag = true;
  int count = 0;
  double rate = 0;
  std::string word;
  reader.Read("flag", &flag);
  reader.Read("count", &count);
  reader.Read("rate", &rate);
  EXPECT_THAT(reader.Finish().message(),
              HasSubstr("x: unknown key 'word'; known: flag, count, rate"));
  reader.Read("word", &word);
  EXPECT_TRUE(reader.Finish().ok());
  EXPECT_EQ(flag, false);
  EXPECT_EQ(count, 7);
  EXPECT_EQ(rate, 0.5);
  EXPECT_EQ(word, "hi");
}

TEST(SpecReaderTest, AKeyThatIsReadTwiceIsNamedOnce) {
  const absl::StatusOr<Spec> spec = Spec::Parse("x(wrong=1)");
  ASSERT_TRUE(spec.ok());
  SpecReader reader(*spec);
  int count = 0, again = 0;
  reader.Read("count", &count);
  reader.Read("count", &again);
  EXPECT_THAT(std::string(reader.Finish().message()), EndsWith("known: count"));
}

TEST(SpecReaderTest, RejectsValuesOfAnotherType) {
  for (const char* text : {"x(n=1.5)", "x(n=abc)", "x(n=99999999999)"}) {
    const Spec spec = *Spec::Parse(text);
    SpecReader reader(spec);
    int n = 0;
    reader.Read("n", &n);
    EXPECT_THAT(reader.Finish().message(), HasSubstr("is not a 32-bit integer")) << text;
  }
  const Spec spec = *Spec::Parse("x(n=nan)");
  SpecReader reader(spec);
  double n = 0;
  reader.Read("n", &n);
  EXPECT_FALSE(reader.Finish().ok());
}

}  // namespace
}  // namespace gopt
