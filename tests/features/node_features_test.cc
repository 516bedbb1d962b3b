#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "gopt/features/graph_features.h"
#include "gopt/graph/graph_builder.h"
#include "gopt/workloads/synthetic.h"
#include "tests/features/feature_cases.h"

namespace gopt {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::FloatNear;
using testing::NodeColumn;
using testing::PlainContext;
using ::testing::Pointwise;
using testing::TextProblem;

GraphFeatures Features(const Problem& problem, const FeatureContext& context) {
  return MakeGraphFeatures(problem, context).value();
}
GraphFeatures Features(const Problem& problem) { return Features(problem, PlainContext(problem)); }

// log(x : mean) of docs/policy_features.md.
float Log(double x, double mean) {
  return static_cast<float>(std::log2(x / mean + 1.0 / 1024) / 4);
}

#define EXPECT_COLUMN(values, ...) \
  EXPECT_THAT(values, Pointwise(FloatNear(1e-5f), std::vector<float>{__VA_ARGS__}))

TEST(NodeFeaturesTest, KnowsKindPhaseAndClass) {
  const GraphFeatures f = Features(
      TextProblem("x:input -> a:matmul -> b:add[phase=b] -> o:output; w:parameter -> a; w -> u:"
                  "optimizer; b -> u"));
  EXPECT_COLUMN(NodeColumn(f, "kind_compute"), 0, 0, 1, 1, 0, 1);
  EXPECT_COLUMN(NodeColumn(f, "kind_input"), 1, 0, 0, 0, 0, 0);
  EXPECT_COLUMN(NodeColumn(f, "kind_parameter"), 0, 1, 0, 0, 0, 0);
  EXPECT_COLUMN(NodeColumn(f, "kind_output"), 0, 0, 0, 0, 1, 0);
  EXPECT_COLUMN(NodeColumn(f, "phase_backward"), 0, 0, 0, 1, 0, 0);
  EXPECT_COLUMN(NodeColumn(f, "phase_optimizer"), 0, 0, 0, 0, 0, 1);
  EXPECT_COLUMN(NodeColumn(f, "fusion_contraction"), 0, 0, 1, 0, 0, 0);
  EXPECT_COLUMN(NodeColumn(f, "fusion_elementwise"), 0, 0, 0, 1, 0, 0);
}

TEST(NodeFeaturesTest, UnspecifiedCategoriesHaveNoColumn) {
  GraphBuilder builder;
  builder.AddOp(
      {.name = "a", .phase = Phase::kUnspecified, .fusion_class = FusionClass::kUnspecified});
  const GraphFeatures f = Features(testing::UniformProblem(builder.Build().value(), 1));
  EXPECT_COLUMN(NodeColumn(f, "phase_forward"), 0);
  EXPECT_COLUMN(NodeColumn(f, "fusion_opaque"), 1);  // Treated as such by the fusion rules.
}

TEST(NodeFeaturesTest, SizesAreRelativeToTheirMeans) {
  const Problem problem = TextProblem(
      "w:parameter[bytes=6,copies=2] -> a[bytes=4,flops=30] -> b[bytes=12]; v:parameter[bytes=2]; "
      "w -> b; a -> b");
  const GraphFeatures f = Features(problem);  // w, a, b, v
  EXPECT_COLUMN(NodeColumn(f, "output_bytes"), Log(6, 8), Log(4, 8), Log(12, 8), Log(2, 8));
  EXPECT_COLUMN(NodeColumn(f, "read_bytes"), Log(0, 8), Log(6, 8), Log(10, 8), Log(0, 8));
  EXPECT_COLUMN(NodeColumn(f, "persistent_bytes"), Log(18, 10), 0, 0, Log(2, 10));
  EXPECT_COLUMN(NodeColumn(f, "parameter_bytes_read"), 0, Log(18, 10), Log(18, 10), 0);
  EXPECT_COLUMN(NodeColumn(f, "flops"), 0, Log(30, 15), 0, 0);
}

TEST(NodeFeaturesTest, ShapesOfTheLargestPort) {
  GraphBuilder builder;
  const OpId a = builder.AddOp({.name = "a"});
  builder.AddPort(a, {.bytes = 4, .dims = {1}});
  builder.AddPort(a, {.bytes = 4 * 3 * 7 * 5 * 15, .dims = {3, 7, 5, 15}});
  builder.AddOp({.name = "b"});
  const GraphFeatures f = Features(testing::UniformProblem(builder.Build().value(), 1));
  EXPECT_COLUMN(NodeColumn(f, "ports"), std::log2(3.0f) / 8, 0);
  EXPECT_COLUMN(NodeColumn(f, "rank"), 1, 0);
  EXPECT_COLUMN(NodeColumn(f, "dim_first"), 2 / 16.f, 0);
  EXPECT_COLUMN(NodeColumn(f, "dim_middle"), std::log2(36.0f) / 16, 0);
  EXPECT_COLUMN(NodeColumn(f, "dim_last"), 4 / 16.f, 0);
}

TEST(NodeFeaturesTest, TimesOverKindsOfDevices) {
  const Problem problem = TextProblem("a -> b; i:input -> a", 4);  // i, a, b
  FeatureContext context = PlainContext(problem);
  context.device_kind = {0, 1, 1, 1};
  context.times = {{0, 4, 8}, {0, 16, 8}};
  const GraphFeatures f = Features(problem, context);  // Means 13 and 8.
  EXPECT_COLUMN(NodeColumn(f, "time_mean"), 0, Log(13, 10.5), Log(8, 10.5));
  EXPECT_COLUMN(NodeColumn(f, "time_best"), 0, Log(4, 6), Log(8, 6));
  EXPECT_COLUMN(NodeColumn(f, "time_spread"), 0, Log(16, 4), 0);
  EXPECT_THAT(NodeColumn(f, "graph_unequal"), Each(FloatNear(Log(24, 12), 1e-5f)));
  EXPECT_THAT(NodeColumn(f, "graph_devices"), Each(0.5f));
}

TEST(NodeFeaturesTest, LevelsByHand) {
  const Problem problem = TextProblem(
      "a[time=2,bytes=10] -> b[time=3,bytes=10] -> d[time=1]; a -> c[time=4,bytes=30] -> d");
  FeatureContext context = PlainContext(problem);
  context.mean_latency = 1;
  context.mean_inverse_bandwidth = 0.1;
  const GraphFeatures f = Features(problem, context);
  EXPECT_COLUMN(NodeColumn(f, "top_level"), 0, 2 / 7.f, 2 / 7.f, 6 / 7.f);
  EXPECT_COLUMN(NodeColumn(f, "bottom_level"), 1, 4 / 7.f, 5 / 7.f, 1 / 7.f);
  EXPECT_COLUMN(NodeColumn(f, "slack"), 0, 1 / 7.f, 0, 0);
  EXPECT_COLUMN(NodeColumn(f, "time_share"), 2 / 7.f, 3 / 7.f, 4 / 7.f, 1 / 7.f);
  EXPECT_COLUMN(NodeColumn(f, "depth"), 0, .5, .5, 1);
  EXPECT_COLUMN(NodeColumn(f, "position"), 0, 1 / 3.f, 2 / 3.f, 1);
  EXPECT_COLUMN(NodeColumn(f, "in_degree"), 0, .125, .125, std::log2(3.f) / 8);
  // Transfers: 2, 2, 2 and 4 from c to d.
  EXPECT_COLUMN(NodeColumn(f, "top_level_transfer"), 0, 4 / 13.f, 4 / 13.f, 12 / 13.f);
  EXPECT_COLUMN(NodeColumn(f, "bottom_level_transfer"), 1, 6 / 13.f, 9 / 13.f, 1 / 13.f);
  EXPECT_COLUMN(NodeColumn(f, "slack_transfer"), 0, 3 / 13.f, 0, 0);
  EXPECT_COLUMN(NodeColumn(f, "transfer_in"), 0, 2 / 5.f, 2 / 6.f, 6 / 7.f);
  EXPECT_COLUMN(NodeColumn(f, "transfer_out"), 2 / 4.f, 2 / 5.f, 4 / 8.f, 0);
  EXPECT_THAT(NodeColumn(f, "graph_parallelism"), Each(FloatEq(std::log2(10 / 7.f) / 4)));
  EXPECT_THAT(NodeColumn(f, "graph_transfer"), Each(FloatEq(8 / 18.f)));
}

TEST(NodeFeaturesTest, WhatDoesNotGoFromKernelToKernelDelaysNobody) {
  const Problem problem = TextProblem(
      "w:parameter[bytes=99] -> a[time=5]; i:input[bytes=99] -> a; a => b[time=5] -> o:output");
  FeatureContext context = PlainContext(problem);
  context.mean_latency = 100;
  const GraphFeatures f = Features(problem, context);
  EXPECT_COLUMN(NodeColumn(f, "top_level_transfer"), 0, 0, 0, .5, 1);  // w, i, a, b, o
  EXPECT_COLUMN(NodeColumn(f, "transfer_in"), 0, 0, 0, 0, 0);
  EXPECT_COLUMN(NodeColumn(f, "transfer_out"), 1, 0, 0, 0, 0);  // Only w's readers may be remote.
}

TEST(NodeFeaturesTest, ReachedWorkIsExactWhereAllIsOnePath) {
  const GraphFeatures f = Features(TextProblem("a[time=1] -> b[time=2] -> c[time=3] -> d[time=4]"));
  EXPECT_COLUMN(NodeColumn(f, "ancestor_work"), 0, .1, .3, .6);
  EXPECT_COLUMN(NodeColumn(f, "descendant_work"), .9, .7, .4, 0);
}

// Work of all ancestors, or of all descendants, by a set of bits per op.
std::vector<double> ExactWork(const Graph& graph, const std::vector<Nanoseconds>& time,
                              bool ancestors) {
  const int ops = graph.num_ops();
  std::vector<std::vector<bool>> reached(ops, std::vector<bool>(ops));
  std::vector<double> work(ops, 0.0);
  for (int i = 0; i < ops; ++i) {
    const OpId op = ancestors ? i : ops - 1 - i;
    for (const OpId other : ancestors ? graph.predecessors(op) : graph.successors(op)) {
      reached[op][other] = true;
      for (int k = 0; k < ops; ++k) reached[op][k] = reached[op][k] || reached[other][k];
    }
    for (int k = 0; k < ops; ++k) work[op] += reached[op][k] ? static_cast<double>(time[k]) : 0.0;
  }
  return work;
}

TEST(NodeFeaturesTest, ReachedWorkIsEstimatedWithinAFifth) {
  for (const bool ancestors : {true, false}) {
    const Problem problem = testing::UniformProblem(
        MakeLayered({.ops = 1'200, .width = 120, .fan_in = 2, .reach = 2}).value(), 2);
    const FeatureContext context = PlainContext(problem);
    double total = 0.0;
    for (const Nanoseconds time : context.times[0]) total += static_cast<double>(time);
    ASSERT_GT(total, 0.0);
    const std::vector<double> exact = ExactWork(problem.graph(), context.times[0], ancestors);
    const std::vector<float> estimate =
        NodeColumn(Features(problem, context), ancestors ? "ancestor_work" : "descendant_work");
    double bias = 0.0, square = 0.0;
    int count = 0;
    for (size_t op = 0; op < exact.size(); ++op) {
      if (exact[op] == 0.0) {
        EXPECT_EQ(estimate[op], 0.0f);
        continue;
      }
      const double error = estimate[op] * total / exact[op] - 1.0;
      bias += error;
      square += error * error;
      ++count;
    }
    EXPECT_GT(count, 800);
    EXPECT_LT(std::sqrt(square / count), 0.2);
    EXPECT_LT(std::abs(bias / count), 0.08);
  }
}

TEST(NodeFeaturesTest, ScopesByLayer) {
  const Problem problem = TextProblem(
      "a[scope=stem]; b[scope=layers.2.norm]; c[scope=layers.2.norm]; d[scope=layers.3.mix.1]; "
      "e[scope=layers.5]; f[scope=layers.3.mix.4]; g[scope=layers.2.norm]; h");
  const GraphFeatures f = Features(problem);
  EXPECT_COLUMN(NodeColumn(f, "scope_index"), 0, .2, .2, .4, .6, .8, .2, 1);
  EXPECT_COLUMN(NodeColumn(f, "scope_depth"), .125, .375, .375, .5, .25, .5, .375, 0);
  EXPECT_COLUMN(NodeColumn(f, "scope_outer"), 0, .25, .25, .5, 1, .5, .25, 0);
  EXPECT_COLUMN(NodeColumn(f, "scope_inner"), 0, 0, 0, .25, 0, 1, 0, 0);
  EXPECT_COLUMN(NodeColumn(f, "scope_position"), 0, 0, .5, 0, 0, 0, 1, 0);
  const float one = Log(1, 8 / 6.), three = Log(3, 8 / 6.);
  EXPECT_COLUMN(NodeColumn(f, "scope_size"), one, three, three, one, one, one, three, one);
}

TEST(NodeFeaturesTest, ScopeCodesAreOfLayers) {
  const Problem problem = TextProblem(
      "a[scope=net.layers.2.norm]; b[scope=net.layers.2.mix.1]; c[scope=layer7.x]; "
      "d[scope=layer7.y]; e[scope=net.layers.3]; f[scope=net.layers.4]; g[scope=net.layers.5]");
  const GraphFeatures f = Features(problem);
  std::vector<std::string> codes(7);
  for (int bit = 0; bit < 4; ++bit) {
    const std::vector<float> column = NodeColumn(f, "scope_code_" + std::to_string(bit));
    for (int op = 0; op < 7; ++op) codes[op] += column[op] > 0 ? '+' : '-';
  }
  EXPECT_EQ(codes[0], codes[1]);
  EXPECT_EQ(codes[2], codes[3]);
  // Four bits of a hash that never changes: a stored policy relies on them.
  EXPECT_THAT(codes, ElementsAre("---+", "---+", "----", "----", "-+-+", "--++", "++-+"));
}

TEST(NodeFeaturesTest, IncumbentByHand) {
  const Problem problem =
      TextProblem("a[time=2] -> c[time=6] -> d[time=1]; b[time=3] -> c; a -> d; i:input -> c", 3);
  FeatureContext context = PlainContext(problem);  // a, b, i, c, d
  context.incumbent = {
      {0, 1, kNone, 1, 0}, {0, 0, 0, 4, 11}, {2, 3, 0, 10, 12}, {0, 0, 0, 1, 1}, 20};
  const GraphFeatures f = Features(problem, context);
  EXPECT_COLUMN(NodeColumn(f, "incumbent_placed"), 1, 1, 0, 1, 1);
  EXPECT_COLUMN(NodeColumn(f, "incumbent_start"), 0, 0, 0, .2, .55);
  EXPECT_COLUMN(NodeColumn(f, "incumbent_finish"), .1, .15, 0, .5, .6);
  EXPECT_COLUMN(NodeColumn(f, "incumbent_critical"), 0, 0, 0, 1, 1);
  EXPECT_COLUMN(NodeColumn(f, "incumbent_remote_inputs"), 0, 0, 0, .5, .5);
  EXPECT_COLUMN(NodeColumn(f, "incumbent_remote_reads"), .5, 0, 0, 1, 0);
  EXPECT_COLUMN(NodeColumn(f, "incumbent_wait"), 0, 0, 0, .05, .05);
  EXPECT_COLUMN(NodeColumn(f, "incumbent_slack"), .1, .05, 0, .05, .4);
  EXPECT_COLUMN(NodeColumn(f, "incumbent_load"), 3 / 9.f, 1, 0, 1, 3 / 9.f);
}

TEST(NodeFeaturesTest, ConstraintsAndTwins) {
  ProblemOptions options;
  options.constraints.allowed.push_back({{0}, {1, 2}, "test"});
  options.constraints.colocate.push_back({{1, 2}, "test"});
  GraphBuilder builder;
  for (const char* name : {"a", "b", "c"}) builder.AddOp({.name = name});
  builder.AddOp({.name = "d", .phase = Phase::kBackward, .forward_twin = 1, .side_effect = true});
  const GraphFeatures f =
      Features(testing::UniformProblem(builder.Build().value(), 4, std::move(options)));
  EXPECT_COLUMN(NodeColumn(f, "allowed_devices"), .5, 1, 1, 1);
  EXPECT_COLUMN(NodeColumn(f, "colocated"), 0, 1, 1, 0);
  EXPECT_COLUMN(NodeColumn(f, "twin_distance"), 0, 0, 0, 2 / 3.f);
  EXPECT_COLUMN(NodeColumn(f, "side_effect"), 0, 0, 0, 1);
}

}  // namespace
}  // namespace gopt
