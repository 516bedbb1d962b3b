#include "gopt/graph/graph_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gopt {
namespace {

using ::testing::HasSubstr;

TEST(GraphTextTest, ReadsChainsListsAndAttributes) {
  const auto graph = ParseGraph(
      "w:parameter[bytes=8,copies=2] -> a:matmul[time=5,bytes=100,dims=5x5,scope=net.l0]; "
      "a -> b:reduce, c:add[phase=b] -> d; a => d");
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(GraphToText(**graph),
            "graph 'text': 5 ops, 5 ports, 6 edges\n"
            "   0 w: parameter {parameter} [float32; 8 bytes]\n"
            "   1 a: matmul forward <- w [float32 5 5; 100 bytes]\n"
            "   2 b: reduce forward <- a [float32; 0 bytes]\n"
            "   3 c: add backward <- a [float32; 0 bytes]\n"
            "   4 d: op forward <- b, c after a [float32; 0 bytes]\n");
  EXPECT_EQ((*graph)->MeasuredTime(1, kTextDeviceKind), 5);
  EXPECT_EQ((*graph)->fusion_class(1), FusionClass::kContraction);
  EXPECT_EQ((*graph)->scope(1), "net.l0");
  EXPECT_EQ((*graph)->optimizer_copies(0), 2);
}

TEST(GraphTextTest, NamesTheColumnOfAFault) {
  const std::pair<const char*, const char*> faults[] = {
      {"a ->", "column 5: expected an op's name"},
      {"a:", "expected a type"},
      {"a[time=x]", "column 8: expected an integer"},
      {"a[colour=red]", "expected one of the keys"},
      {"a[time=1", "expected ',' or ']'"},
      {"a b", "column 3: expected '->', '=>' or ';'"},
      {"a:mul -> a:add", "described twice"},
      {"a:output -> b", "op 'a' has no port to read"},
      {"a -> a", "cycle: 'a' -> 'a'"}};
  for (const auto& [text, message] : faults) {
    EXPECT_THAT(ParseGraph(text).status().message(), HasSubstr(message)) << text;
  }
}

}  // namespace
}  // namespace gopt
