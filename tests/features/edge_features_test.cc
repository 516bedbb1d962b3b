#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "gopt/features/graph_features.h"
#include "gopt/graph/graph_builder.h"
#include "tests/features/feature_cases.h"

namespace gopt {
namespace {

using ::testing::Each;
using testing::EdgeColumn;
using ::testing::FloatNear;
using testing::PlainContext;
using ::testing::Pointwise;
using testing::TextProblem;

#define EXPECT_COLUMN(values, ...) \
  EXPECT_THAT(values, Pointwise(FloatNear(1e-5f), std::vector<float>{__VA_ARGS__}))

float Log(double x, double mean) {
  return static_cast<float>(std::log2(x / mean + 1.0 / 1024) / 4);
}

GraphFeatures Features(const Problem& problem, const FeatureContext& context) {
  return MakeGraphFeatures(problem, context).value();
}

TEST(EdgeFeaturesTest, TrafficByHand) {
  const Problem problem = TextProblem(
      "a[time=2,bytes=10] -> b[time=4,bytes=30] -> c[time=6]; w:parameter[bytes=50] -> c; a => c; "
      "c -> o:output");
  FeatureContext context = PlainContext(problem);
  context.mean_latency = 1;
  context.mean_inverse_bandwidth = 0.1;
  const GraphFeatures f = Features(problem, context);  // a, b, w, c, o
  // a -> b, a => c, b -> c, w -> c, c -> o
  const float none = Log(0, 1);
  EXPECT_COLUMN(EdgeColumn(f, "transfer"), Log(2, 4), none, Log(4, 4), Log(6, 4), none);
  EXPECT_COLUMN(EdgeColumn(f, "bytes"), Log(10, 30), none, 0.0003522, Log(50, 30), none);
  EXPECT_COLUMN(EdgeColumn(f, "read_share"), 1, 0, 3 / 8.f, 5 / 8.f, 0);
  EXPECT_COLUMN(EdgeColumn(f, "control_only"), 0, 1, 0, 0, 0);
  EXPECT_COLUMN(EdgeColumn(f, "from_parameter"), 0, 0, 0, 1, 0);
  EXPECT_COLUMN(EdgeColumn(f, "never_moves"), 0, 0, 0, 0, 1);
  const float two = 1 / std::sqrt(2.f), three = 1 / std::sqrt(3.f);
  EXPECT_COLUMN(EdgeColumn(f, "source_degree"), two, two, 1, 1, 1);
  EXPECT_COLUMN(EdgeColumn(f, "target_degree"), 1, three, three, three, 1);
  EXPECT_COLUMN(EdgeColumn(f, "distance"), .25, .75, .5, .25, .25);
  // Plain critical path 12, with transfers 2 + 2 + 4 + 4 + 6 = 18.
  EXPECT_COLUMN(EdgeColumn(f, "edge_slack"), 0, 4 / 12.f, 0, .5, 0);
  EXPECT_COLUMN(EdgeColumn(f, "edge_slack_transfer"), 0, 10 / 18.f, 0, 12 / 18.f, 0);
}

TEST(EdgeFeaturesTest, SeveralPortsAreOneEdgeAndEachCountsOnce) {
  GraphBuilder builder;
  const OpId a = builder.AddOp({.name = "a"});
  const OpId b = builder.AddOp({.name = "b"});
  const OpId c = builder.AddOp({.name = "c"});
  const PortId p = builder.AddPort(a, {.bytes = 10}), q = builder.AddPort(a, {.bytes = 30});
  builder.AddOperands(b, std::vector<PortId>{p, q, p});
  builder.AddOperands(c, std::vector<PortId>{q});
  const GraphFeatures f = [&] {
    const Problem problem = testing::UniformProblem(builder.Build().value(), 2);
    return Features(problem, PlainContext(problem));
  }();
  EXPECT_COLUMN(EdgeColumn(f, "bytes"), Log(40, 35), Log(30, 35));
}

TEST(EdgeFeaturesTest, ScopesAndPhases) {
  const Problem problem = TextProblem(
      "a[scope=x] -> b[scope=x]; a -> c[scope=y,phase=b] -> d[scope=z,phase=b]; b -> c");
  const GraphFeatures f = Features(problem, PlainContext(problem));
  // a -> b, a -> c, b -> c, c -> d
  EXPECT_COLUMN(EdgeColumn(f, "same_scope"), 1, 0, 0, 0);
  EXPECT_COLUMN(EdgeColumn(f, "same_phase"), 1, 0, 0, 1);
}

TEST(EdgeFeaturesTest, PlacementsByHand) {
  const Problem problem = TextProblem("a -> b -> c -> d");
  FeatureContext context = PlainContext(problem);
  GraphFeatures f = Features(problem, context);
  EXPECT_THAT(EdgeColumn(f, "incumbent_colocated"), Each(0.5f));
  EXPECT_THAT(EdgeColumn(f, "placements_colocated"), Each(0.5f));
  context.incumbent = {{0, 0, 1, kNone}, {0, 2, 7, 0}, {2, 5, 9, 0}, {0, 0, 0, 0}, 10};
  context.placements = {{0, 0, 0, 0}, {0, 1, 1, kNone}};
  f = Features(problem, context);
  EXPECT_COLUMN(EdgeColumn(f, "incumbent_colocated"), 1, 0, .5);
  EXPECT_COLUMN(EdgeColumn(f, "incumbent_gap"), 0, .2, 0);
  EXPECT_COLUMN(EdgeColumn(f, "placements_colocated"), .5, 1, .75);
}

}  // namespace
}  // namespace gopt
