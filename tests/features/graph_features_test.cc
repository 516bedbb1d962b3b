#include "gopt/features/graph_features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "gopt/workloads/synthetic.h"
#include "tests/features/feature_cases.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing::FullContext;
using testing::Longs;
using testing::PlainContext;
using testing::TextProblem;

// Every tensor, in one order.
std::vector<at::Tensor> Tensors(const GraphFeatures& f) {
  return {f.op_type,   f.node, f.edge_source, f.edge_target, f.in_begin, f.out_edge,
          f.out_begin, f.edge, f.device,      f.op_device,   f.op_start, f.op_finish};
}

void ExpectFinite(const GraphFeatures& features) {
  for (const at::Tensor& tensor :
       {features.node, features.edge, features.device, features.op_start, features.op_finish}) {
    for (const float value : testing::Floats(tensor)) ASSERT_TRUE(std::isfinite(value));
  }
}

void ExpectNear(const at::Tensor& a, const at::Tensor& b, float tolerance) {
  ASSERT_EQ(a.sizes(), b.sizes());
  const std::vector<float> left = testing::Floats(a), right = testing::Floats(b);
  for (size_t i = 0; i < left.size(); ++i) {
    ASSERT_NEAR(left[i], right[i], tolerance)
        << "row " << i / a.size(1) << ", column " << i % a.size(1);
  }
}

TEST(GraphFeaturesTest, EdgesAreSortedByTargetAndFoundFromBothEnds) {
  const Problem problem = TextProblem("a -> b -> d; a -> c -> d; a => d");
  ASSERT_OK_AND_ASSIGN(const GraphFeatures f, MakeGraphFeatures(problem, PlainContext(problem)));
  EXPECT_THAT(Longs(f.edge_source), ElementsAre(0, 0, 0, 1, 2));
  EXPECT_THAT(Longs(f.edge_target), ElementsAre(1, 2, 3, 3, 3));
  EXPECT_THAT(Longs(f.in_begin), ElementsAre(0, 0, 1, 2, 5));
  EXPECT_THAT(Longs(f.out_edge), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(Longs(f.out_begin), ElementsAre(0, 3, 4, 5, 5));
  EXPECT_EQ(f.num_ops(), 4);
  EXPECT_EQ(f.num_edges(), 5);
  EXPECT_EQ(f.num_devices(), 2);
}

TEST(GraphFeaturesTest, EdgesAreThoseOfTheGraph) {
  Random random(3);
  for (int round = 0; round < 50; ++round) {
    const Problem problem = testing::UniformProblem(testing::RandomGraph(random), 2);
    ASSERT_OK_AND_ASSIGN(const GraphFeatures f, MakeGraphFeatures(problem, PlainContext(problem)));
    const std::vector<int64_t> source = Longs(f.edge_source), target = Longs(f.edge_target);
    const std::vector<int64_t> in = Longs(f.in_begin), out = Longs(f.out_begin);
    const std::vector<int64_t> out_edge = Longs(f.out_edge);
    for (OpId op = 0; op < problem.graph().num_ops(); ++op) {
      const std::vector<int64_t> producers(source.begin() + in[op], source.begin() + in[op + 1]);
      EXPECT_TRUE(std::ranges::equal(producers, problem.graph().predecessors(op)));
      std::vector<int64_t> readers;
      for (int64_t i = out[op]; i < out[op + 1]; ++i) {
        EXPECT_EQ(source[out_edge[i]], op);
        readers.push_back(target[out_edge[i]]);
      }
      EXPECT_TRUE(std::ranges::equal(readers, problem.graph().successors(op)));
    }
  }
}

TEST(GraphFeaturesTest, GivesTheIncumbent) {
  const Problem problem = TextProblem("a -> b -> c");
  FeatureContext context = PlainContext(problem);
  ASSERT_OK_AND_ASSIGN(GraphFeatures f, MakeGraphFeatures(problem, context));
  EXPECT_THAT(Longs(f.op_device), Each(-1));
  EXPECT_THAT(testing::Floats(f.op_finish), ElementsAre(0, 0, 0));
  context.incumbent = {{1, 0, kNone}, {0, 10, 0}, {5, 20, 0}, {1, 1, 0}, 20};
  ASSERT_OK_AND_ASSIGN(f, MakeGraphFeatures(problem, context));
  EXPECT_THAT(Longs(f.op_device), ElementsAre(1, 0, -1));
  EXPECT_THAT(testing::Floats(f.op_start), ElementsAre(0, 0.5, 0));
  EXPECT_THAT(testing::Floats(f.op_finish), ElementsAre(0.25, 1, 0));
}

TEST(GraphFeaturesTest, IsTheSameTwiceToTheBit) {
  const Problem problem = testing::UniformProblem(MakeLayered().value(), 4);
  const FeatureContext context = FullContext(problem, 1);
  ASSERT_OK_AND_ASSIGN(const GraphFeatures a, MakeGraphFeatures(problem, context));
  ASSERT_OK_AND_ASSIGN(const GraphFeatures b, MakeGraphFeatures(problem, context));
  for (size_t i = 0; i < Tensors(a).size(); ++i) {
    EXPECT_TRUE(Tensors(a)[i].equal(Tensors(b)[i])) << "tensor " << i;
  }
}

TEST(GraphFeaturesTest, ToCopiesEveryTensor) {
  const Problem problem = TextProblem("a -> b");
  ASSERT_OK_AND_ASSIGN(const GraphFeatures f, MakeGraphFeatures(problem, PlainContext(problem)));
  for (const at::Tensor& tensor : Tensors(f.To(at::kMeta))) EXPECT_TRUE(tensor.is_meta());
  EXPECT_TRUE(f.To(at::kCPU).node.is_same(f.node));
}

// --- Units

TEST(GraphFeaturesTest, TheUnitOfTimeChangesNothing) {
  const Problem problem = testing::UniformProblem(MakeRnn().value(), 3);
  const FeatureContext context = FullContext(problem, 2);
  FeatureContext scaled = context;
  for (auto& times : scaled.times) {
    for (Nanoseconds& time : times) time *= 1'000;
  }
  for (auto* times : {&scaled.incumbent.start, &scaled.incumbent.finish}) {
    for (Nanoseconds& time : *times) time *= 1'000;
  }
  scaled.incumbent.makespan *= 1'000;
  scaled.mean_latency *= 1'000;
  scaled.mean_inverse_bandwidth *= 1'000;
  ASSERT_OK_AND_ASSIGN(const GraphFeatures a, MakeGraphFeatures(problem, context));
  ASSERT_OK_AND_ASSIGN(const GraphFeatures b, MakeGraphFeatures(problem, scaled));
  ExpectNear(a.node, b.node, 1e-5f);
  ExpectNear(a.edge, b.edge, 1e-5f);
  ExpectNear(a.device, b.device, 1e-5f);
  EXPECT_TRUE(a.op_start.allclose(b.op_start));
}

TEST(GraphFeaturesTest, TheUnitOfBytesChangesNothing) {
  constexpr int64_t kFactor = 1'000;
  const auto graph = MakeRnn({.layers = 2, .steps = 6}).value();
  GraphColumns columns = graph->columns();
  for (auto* bytes : {&columns.port_bytes, &columns.storage_bytes}) {
    for (int64_t& value : *bytes) value *= kFactor;
  }
  columns.port_dims.clear();  // Their product must be the bytes.
  std::fill(columns.port_rank.begin(), columns.port_rank.end(), 0);
  GraphColumns same = graph->columns();
  same.port_dims = columns.port_dims;
  same.port_rank = columns.port_rank;
  const auto machine = [](int64_t memory) {
    return UniformMachine({.count = 3, .memory_bytes = memory}).value();
  };
  const Problem small =
      Problem::Create(Graph::Create(std::move(same)).value(), machine(1 << 30)).value();
  const Problem large =
      Problem::Create(Graph::Create(std::move(columns)).value(), machine(kFactor << 30)).value();
  FeatureContext context = FullContext(small, 2);
  ASSERT_OK_AND_ASSIGN(const GraphFeatures a, MakeGraphFeatures(small, context));
  context.mean_inverse_bandwidth /= kFactor;
  ASSERT_OK_AND_ASSIGN(const GraphFeatures b, MakeGraphFeatures(large, context));
  ExpectNear(a.node, b.node, 1e-5f);
  ExpectNear(a.edge, b.edge, 1e-5f);
  ExpectNear(a.device, b.device, 1e-5f);
}

// --- Degenerate problems

TEST(GraphFeaturesTest, DegenerateGraphsGiveFiniteNumbers) {
  for (const char* text :
       {"", "a", "a; b; c", "w:parameter[bytes=8]", "w:parameter[bytes=0]; v:parameter[bytes=0]",
        "a[time=0] -> b[time=0] -> c[time=0]", "a => b", "i:input -> o:output",
        "a[time=1,bytes=4600000000000000000] -> b[time=0]", "a[flops=1e308] -> b[flops=1e308]",
        "a[scope=999999999999999999999.0] -> b[scope=..]"}) {
    SCOPED_TRACE(text);
    for (const int devices : {1, 3}) {
      const Problem problem = TextProblem(text, devices);
      for (const FeatureContext& context : {PlainContext(problem), FullContext(problem, 1)}) {
        ASSERT_OK_AND_ASSIGN(const GraphFeatures f, MakeGraphFeatures(problem, context));
        EXPECT_EQ(f.num_ops(), problem.graph().num_ops());
        ExpectFinite(f);
      }
    }
  }
}

TEST(GraphFeaturesTest, TheLargestTimesGiveFiniteNumbers) {
  const Problem problem = testing::UniformProblem(MakeLayered({.ops = 500}).value(), 4);
  FeatureContext context = FullContext(problem, 1);
  for (auto& times : context.times) std::fill(times.begin(), times.end(), kSaturated);
  context.times[1][3] = 1;
  std::fill(context.incumbent.finish.begin(), context.incumbent.finish.end(), kSaturated);
  context.incumbent.makespan = kSaturated;
  context.mean_latency = 1e308;
  context.mean_inverse_bandwidth = 1e308;
  ASSERT_OK_AND_ASSIGN(const GraphFeatures f, MakeGraphFeatures(problem, context));
  ExpectFinite(f);
}

TEST(GraphFeaturesTest, APlanThatTakesNoTimeGivesFiniteNumbers) {
  const Problem problem = TextProblem("a -> b");
  FeatureContext context = PlainContext(problem);
  context.incumbent = {{0, 1}, {0, 0}, {0, 0}, {0, 0}, 0};
  ASSERT_OK_AND_ASSIGN(const GraphFeatures f, MakeGraphFeatures(problem, context));
  ExpectFinite(f);
}

// --- Errors

TEST(GraphFeaturesTest, RefusesAContextThatDoesNotFit) {
  const Problem problem = TextProblem("a -> b -> c");
  const auto expect = [&](const char* message, auto change) {
    FeatureContext context = FullContext(problem, 1);
    change(&context);
    EXPECT_THAT(MakeGraphFeatures(problem, context), IsInvalid(message));
  };
  expect("device_kind: 1 values for 2 devices", [](auto* c) { c->device_kind.pop_back(); });
  expect("there is no kind 2", [](auto* c) { c->device_kind[0] = 2; });
  expect("there is no kind -1", [](auto* c) { c->device_kind[0] = -1; });
  expect("times[1]: 2 values for 3 ops", [](auto* c) { c->times[1].pop_back(); });
  expect("times[0]: -1 for op 1 'b'", [](auto* c) { c->times[0][1] = -1; });
  expect("times[0]", [](auto* c) { c->times[0][1] = kSaturated + 1; });
  expect("not finite", [](auto* c) { c->mean_latency = std::nan(""); });
  expect("negative", [](auto* c) { c->mean_inverse_bandwidth = -1; });
  expect("incumbent.device: 4 values", [](auto* c) { c->incumbent.device.push_back(0); });
  expect("incumbent.device: 0 values", [](auto* c) { c->incumbent.device.clear(); });
  expect("incumbent.device: device 2 for op 0 'a'", [](auto* c) { c->incumbent.device[0] = 2; });
  expect("incumbent.start: 2 values", [](auto* c) { c->incumbent.start.pop_back(); });
  expect("incumbent.finish: -5", [](auto* c) { c->incumbent.finish[2] = -5; });
  expect("incumbent.critical", [](auto* c) { c->incumbent.critical.pop_back(); });
  expect("makespan", [](auto* c) { c->incumbent.makespan = -1; });
  expect("placements[2]: 2 values", [](auto* c) { c->placements[2].pop_back(); });
  expect("placements[1]: device -2", [](auto* c) { c->placements[1][0] = -2; });
}

}  // namespace
}  // namespace gopt
