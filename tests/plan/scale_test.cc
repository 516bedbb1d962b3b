// Graphs of a million ops, many devices: nothing recurses over nodes or is quadratic in them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/graph/graph_columns.h"
#include "gopt/plan/kernel_graph.h"
#include "gopt/plan/validate.h"
#include "tests/plan/plan_test_util.h"
#include "tests/testing/scale.h"
#include "tests/testing/thread_clock.h"

namespace gopt {
namespace {

// An opaque op for each entry, named by its number, with one port of 8 bytes.
std::shared_ptr<const Graph> MakeGraph(const std::vector<std::vector<PortId>>& operands) {
  GraphColumns c;
  c.strings = {"", "op"};
  const size_t n = operands.size();
  for (size_t i = 0; i < n; ++i) {
    c.op_name.push_back(static_cast<uint32_t>(c.strings.size()));
    c.strings.push_back(std::to_string(i));
    c.op_num_operands.push_back(static_cast<uint32_t>(operands[i].size()));
    c.operand_port.insert(c.operand_port.end(), operands[i].begin(), operands[i].end());
    c.port_storage.push_back(static_cast<StorageId>(i));
  }
  c.op_type.assign(n, 1);
  c.op_native.assign(n, 0);
  c.op_scope.assign(n, 0);
  c.op_kind.assign(n, OpKind::kCompute);
  c.op_phase.assign(n, Phase::kForward);
  c.op_fusion_class.assign(n, FusionClass::kElementwise);
  c.op_forward_twin.assign(n, kNone);
  c.op_colocation.assign(n, kNone);
  c.op_flops.assign(n, -1.0);
  c.op_bytes_read.assign(n, -1);
  c.op_bytes_written.assign(n, -1);
  c.op_scratch_bytes.assign(n, 0);
  c.op_side_effect.assign(n, 0);
  c.op_num_controls.assign(n, 0);
  c.op_num_ports.assign(n, 1);
  c.port_bytes.assign(n, 8);
  c.port_dtype.assign(n, DType::kFloat32);
  c.port_rank.assign(n, 0);
  c.port_persistent.assign(n, 0);
  c.port_optimizer_copies.assign(n, 0);
  c.storage_bytes.assign(n, 8);
  auto graph = Graph::Create(std::move(c));
  EXPECT_OK(graph);
  return *std::move(graph);
}

std::vector<std::vector<PortId>> Chain(int n) {
  std::vector<std::vector<PortId>> operands(n);
  for (int i = 1; i < n; ++i) operands[i] = {i - 1};
  return operands;
}

void RunWithStackOf256KiB(const std::function<void()>& body) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 256 << 10), 0);
  pthread_t thread;
  const auto run = [](void* argument) -> void* {
    (*static_cast<const std::function<void()>*>(argument))();
    return nullptr;
  };
  auto* argument = const_cast<std::function<void()>*>(&body);
  ASSERT_EQ(pthread_create(&thread, &attributes, run, argument), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

double SecondsOf(const std::function<void()>& body) {
  double best = 1e9;
  for (int repetition = 0; repetition < 3; ++repetition) {
    const testing::ThreadClock clock;
    body();
    best = std::min(best, clock.seconds());
  }
  return best;
}

TEST(ScaleTest, ChainOfAMillionOpsWorksOnASmallStack) {
  RunWithStackOf256KiB([] {
    constexpr int kOps = testing::Scaled(1'000'000);
    const auto graph = MakeGraph(Chain(kOps));
    const Plan plan = SingletonPlan(graph, std::vector<DeviceId>(kOps, 1));
    ASSERT_OK_AND_ASSIGN(const KernelGraph dag, KernelGraph::Create(*plan.kernels, {}));
    EXPECT_EQ(static_cast<int>(dag.topological_order.size()), kOps);
    ASSERT_OK_AND_ASSIGN(const Problem problem, Problem::Create(graph, EqualDevices(2)));
    EXPECT_OK(ValidatePlan(problem, plan));
  });
}

TEST(ScaleTest, KernelsOfAMillionOpsAgainstTheirOrderAreSortedOnASmallStack) {
  RunWithStackOf256KiB([] {
    constexpr int kOps = testing::Scaled(1'000'000);
    const auto graph = MakeGraph(Chain(kOps));
    Kernels::Columns columns;
    columns.begin.resize(kOps + 1);
    std::iota(columns.begin.begin(), columns.begin.end(), 0);
    columns.ops.resize(kOps);
    std::iota(columns.ops.rbegin(), columns.ops.rend(), 0);
    ASSERT_OK_AND_ASSIGN(const auto kernels, Kernels::Create(graph, std::move(columns)));
    ASSERT_OK_AND_ASSIGN(const KernelGraph dag, KernelGraph::Create(*kernels, {}));
    EXPECT_EQ(dag.topological_order.front(), kOps - 1);
    EXPECT_EQ(dag.topological_order.back(), 0);
  });
}

TEST(ScaleTest, CycleOfAMillionKernelsIsFoundOnASmallStack) {
  RunWithStackOf256KiB([] {
    // Kernel 0 holds the chain's two ends.
    constexpr int kOps = testing::Scaled(1'000'000);
    const auto graph = MakeGraph(Chain(kOps));
    Kernels::Columns columns = {.begin = {0, 2}, .ops = {0, kOps - 1}};
    for (OpId op = 1; op + 1 < kOps; ++op) {
      columns.ops.push_back(op);
      columns.begin.push_back(static_cast<int32_t>(columns.ops.size()));
    }
    ASSERT_OK_AND_ASSIGN(const auto kernels, Kernels::Create(graph, std::move(columns)));
    EXPECT_THAT(KernelGraph::Create(*kernels, {}),
                IsInvalid("... (" + std::to_string(kOps - 17) + " more) -> "));
  });
}

TEST(ScaleTest, StarsTakeAsLongAsOtherGraphsOfAsManyEdges) {
  constexpr int kOps = testing::Scaled(1'000'000);
  std::vector<std::vector<PortId>> fan_out(kOps), fan_in(kOps), random(kOps);
  Random generator(1);
  for (int i = 1; i < kOps; ++i) {
    fan_out[i] = {0};
    fan_in[kOps - 1].push_back(i - 1);
    random[i] = {static_cast<PortId>(generator.Below(i))};
  }
  const auto seconds = [](const std::vector<std::vector<PortId>>& operands) {
    const auto kernels = Kernels::Singletons(MakeGraph(operands));
    return SecondsOf([&] { EXPECT_OK(KernelGraph::Create(*kernels, {})); });
  };
  const double usual = seconds(random);
  EXPECT_LT(seconds(fan_out), 3 * usual);
  EXPECT_LT(seconds(fan_in), 3 * usual);
}

TEST(ScaleTest, AClonePerReaderIsNotQuadratic) {
  // Op 0 is cloned into the kernels of 100,000 readers on 1000 devices.
  constexpr int kReaders = 100'000;
  std::vector<std::vector<PortId>> operands(kReaders + 1, {0});
  operands[0] = {};
  const auto graph = MakeGraph(operands);
  Kernels::Columns columns = {.begin = {0}};
  std::vector<DeviceId> device;
  for (OpId op = 1; op <= kReaders; ++op) {
    columns.ops.insert(columns.ops.end(), {0, op});
    columns.begin.push_back(2 * op);
    device.push_back(op % 1000);
  }
  ASSERT_OK_AND_ASSIGN(const auto kernels, Kernels::Create(graph, std::move(columns)));
  ASSERT_OK_AND_ASSIGN(const KernelGraph dag, KernelGraph::Create(*kernels, device));
  EXPECT_TRUE(dag.inputs.empty());
}

TEST(ScaleTest, UnconnectedAndTimelessOpsAreAccepted) {
  for (const int n : {0, 1, 10'000}) {
    const auto graph = MakeGraph(std::vector<std::vector<PortId>>(n));
    ASSERT_OK_AND_ASSIGN(const KernelGraph dag,
                         KernelGraph::Create(*Kernels::Singletons(graph), {}));
    EXPECT_EQ(dag.topological_order.size(), static_cast<size_t>(n));
  }
}

TEST(ScaleTest, PlansOn1024DevicesAreValidated) {
  constexpr int kOps = 4096;
  const auto graph = MakeGraph(Chain(kOps));
  std::vector<DeviceId> device(kOps);
  for (int i = 0; i < kOps; ++i) device[i] = i / 4;
  Constraints constraints = {
      .forward_only_devices = true, .no_skipped_devices = true, .triangle_free_devices = true};
  ASSERT_OK_AND_ASSIGN(const Problem problem,
                       Problem::Create(graph, EqualDevices(1024), {.constraints = constraints}));
  EXPECT_OK(ValidatePlan(problem, SingletonPlan(graph, device)));
}

}  // namespace
}  // namespace gopt
