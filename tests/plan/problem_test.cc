#include "gopt/plan/problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/plan/plan_test_util.h"

namespace gopt {
namespace {

using testing::AllOf;
using testing::ElementsAre;

absl::StatusOr<Problem> MakeProblem(std::shared_ptr<const Graph> graph, Constraints constraints,
                                    int devices = 3) {
  return Problem::Create(std::move(graph), EqualDevices(devices),
                         {.constraints = std::move(constraints)});
}

TEST(ProblemTest, WithoutConstraintsEveryOpMayGoAnywhere) {
  const auto graph = TextGraph("a -> b");
  ASSERT_OK_AND_ASSIGN(const Problem problem, MakeProblem(graph, {}));
  EXPECT_THAT(problem.allowed_devices(0), ElementsAre(0, 1, 2));
  EXPECT_TRUE(problem.is_allowed(1, 2));
  EXPECT_EQ(problem.num_colocation_groups(), 0);
  EXPECT_THAT(problem.colocation_group(), ElementsAre(kNone, kNone));
  EXPECT_EQ(problem.base_kernels()->size(), 2);
  EXPECT_EQ(problem.base_plan(), nullptr);
}

TEST(ProblemTest, ColocationIsClosedOverGraphGroupsOptimizersAndRules) {
  // w's optimizer op is with w; a is with it by group 7; b is with a by a rule; c is alone.
  const auto graph = TextGraph(
      "w:parameter[colocate=7] -> a[colocate=7] -> b -> c; b -> u:optimizer; w -> u; c -> d");
  const OpId b = OpNamed(*graph, "b"), c = OpNamed(*graph, "c");
  ASSERT_OK_AND_ASSIGN(const Problem problem,
                       MakeProblem(graph, {.colocate = {{OpsNamed(*graph, {"a", "b"}), "mine"}}}));
  EXPECT_EQ(problem.num_colocation_groups(), 1);
  for (const char* name : {"w", "a", "b", "u"}) {
    EXPECT_EQ(problem.colocation_group()[OpNamed(*graph, name)], 0) << name;
  }
  EXPECT_EQ(problem.colocation_group()[c], kNone);
  ASSERT_OK_AND_ASSIGN(const Problem pinned,
                       MakeProblem(graph, {.pins = {{OpNamed(*graph, "u"), 2, ""}},
                                           .colocate = {{OpsNamed(*graph, {"a", "b"}), "mine"}}}));
  EXPECT_THAT(pinned.allowed_devices(b), ElementsAre(2));
  EXPECT_THAT(pinned.allowed_devices(OpNamed(*graph, "w")), ElementsAre(2));
  EXPECT_THAT(pinned.allowed_devices(c), ElementsAre(0, 1, 2));
}

TEST(ProblemTest, GroupsAreNumberedByTheirLowestOp) {
  const auto graph = TextGraph("a[colocate=9]; b[colocate=2]; c[colocate=9]; d[colocate=2]; e");
  ASSERT_OK_AND_ASSIGN(const Problem problem, MakeProblem(graph, {}));
  EXPECT_THAT(problem.colocation_group(), ElementsAre(0, 1, 0, 1, kNone));
  EXPECT_EQ(problem.num_colocation_groups(), 2);
}

TEST(ProblemTest, InputsAndOutputsAreInNoGroup) {
  const auto graph = TextGraph("x:input[colocate=1] -> a[colocate=1] -> y:output[colocate=1]");
  ASSERT_OK_AND_ASSIGN(const Problem problem, MakeProblem(graph, {}));
  EXPECT_EQ(problem.num_colocation_groups(), 0);
}

TEST(ProblemTest, AllowedDevicesAreIntersected) {
  const auto graph = TextGraph("a -> b");
  ASSERT_OK_AND_ASSIGN(const Problem problem,
                       MakeProblem(graph, {.allowed = {{{0, 1}, {2, 1}, ""}, {{0}, {0, 1}, ""}}}));
  EXPECT_THAT(problem.allowed_devices(0), ElementsAre(1));
  EXPECT_THAT(problem.allowed_devices(1), ElementsAre(1, 2));
  EXPECT_FALSE(problem.is_allowed(0, 2));
}

TEST(ProblemTest, MemoryLimitsLowerTheMachines) {
  const auto graph = TextGraph("a");
  const Machine machine = EqualDevices(2).WithMemoryLimit(100);
  ASSERT_OK_AND_ASSIGN(
      const Problem problem,
      Problem::Create(
          graph, machine,
          {.constraints = {.memory_limits = {{0, 70, ""}, {0, 80, ""}, {1, 500, ""}}}}));
  EXPECT_EQ(problem.memory_limit(0), 70);
  EXPECT_EQ(problem.memory_limit(1), 100);
}

TEST(ProblemTest, RejectsConstraintsOnWhatDoesNotExist) {
  const auto graph = TextGraph("x:input -> a -> b; w:parameter -> b");
  const OpId x = OpNamed(*graph, "x"), a = OpNamed(*graph, "a"), w = OpNamed(*graph, "w");
  EXPECT_THAT(MakeProblem(graph, {.pins = {{99, 0, "why"}}}),
              IsInvalid("constraint pin 0 (why): op 99 does not exist"));
  EXPECT_THAT(MakeProblem(graph, {.pins = {{a, 3, ""}}}), IsInvalid("device 3 does not exist"));
  EXPECT_THAT(MakeProblem(graph, {.pins = {{a, -1, ""}}}), IsInvalid("device -1"));
  EXPECT_THAT(MakeProblem(graph, {.pins = {{x, 0, ""}}}), IsInvalid("is of kind input"));
  EXPECT_OK(MakeProblem(graph, {.pins = {{w, 0, ""}}}));
  EXPECT_THAT(MakeProblem(graph, {.allowed = {{{a}, {}, ""}}}), IsInvalid("allows no device"));
  EXPECT_THAT(MakeProblem(graph, {.allowed = {{{-1}, {0}, ""}}}), IsInvalid("op -1"));
  EXPECT_THAT(MakeProblem(graph, {.colocate = {{{a, 50}, ""}}}), IsInvalid("colocate 0: op 50"));
  EXPECT_THAT(MakeProblem(graph, {.keep_apart = {{{50}, ""}}}), IsInvalid("keep_apart 0: op 50"));
  EXPECT_THAT(MakeProblem(graph, {.never_fuse = {{{w}, ""}}}), IsInvalid("never runs"));
  EXPECT_THAT(MakeProblem(graph, {.memory_limits = {{0, -1, ""}}}), IsInvalid("bytes is -1"));
  EXPECT_THAT(MakeProblem(graph, {.memory_limits = {{7, 1, ""}}}), IsInvalid("device 7"));
  EXPECT_THAT(MakeProblem(nullptr, {}), IsInvalid("graph is missing"));
  EXPECT_THAT(Problem::Create(graph, Machine()), IsInvalid("no device"));
}

TEST(ConflictTest, TwoPinsOfOneOpNameBothReasons) {
  const auto graph = TextGraph("a -> b");
  EXPECT_THAT(
      MakeProblem(graph, {.pins = {{0, 1, "ssd"}, {1, 2, "x"}, {0, 2, "camera"}}}),
      IsUnmet("constraints contradict each other: (1) op 0 'a' is pinned to device 1 (ssd); "
              "(2) op 0 'a' is pinned to device 2 (camera)"));
}

TEST(ConflictTest, PinsOfColocatedOpsNameWhatTiesThem) {
  const auto graph = TextGraph("a[colocate=5] -> b[colocate=5] -> c -> d");
  Constraints constraints = {.pins = {{0, 0, "left"}, {1, 0, ""}, {3, 1, "right"}},
                             .colocate = {{{2, 3}, "unused pair"}, {{1, 3}, "tied"}}};
  EXPECT_THAT(
      MakeProblem(graph, constraints),
      AllOf(IsUnmet("op 1 'b' is pinned to device 0"), IsUnmet("op 3 'd' is pinned to device 1"),
            IsUnmet("colocate rule 1 (tied)"), testing::Not(IsUnmet("unused pair"))));
  constraints.pins.erase(constraints.pins.begin() + 1);
  EXPECT_THAT(MakeProblem(graph, constraints),
              AllOf(IsUnmet("(left)"), IsUnmet("(right)"), IsUnmet("colocation group 5"),
                    IsUnmet("colocate rule 1 (tied)")));
}

TEST(ConflictTest, ParameterAndItsOptimizerOpMustAgree) {
  const auto graph = TextGraph("w:parameter -> a -> u:optimizer; w -> u");
  EXPECT_THAT(
      MakeProblem(graph, {.pins = {{OpNamed(*graph, "w"), 0, ""}, {OpNamed(*graph, "u"), 1, ""}}}),
      IsUnmet("the optimizer op of op 0 'w' runs at its parameter's home"));
}

TEST(ConflictTest, OnlyTheSmallestConflictingSetIsListed) {
  const auto graph = TextGraph("a");
  // {0,1}, {1,2}, {0,2} have no common device, each two of them do.
  Constraints constraints = {.allowed = {{{0}, {0, 1, 2}, "wide"},
                                         {{0}, {0, 1}, "not two"},
                                         {{0}, {1, 2}, "not nought"},
                                         {{0}, {0, 2}, "not one"}}};
  EXPECT_THAT(MakeProblem(graph, constraints),
              AllOf(IsUnmet("(not two)"), IsUnmet("(not nought)"), IsUnmet("(not one)"),
                    testing::Not(IsUnmet("wide"))));
  // Five sets of which each four have a common device: all five are needed.
  constraints = {};
  for (DeviceId out = 0; out < 5; ++out) {
    std::vector<DeviceId> others;
    for (DeviceId d = 0; d < 5; ++d) {
      if (d != out) others.push_back(d);
    }
    constraints.allowed.push_back({{0}, others, "not " + std::to_string(out)});
  }
  for (int i = 0; i < 3; ++i) constraints.allowed.push_back({{0}, {0, 1, 2, 3, 4}, "wide"});
  const auto problem = MakeProblem(graph, constraints, 5);
  EXPECT_THAT(problem, AllOf(IsUnmet("(5)"), testing::Not(IsUnmet("wide"))));
}

TEST(ConflictTest, KeptApartOpsMustNotBeColocated) {
  const auto graph = TextGraph("a[colocate=1] -> b -> c[colocate=1]");
  EXPECT_THAT(MakeProblem(graph, {.keep_apart = {{{0, 1, 2}, "replicas"}}}),
              IsUnmet("keep_apart rule 0 (replicas) parts op 0 'a' and op 2 'c'; (2) the graph's "
                      "colocation group 1"));
}

TEST(ConflictTest, KeptApartOpsMustNotBePinnedTogether) {
  const auto graph = TextGraph("a; b; c; d");
  EXPECT_THAT(
      MakeProblem(graph, {.pins = {{1, 0, ""}, {3, 0, ""}}, .keep_apart = {{{0, 1, 3}, "spread"}}}),
      AllOf(IsUnmet("parts 2 ops that have 1 devices"), IsUnmet("op 1 'b'"), IsUnmet("op 3 'd'"),
            testing::Not(IsUnmet("op 0 'a'"))));
  EXPECT_THAT(MakeProblem(graph, {.keep_apart = {{{0, 1, 2, 3}, ""}}}),
              IsUnmet("parts 4 ops that have 3 devices"));
  // Needs an augmenting path: a takes 0 first and must give way.
  EXPECT_OK(MakeProblem(
      graph, {.allowed = {{{1}, {0}, ""}, {{2}, {0, 1}, ""}}, .keep_apart = {{{0, 1, 2}, ""}}}));
}

TEST(ConflictTest, PinsMustNotRunAgainstForwardOnlyDevices) {
  const auto graph = TextGraph("a -> b -> c; g[phase=b]; c -> g");
  EXPECT_THAT(MakeProblem(graph, {.pins = {{0, 2, ""}, {2, 1, ""}}, .forward_only_devices = true}),
              AllOf(IsUnmet("forward_only_devices"), IsUnmet("op 0 'a' may only be on device 2"),
                    IsUnmet("op 2 'c', which comes after it, may only be on device 1")));
  EXPECT_OK(MakeProblem(
      graph, {.pins = {{0, 1, ""}, {2, 2, ""}, {3, 0, ""}}, .forward_only_devices = true}));
}

std::shared_ptr<const Plan> PlanOn(std::shared_ptr<const Kernels> kernels,
                                   std::vector<DeviceId> device) {
  Plan plan;
  plan.rank.assign(kernels->size(), 0);
  plan.kernels = std::move(kernels);
  plan.device = std::move(device);
  return std::make_shared<const Plan>(std::move(plan));
}

TEST(BasePlanTest, StandsForClosedTasks) {
  const auto graph = TextGraph("a:add -> b:relu -> c");
  ASSERT_OK_AND_ASSIGN(const auto kernels, MakeKernels(graph, {{"a", "b"}, {"c"}}));
  ASSERT_OK_AND_ASSIGN(
      const Problem problem,
      Problem::Create(graph, EqualDevices(2),
                      {.tasks = {.placement = false}, .base_plan = PlanOn(kernels, {0, 1})}));
  EXPECT_EQ(problem.base_kernels(), kernels);
  EXPECT_NE(problem.base_plan(), nullptr);
}

TEST(BasePlanTest, IsNeededToCloseTasks) {
  const auto graph = TextGraph("a");
  EXPECT_THAT(Problem::Create(graph, EqualDevices(2), {.tasks = {.placement = false}}),
              IsInvalid("only be closed with a base plan"));
  EXPECT_THAT(Problem::Create(graph, EqualDevices(2), {.tasks = {.scheduling = false}}),
              IsInvalid("only be closed with a base plan"));
}

TEST(BasePlanTest, MustBeOfTheGraphAndLegal) {
  const auto graph = TextGraph("a:add -> b:relu -> c");
  const auto other = TextGraph("a -> b");
  const auto create = [&](std::shared_ptr<const Plan> plan, Tasks tasks) {
    return Problem::Create(graph, EqualDevices(2), {.tasks = tasks, .base_plan = std::move(plan)});
  };
  EXPECT_THAT(create(PlanOn(Kernels::Singletons(other), {0, 0}), {}), IsInvalid("another graph"));
  EXPECT_THAT(create(std::make_shared<const Plan>(), {}), IsInvalid("kernels are missing"));
  ASSERT_OK_AND_ASSIGN(const auto opaque, MakeKernels(graph, {{"a"}, {"b", "c"}}));
  EXPECT_THAT(create(PlanOn(opaque, {0, 0}), {}), IsInvalid("base plan: kernel 1"));
  const auto singletons = Kernels::Singletons(graph);
  EXPECT_THAT(create(PlanOn(singletons, {0, 0}), {.placement = false}), IsInvalid("device has 2"));
  EXPECT_THAT(create(PlanOn(singletons, {0, 0, 5}), {.placement = false}), IsInvalid("device 5"));
  auto rankless = std::make_shared<Plan>(*PlanOn(singletons, {0, 0, 0}));
  rankless->rank = {1};
  EXPECT_OK(create(rankless, {}));
  EXPECT_THAT(create(rankless, {.scheduling = false}), IsInvalid("rank has 1 entries"));
}

TEST(BasePlanTest, ItsKernelsMustBePlaceableWithinTheConstraints) {
  const auto tied = TextGraph("a:add -> b:relu[colocate=1]; c:add[colocate=1] -> d:relu");
  ASSERT_OK_AND_ASSIGN(const auto kernels, MakeKernels(tied, {{"a", "b"}, {"c", "d"}}));
  Constraints constraints = {.pins = {{OpNamed(*tied, "a"), 0, ""}, {OpNamed(*tied, "d"), 1, ""}}};
  EXPECT_THAT(Problem::Create(tied, EqualDevices(2),
                              {.constraints = constraints, .base_plan = PlanOn(kernels, {0, 0})}),
              AllOf(IsUnmet("kernel 0"), IsUnmet("op 0 'a' may only be on device 0"),
                    IsUnmet("op 3 'd' may only be on device 1")));
  EXPECT_OK(Problem::Create(tied, EqualDevices(2),
                            {.constraints = constraints,
                             .tasks = {.fusion = true},
                             .base_plan = PlanOn(kernels, {0, 0})}));
}

}  // namespace
}  // namespace gopt
