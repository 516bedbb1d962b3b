#include "gopt/plan/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "gopt/graph/graph_builder.h"
#include "tests/plan/plan_test_util.h"

namespace gopt {
namespace {

using testing::AllOf;
using testing::ElementsAre;

// A graph, four devices, and a plan of singleton kernels to bend.
class ValidateTest : public testing::Test {
 protected:
  void Use(std::string_view text, Constraints constraints = {}) {
    graph_ = TextGraph(text);
    auto problem = Problem::Create(graph_, machine_, {.constraints = std::move(constraints)});
    ASSERT_OK(problem);
    problem_ = std::make_unique<const Problem>(*std::move(problem));
  }

  // Singleton kernels in op order on these devices.
  absl::Status On(std::vector<DeviceId> device) {
    return ValidatePlan(*problem_, SingletonPlan(graph_, std::move(device)));
  }

  absl::Status Grouped(const std::vector<std::vector<std::string>>& groups,
                       std::vector<DeviceId> device) {
    auto kernels = MakeKernels(graph_, groups);
    EXPECT_OK(kernels);
    Plan plan = {.kernels = *kernels, .device = std::move(device)};
    plan.rank.assign(plan.kernels->size(), 0);
    return ValidatePlan(*problem_, plan);
  }

  absl::Status InSequence(std::vector<DeviceId> device, std::vector<KernelId> sequence) {
    Plan plan = SingletonPlan(graph_, std::move(device));
    plan.dispatch = Dispatch::kSequence;
    plan.sequence = std::move(sequence);
    return ValidatePlan(*problem_, plan);
  }

  Machine machine_ = EqualDevices(4);
  std::shared_ptr<const Graph> graph_;
  std::unique_ptr<const Problem> problem_;
};

TEST_F(ValidateTest, AcceptsAPlainPlan) {
  Use("x:input -> a -> b -> y:output; w:parameter -> b");
  EXPECT_OK(On({0, 1}));
}

TEST_F(ValidateTest, AcceptsAnEmptyGraph) {
  Use("");
  EXPECT_OK(On({}));
}

TEST_F(ValidateTest, RejectsWrongSizesAndRanges) {
  Use("a -> b; w:parameter -> a");
  EXPECT_THAT(On({0}), IsInvalid("plan: device has 1 entries, expected 2"));
  EXPECT_THAT(On({0, 4}), IsInvalid("plan: kernel 1 (op 2 'b'): device 4 does not exist"));
  EXPECT_THAT(On({-1, 0}), IsInvalid("device -1 does not exist"));
  Plan plan = SingletonPlan(graph_, {0, 0});
  plan.rank.pop_back();
  EXPECT_THAT(ValidatePlan(*problem_, plan), IsInvalid("rank has 1 entries"));
  plan = SingletonPlan(graph_, {0, 0});
  plan.parameter_home = {0, 0};
  EXPECT_THAT(ValidatePlan(*problem_, plan), IsInvalid("parameter_home has 2 entries"));
  plan.parameter_home = {4};
  EXPECT_THAT(ValidatePlan(*problem_, plan), IsInvalid("device 4 does not exist"));
  plan.parameter_home = {kNone};
  EXPECT_OK(ValidatePlan(*problem_, plan));
  plan.dispatch = static_cast<Dispatch>(9);
  EXPECT_THAT(ValidatePlan(*problem_, plan), IsInvalid("unknown dispatch 9"));
  EXPECT_THAT(ValidatePlan(*problem_, Plan()), IsInvalid("kernels are missing"));
  EXPECT_THAT(ValidatePlan(*problem_, SingletonPlan(TextGraph("z"), {0})),
              IsInvalid("another graph"));
}

TEST_F(ValidateTest, AppliesTheFusionRules) {
  Use("a:add -> b:relu -> c:sort");
  EXPECT_OK(Grouped({{"a", "b"}, {"c"}}, {0, 0}));
  EXPECT_THAT(Grouped({{"a"}, {"b", "c"}}, {0, 0}),
              IsInvalid("plan: kernel 1 (op 1 'b' and 1 more): cannot fuse op 2 'c': opaque ops"));
}

TEST_F(ValidateTest, KeepsOpsThatMustNeverFuseAlone) {
  Use("a:add -> b:relu -> c:relu", {.never_fuse = {{{2}, "debugged"}}});
  EXPECT_OK(Grouped({{"a", "b"}, {"c"}}, {0, 0}));
  EXPECT_THAT(Grouped({{"a"}, {"b", "c"}}, {0, 0}),
              IsInvalid("op 2 'c' must never fuse (debugged)"));
}

TEST_F(ValidateTest, RejectsKernelsThatWaitForEachOther) {
  Use("a:add -> b:sort -> c:add; a -> c");
  EXPECT_THAT(Grouped({{"a", "c"}, {"b"}}, {0, 0}), IsInvalid("cycle among kernels: kernel 0"));
}

TEST_F(ValidateTest, RejectsACopyThatNobodyReads) {
  Use("a:add -> b:relu, c:relu");
  EXPECT_OK(Grouped({{"a", "b"}, {"a", "c"}}, {0, 1}));
  EXPECT_THAT(Grouped({{"a", "b"}, {"a"}, {"c"}}, {0, 1, 0}), IsInvalid("nobody reads its copy"));
}

TEST_F(ValidateTest, RejectsClonesOfWhatMustRunOnce) {
  Use("c:collective -> a, b");
  EXPECT_THAT(Grouped({{"c"}, {"c"}, {"a"}, {"b"}}, {0, 1, 0, 1}),
              IsInvalid("clones op 0 'c', which must run once"));
}

TEST_F(ValidateTest, RejectsClonesOfWhatDrawsRandomNumbers) {
  Use("d:dropout[class=elementwise] -> a:relu, b:relu");
  EXPECT_OK(Grouped({{"d", "a"}, {"b"}}, {0, 0}));
  EXPECT_THAT(Grouped({{"d", "a"}, {"d", "b"}}, {0, 0}),
              IsInvalid("clones op 0 'd', which must run once: its type draws random numbers"));
}

TEST_F(ValidateTest, SequenceHoldsEveryKernelOnce) {
  Use("a -> b -> c");
  EXPECT_OK(InSequence({0, 1, 0}, {0, 1, 2}));
  EXPECT_THAT(InSequence({0, 1, 0}, {0, 1}), IsInvalid("sequence has 2 entries, expected 3"));
  EXPECT_THAT(InSequence({0, 1, 0}, {0, 1, 1}), IsInvalid("kernel 1 (op 1 'b'): is in the seq"));
  EXPECT_THAT(InSequence({0, 1, 0}, {0, 1, 3}), IsInvalid("sequence: kernel 3 does not exist"));
}

TEST_F(ValidateTest, RejectsASequenceThatWaitsForItself) {
  Use("a -> b; c -> d");
  // On device 0: d before a; on device 1: b before c. a -> b -> c -> d -> a.
  EXPECT_THAT(InSequence({0, 1, 1, 0}, {3, 0, 1, 2}),
              AllOf(IsInvalid("deadlock of the sequence"),
                    IsInvalid("kernel 0 (op 0 'a') -> kernel 1 (op 1 'b') -> kernel 2 (op 2 'c') "
                              "-> kernel 3 (op 3 'd') -> kernel 0 (op 0 'a')")));
  // No deadlock: the order of different devices does not matter.
  EXPECT_OK(InSequence({0, 1, 2, 3}, {1, 0, 3, 2}));
  // On one device a reader before its producer waits forever.
  EXPECT_THAT(InSequence({0, 0, 1, 1}, {1, 0, 2, 3}), IsInvalid("deadlock"));
}

TEST_F(ValidateTest, OptimizerOpsRunAtTheirParametersHome) {
  Use("w:parameter -> a -> u:optimizer; w -> u");
  Plan plan = SingletonPlan(graph_, {0, 1});
  EXPECT_OK(ValidatePlan(*problem_, plan));  // By default the parameter is where u is.
  plan.parameter_home = {1};
  EXPECT_OK(ValidatePlan(*problem_, plan));
  plan.parameter_home = {0};
  EXPECT_THAT(ValidatePlan(*problem_, plan),
              IsInvalid("(op 2 'u'): runs on device 1, but op 0 'w' that it updates lives on 0"));
}

TEST_F(ValidateTest, SaysWhyADeviceIsNotAllowed) {
  Use("a:add -> b:relu -> c:relu",
      {.pins = {{0, 1, "near its data"}}, .allowed = {{{1}, {1, 2}, "no room elsewhere"}}});
  EXPECT_THAT(On({0, 1, 0}), IsInvalid("not allowed for op 0 'a' (near its data)"));
  EXPECT_THAT(On({1, 3, 0}), IsInvalid("not allowed for op 1 'b' (no room elsewhere)"));
}

TEST_F(ValidateTest, ObeysPinsAndAllowedDevices) {
  Use("a:add -> b:relu; w:parameter -> a",
      {.pins = {{2, 1, ""}}, .allowed = {{{1}, {1, 2}, ""}, {{0}, {3, 1}, ""}}});
  ASSERT_EQ(graph_->op_name(1), "a");
  EXPECT_OK(On({1, 1}));
  EXPECT_THAT(On({0, 1}), IsInvalid("device 0 is not allowed"));
  EXPECT_THAT(On({1, 2}), IsInvalid("kernel 1 (op 2 'b'): device 2 is not allowed for op 2 'b'"));
  EXPECT_OK(Grouped({{"a", "b"}}, {1}));
  EXPECT_THAT(Grouped({{"a", "b"}}, {2}), IsInvalid("device 2 is not allowed"));
  // The parameter's home is a decision of its own.
  EXPECT_THAT(On({2, 1}), IsInvalid("home of op 0 'w': device 2 is not allowed"));
}

TEST_F(ValidateTest, ColocatedOpsShareADeviceThroughTheirKernels) {
  Use("a:add[colocate=1] -> b:relu; c[colocate=1]; w:parameter[colocate=2] -> b; d[colocate=2]");
  const auto on = [&](DeviceId a, DeviceId b, DeviceId c, DeviceId d) {
    return Grouped({{"a"}, {"b"}, {"c"}, {"d"}}, {a, b, c, d});
  };
  EXPECT_OK(on(0, 1, 0, 1));
  EXPECT_THAT(on(0, 1, 1, 1),
              IsInvalid("'c' is on device 1, but must be with op 0 'a' on device 0"));
  EXPECT_THAT(Grouped({{"a", "b"}, {"c"}, {"d"}}, {0, 1, 0}), IsInvalid("must be with op 0 'a'"));
  EXPECT_OK(Grouped({{"a", "b"}, {"c"}, {"d"}}, {0, 0, 0}));
  // The parameter w is where b is, by default.
  EXPECT_THAT(on(0, 1, 0, 2), AllOf(IsInvalid("'d' is on device 2"), IsInvalid("'w' on device 1")));
}

TEST_F(ValidateTest, KeepsOpsApart) {
  Use("a -> b -> c", {.keep_apart = {{{0, 2}, "redundant"}}});
  EXPECT_OK(On({0, 0, 1}));
  EXPECT_THAT(On({1, 0, 1}), IsInvalid("op 2 'c' and op 0 'a' are both on device 1, but must be "
                                       "kept apart (redundant)"));
}

TEST_F(ValidateTest, EveryTransferNeedsARoute) {
  std::vector<Device> devices(machine_.devices().begin(), machine_.devices().end());
  ASSERT_OK_AND_ASSIGN(machine_,
                       Machine::Create("one way", devices, {{"c", 1e9, 0}}, {{0, 1, {0}}}));
  Use("a -> b; w:parameter -> b; a => c");
  EXPECT_OK(On({0, 1, 3}));  // Control edges carry nothing.
  EXPECT_THAT(On({1, 0, 0}), IsInvalid("needs op 0 'a', and there is no route from device 1 to 0"));
  Plan plan = SingletonPlan(graph_, {1, 1, 1});
  plan.parameter_home = {2};
  EXPECT_THAT(ValidatePlan(*problem_, plan), IsInvalid("no route from device 2 to 1"));
}

TEST_F(ValidateTest, ForwardOnlyDevicesLetNoForwardDataGoBack) {
  Use("a -> b -> c; c -> g[phase=b]; g -> h[phase=b]", {.forward_only_devices = true});
  EXPECT_OK(On({0, 2, 2, 1, 0}));  // Gradients may.
  EXPECT_THAT(
      On({1, 2, 0, 2, 2}),
      IsInvalid("forward_only_devices: data goes back from op 1 'b' on device 2 to kernel 2 "
                "(op 2 'c') on device 0"));
}

TEST_F(ValidateTest, NoSkippedDevicesWantsTheFirstOnesUsed) {
  Use("a -> b -> c", {.no_skipped_devices = true});
  EXPECT_OK(On({0, 0, 0}));
  EXPECT_OK(On({2, 1, 0}));
  EXPECT_THAT(On({0, 2, 2}), IsInvalid("no_skipped_devices: device 1 is unused"));
  EXPECT_THAT(On({1, 1, 1}), IsInvalid("device 0 is unused, but kernel 2 (op 2 'c') is on"));
}

TEST_F(ValidateTest, TriangleFreeDevicesHaveNoWayRoundADirectOne) {
  Use("a -> b -> c; a -> c; c -> g[phase=b]; a -> g", {.triangle_free_devices = true});
  EXPECT_OK(On({0, 1, 1, 3}));  // 0 -> 1; g is no forward op.
  EXPECT_OK(On({0, 0, 1, 2}));
  EXPECT_THAT(On({0, 1, 2, 2}),
              AllOf(IsInvalid("straight from op 0 'a' on device 0 to kernel 2 (op 2 'c')"),
                    IsInvalid("by way of op 1 'b' on device 1")));
  Use("a -> b -> c -> d; a -> d; c -> b2; b2 -> e", {.triangle_free_devices = true});
  EXPECT_THAT(On({0, 1, 2, 3, 1, 1}), IsInvalid("triangle_free_devices"));  // 0-3 and 0-1-2-3.
  Use("a -> b -> c -> d", {.triangle_free_devices = true});
  EXPECT_OK(On({0, 1, 0, 1}));  // Back and forth between two devices is no way round.
}

TEST(ParameterHomesTest, FollowThePlanThenTheOptimizerThenTheFirstConsumerThenDevice0) {
  const auto graph = TextGraph(
      "w:parameter -> a -> u:optimizer; w -> u; v:parameter -> b, c; b -> c; n:parameter; "
      "k:parameter -> c; n -> y:output");
  Plan plan;
  ASSERT_OK_AND_ASSIGN(plan.kernels, MakeKernels(graph, {{"c"}, {"b"}, {"u"}, {"a"}}));
  plan.device = {3, 2, 1, 0};
  std::vector<std::string> names;
  for (const OpId op : graph->parameters()) names.emplace_back(graph->op_name(op));
  ASSERT_THAT(names, ElementsAre("w", "v", "n", "k"));
  EXPECT_THAT(ParameterHomes(*graph, plan), ElementsAre(1, 2, 0, 3));
  plan.parameter_home = {kNone, 0, 3, kNone};
  EXPECT_THAT(ParameterHomes(*graph, plan), ElementsAre(1, 0, 3, 3));
}

TEST(ParameterHomesTest, AClonedConsumerCountsByItsLowestKernel) {
  const auto graph = TextGraph("w:parameter -> a:add -> b:add, c:add");
  Plan plan;
  ASSERT_OK_AND_ASSIGN(plan.kernels, MakeKernels(graph, {{"a", "c"}, {"a", "b"}}));
  plan.device = {2, 1};
  EXPECT_THAT(ParameterHomes(*graph, plan), ElementsAre(2));
}

TEST(DispatchTest, HasTheNamesOfTheFiles) {
  EXPECT_EQ(ToString(Dispatch::kPriority), "PRIORITY");
  EXPECT_EQ(ToString(Dispatch::kFifo), "FIFO");
  EXPECT_EQ(ToString(Dispatch::kSequence), "SEQUENCE");
}

}  // namespace
}  // namespace gopt
