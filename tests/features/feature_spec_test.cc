#include "gopt/features/feature_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "gopt/features/graph_features.h"
#include "gopt/graph/graph_builder.h"
#include "gopt/workloads/stored.h"
#include "gopt/workloads/synthetic.h"
#include "tests/features/feature_cases.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

const FeatureSpec& Default() { return FeatureSpec::Default(); }

int64_t TypeIdOf(const std::string& type, const FeatureSpec& spec = Default()) {
  GraphBuilder builder;
  builder.AddOp({.name = "a", .type = type});
  const Problem problem = testing::UniformProblem(builder.Build().value(), 1);
  const GraphFeatures features =
      MakeGraphFeatures(problem, testing::PlainContext(problem), spec).value();
  return features.op_type.const_data_ptr<int64_t>()[0];
}

std::vector<std::string> TypeNames() {
  std::vector<std::string> names;
  for (const std::string& entry : Default().op_types) {
    for (const auto name : absl::StrSplit(entry, ' ')) names.emplace_back(name);
  }
  return names;
}

TEST(FeatureSpecTest, NamesAreDistinct) {
  for (const std::vector<std::string>& names :
       {TypeNames(), Default().node_columns, Default().edge_columns, Default().device_columns}) {
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
    EXPECT_THAT(names, Not(::testing::Contains("")));
  }
}

TEST(FeatureSpecTest, WidthsAreThoseOfTheTensors) {
  const Problem problem = testing::TextProblem("a -> b -> c", 3);
  ASSERT_OK_AND_ASSIGN(const GraphFeatures features,
                       MakeGraphFeatures(problem, testing::PlainContext(problem)));
  EXPECT_EQ(features.node.sizes(), (std::vector<int64_t>{3, Default().node_width()}));
  EXPECT_EQ(features.edge.sizes(), (std::vector<int64_t>{2, Default().edge_width()}));
  EXPECT_EQ(features.device.sizes(), (std::vector<int64_t>{3, Default().device_width()}));
}

TEST(FeatureSpecTest, SynonymsShareAnId) {
  EXPECT_EQ(TypeIdOf("mul"), TypeIdOf("multiply"));
  EXPECT_NE(TypeIdOf("mul"), TypeIdOf("add"));
  EXPECT_EQ(TypeIdOf("parameter"), 0);
}

// A stored policy relies on these numbers.
TEST(FeatureSpecTest, UnknownTypesHaveTheSameBucketForEver) {
  const auto known = static_cast<int64_t>(Default().op_types.size());
  EXPECT_EQ(TypeIdOf(""), known + 0xcbf29ce484222325u % 32);
  EXPECT_EQ(TypeIdOf("a"), known + 0xaf63dc4c8601ec8cu % 32);
  EXPECT_EQ(TypeIdOf("foobar"), known + 0x85944171f73967e8u % 32);
}

TEST(FeatureSpecTest, AnotherVocabularyIsTaken) {
  FeatureSpec spec = Default();
  spec.op_types = {"x", "foo y"};
  spec.unknown_buckets = 1;
  EXPECT_EQ(spec.num_type_ids(), 3);
  EXPECT_EQ(TypeIdOf("foo", spec), 1);
  EXPECT_EQ(TypeIdOf("y", spec), 1);
  EXPECT_EQ(TypeIdOf("foo y", spec), 2);
}

TEST(FeatureSpecTest, KnowsTheTypesOfStoredAndGeneratedGraphs) {
  std::vector<std::shared_ptr<const Graph>> graphs;
  for (const char* name : {"gnmt2", "txl2", "inception32", "wavenet2", "llama", "moe", "unet",
                           "dlrm", "clip", "nasnet", "amoebanet"}) {
    ASSERT_OK_AND_ASSIGN(graphs.emplace_back(), LoadWorkload(name));
  }
  ASSERT_OK_AND_ASSIGN(graphs.emplace_back(), MakeRnn());
  ASSERT_OK_AND_ASSIGN(graphs.emplace_back(), MakeGnmt());
  ASSERT_OK_AND_ASSIGN(graphs.emplace_back(), MakeTransformerXl());
  ASSERT_OK_AND_ASSIGN(graphs.emplace_back(), MakeLayered());
  const std::vector<std::string> names = TypeNames();
  const std::set<std::string_view> known(names.begin(), names.end());
  std::set<std::string_view> unknown;
  for (const auto& graph : graphs) {
    for (OpId op = 0; op < graph->num_ops(); ++op) {
      if (!known.contains(graph->op_type(op))) unknown.insert(graph->op_type(op));
    }
  }
  EXPECT_THAT(unknown, IsEmpty());
}

TEST(DescribeDifferenceTest, SaysNothingOfEqualSpecs) {
  EXPECT_EQ(DescribeDifference(Default(), Default()), "");
  EXPECT_TRUE(Default() == FeatureSpec(Default()));
}

TEST(DescribeDifferenceTest, NamesWhatDiffers) {
  FeatureSpec stored = Default();
  stored.version = 7;
  stored.op_types.pop_back();
  stored.unknown_buckets = 8;
  stored.node_columns.emplace_back("colour");
  std::swap(stored.edge_columns[0], stored.edge_columns[1]);
  stored.device_columns = {"compute"};
  EXPECT_FALSE(stored == Default());
  EXPECT_EQ(DescribeDifference(stored, Default()),
            "version 7, here 1; op types: here also 'fourier'; 8 buckets of unknown types, here "
            "32; node columns: here without 'colour'; edge columns: in another order; device "
            "columns: here also 'memory_bandwidth', 'memory', 'launch' and 13 more");
}

TEST(DescribeDifferenceTest, SeesWhatIsThereTwice) {
  FeatureSpec stored = Default();
  stored.node_columns.push_back(stored.node_columns[0]);
  EXPECT_EQ(DescribeDifference(stored, Default()), "node columns: some are there twice");
}

TEST(FeatureSpecTest, OtherColumnsAreRefused) {
  const Problem problem = testing::TextProblem("a -> b");
  const FeatureContext context = testing::PlainContext(problem);
  FeatureSpec spec = Default();
  spec.node_columns[0] = "colour";
  EXPECT_THAT(MakeGraphFeatures(problem, context, spec),
              IsInvalid("node columns: here without 'colour', here also 'kind_compute'"));
  spec = Default();
  spec.version = 0;
  EXPECT_THAT(MakeGraphFeatures(problem, context, spec), IsInvalid("version 0, here 1"));
  spec = Default();
  spec.unknown_buckets = 0;
  EXPECT_THAT(MakeGraphFeatures(problem, context, spec), IsInvalid("unknown_buckets"));
}

}  // namespace
}  // namespace gopt
