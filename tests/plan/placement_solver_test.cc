#include "gopt/plan/placement_solver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gopt/machine/presets.h"
#include "gopt/plan/validate.h"
#include "tests/plan/plan_test_util.h"
#include "tests/testing/random_problem.h"

namespace gopt {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Not;

Constraints ChipletRules() {
  return {.forward_only_devices = true, .no_skipped_devices = true, .triangle_free_devices = true};
}

absl::StatusOr<Problem> MakeProblem(std::shared_ptr<const Graph> graph, Constraints constraints,
                                    int devices = 3) {
  return Problem::Create(std::move(graph), EqualDevices(devices),
                         {.constraints = std::move(constraints)});
}

absl::StatusOr<PlacementSolver> MakeSolver(const Problem& problem,
                                           PlacementSolverOptions options = {}) {
  return PlacementSolver::Create(problem, problem.base_kernels(), options);
}

Plan PlanOf(const Problem& problem, const Placement& placement) {
  Plan plan = SingletonPlan(problem.shared_graph(), placement.device);
  plan.parameter_home = placement.parameter_home;
  return plan;
}

std::vector<float> RandomProbabilities(int kernels, int devices, Random& random) {
  std::vector<float> values(static_cast<size_t>(kernels) * devices);
  const bool sharp = random.Below(2) == 0;
  for (float& value : values) {
    value = static_cast<float>(random.Uniform());
    if (sharp) value = value * value * value * value;
    if (random.Below(4) == 0) value = 0.0f;
  }
  return values;
}

std::vector<DeviceId> RandomDevices(int count, int devices, Random& random) {
  std::vector<DeviceId> result(count);
  for (DeviceId& d : result) d = static_cast<DeviceId>(random.Below(devices));
  return result;
}

// Some of the rules, at random; contradictory ones are drawn again.
Problem RandomConstrained(Random& random, int max_ops, int max_devices) {
  for (;;) {
    const auto graph = testing::RandomGraph(random, {.max_compute_ops = max_ops});
    const int devices = 2 + static_cast<int>(random.Below(max_devices - 1));
    const std::vector<OpId> ops(graph->kernel_ops().begin(), graph->kernel_ops().end());
    if (ops.empty()) continue;
    const auto any_op = [&] { return ops[random.Below(static_cast<int64_t>(ops.size()))]; };
    const auto any_device = [&] { return static_cast<DeviceId>(random.Below(devices)); };
    Constraints rules = {.forward_only_devices = random.Below(2) == 0,
                         .no_skipped_devices = random.Below(2) == 0,
                         .triangle_free_devices = random.Below(2) == 0};
    for (int64_t i = random.Below(4); i > 0; --i) {
      rules.pins.push_back({any_op(), any_device(), ""});
    }
    if (random.Below(2) == 0)
      rules.allowed.push_back({{any_op()}, {any_device(), any_device()}, ""});
    if (random.Below(2) == 0) rules.colocate.push_back({{any_op(), any_op()}, ""});
    for (int64_t i = random.Below(3); i > 0; --i) {
      rules.keep_apart.push_back({{any_op(), any_op()}, ""});
      if (rules.keep_apart.back().ops[0] == rules.keep_apart.back().ops[1]) {
        rules.keep_apart.pop_back();
      }
    }
    auto problem = MakeProblem(graph, rules, devices);
    if (problem.ok()) return *std::move(problem);
  }
}

// Every legal choice of devices, by the rules that plans are validated with.
std::vector<std::vector<DeviceId>> AllLegal(const Problem& problem) {
  std::vector<std::vector<DeviceId>> legal;
  std::vector<DeviceId> device(problem.base_kernels()->size(), 0);
  auto solver = MakeSolver(problem, {.memory = false, .explain = false});
  for (;;) {
    Plan plan = SingletonPlan(problem.shared_graph(), device);
    // Parameters that a rule binds live where their companions are.
    if (solver.ok()) {
      const auto fixed = solver->Fix(device);
      if (fixed.ok() && fixed->device == device) plan.parameter_home = fixed->parameter_home;
    }
    if (ValidatePlan(problem, plan).ok()) legal.push_back(device);
    size_t k = 0;
    while (k < device.size() && ++device[k] == problem.machine().num_devices()) device[k++] = 0;
    if (k == device.size()) return legal;
  }
}

int Moved(const std::vector<DeviceId>& a, const std::vector<DeviceId>& b) {
  int count = 0;
  for (size_t i = 0; i < a.size(); ++i) count += a[i] != b[i] ? 1 : 0;
  return count;
}

TEST(PlacementSolverTest, DrawsInProportionWhereNothingIsForbidden) {
  ASSERT_OK_AND_ASSIGN(const Problem problem, MakeProblem(TextGraph("a"), {}));
  ASSERT_OK_AND_ASSIGN(const PlacementSolver solver, MakeSolver(problem));
  Random random(1);
  std::map<DeviceId, int> count;
  for (int i = 0; i < 8'000; ++i) {
    ASSERT_OK_AND_ASSIGN(const Placement drawn,
                         solver.Sample(std::vector{1.0f, 2.0f, 5.0f}, &random));
    ++count[drawn.device[0]];
  }
  EXPECT_NEAR(count[0], 1'000, 150);
  EXPECT_NEAR(count[1], 2'000, 200);
  EXPECT_NEAR(count[2], 5'000, 250);
}

TEST(PlacementSolverTest, DrawsUniformlyWhereAllThatIsPossibleIsMasked) {
  ASSERT_OK_AND_ASSIGN(const Problem problem,
                       MakeProblem(TextGraph("a"), {.allowed = {{{0}, {1, 2}, ""}}}));
  ASSERT_OK_AND_ASSIGN(const PlacementSolver solver, MakeSolver(problem));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::vector<float>& masked :
       {std::vector{1.0f, 0.0f, 0.0f}, std::vector{nan, nan, nan},
        std::vector{1.0f, -1.0f, -3.0f}}) {
    Random random(2);
    std::map<DeviceId, int> count;
    for (int i = 0; i < 2'000; ++i) {
      ASSERT_OK_AND_ASSIGN(const Placement drawn, solver.Sample(masked, &random));
      ++count[drawn.device[0]];
    }
    EXPECT_EQ(count[0], 0);
    EXPECT_NEAR(count[1], 1'000, 150);
  }
}

TEST(PlacementSolverTest, ColocatedOpsAreDrawnByTheProductOfTheirRows) {
  ASSERT_OK_AND_ASSIGN(const Problem problem,
                       MakeProblem(TextGraph("a; b"), {.colocate = {{{0, 1}, ""}}}));
  ASSERT_OK_AND_ASSIGN(const PlacementSolver solver, MakeSolver(problem));
  EXPECT_EQ(solver.num_units(), 1);
  Random random(3);
  const std::vector<float> rows = {0.5f, 0.5f, 0.0f, 0.0f, 1.0f, 9.0f};
  for (int i = 0; i < 50; ++i) {
    ASSERT_OK_AND_ASSIGN(const Placement drawn, solver.Sample(rows, &random));
    EXPECT_THAT(drawn.device, ElementsAre(1, 1));
  }
}

TEST(PlacementSolverTest, TheSameStreamGivesTheSameDraw) {
  ASSERT_OK_AND_ASSIGN(const Problem problem,
                       MakeProblem(TextGraph("a -> b, c -> d"), ChipletRules()));
  ASSERT_OK_AND_ASSIGN(const PlacementSolver solver, MakeSolver(problem));
  const std::vector<float> even(12, 1.0f);
  std::set<std::vector<DeviceId>> seen;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random one(seed), two(seed);
    ASSERT_OK_AND_ASSIGN(const Placement first, solver.Sample(even, &one));
    ASSERT_OK_AND_ASSIGN(const Placement second, solver.Sample(even, &two));
    EXPECT_EQ(first, second);
    seen.insert(first.device);
  }
  EXPECT_GT(seen.size(), 3u);
}

TEST(PlacementSolverTest, DrawsAndRepairsAreLegalUnderAnyMixtureOfRules) {
  Random random(4);
  int solved = 0;
  for (int i = 0; i < 400; ++i) {
    const Problem problem = RandomConstrained(random, 24, 6);
    const auto solver = MakeSolver(problem, {.explain = false});
    if (!solver.ok()) continue;
    ++solved;
    const int kernels = problem.base_kernels()->size(), devices = problem.machine().num_devices();
    for (int j = 0; j < 4; ++j) {
      ASSERT_OK_AND_ASSIGN(const Placement drawn,
                           solver->Sample(RandomProbabilities(kernels, devices, random), &random));
      ASSERT_OK(ValidatePlan(problem, PlanOf(problem, drawn))) << i;
      const std::vector<DeviceId> wish = RandomDevices(kernels, devices, random);
      ASSERT_OK_AND_ASSIGN(const Placement fixed, solver->Fix(wish));
      ASSERT_OK(ValidatePlan(problem, PlanOf(problem, fixed))) << i;
      EXPECT_TRUE(solver->IsLegal(fixed.device, fixed.parameter_home));
      ASSERT_OK_AND_ASSIGN(const Placement again, solver->Fix(fixed.device, fixed.parameter_home));
      EXPECT_EQ(again, fixed);
    }
  }
  EXPECT_GT(solved, 300);
}

TEST(PlacementSolverTest, AgreesWithBruteForceOnWhatIsPossibleAndNear) {
  Random random(5);
  int impossible = 0, cases = 0, optimal = 0, excess = 0, least = 0;
  for (int i = 0; i < 150; ++i) {
    const Problem problem = RandomConstrained(random, 6, 3);
    const int kernels = problem.base_kernels()->size();
    if (kernels > 7) continue;
    const auto solver = MakeSolver(problem, {.memory = false, .explain = false});
    const auto legal = AllLegal(problem);
    ASSERT_EQ(solver.ok(), !legal.empty()) << i << ": " << solver.status();
    if (!solver.ok()) {
      EXPECT_EQ(solver.status().code(), absl::StatusCode::kFailedPrecondition);
      ++impossible;
      continue;
    }
    for (int j = 0; j < 4; ++j) {
      const auto wish = RandomDevices(kernels, problem.machine().num_devices(), random);
      ASSERT_OK_AND_ASSIGN(const Placement fixed, solver->Fix(wish));
      int best = kernels;
      for (const auto& devices : legal) best = std::min(best, Moved(wish, devices));
      const int moved = Moved(wish, fixed.device);
      EXPECT_GE(moved, best);
      ++cases;
      optimal += moved == best ? 1 : 0;
      excess += moved - best;
      least += best;
    }
  }
  RecordProperty("optimal_percent", 100 * optimal / cases);
  RecordProperty("moved_too_many_percent", 100 * excess / std::max(1, least));
  EXPECT_GT(impossible, 1);
  EXPECT_GT(optimal, cases * 9 / 10);
}

TEST(PlacementSolverTest, ALegalPlacementIsReturnedAsItIs) {
  ASSERT_OK_AND_ASSIGN(const Problem problem,
                       MakeProblem(TextGraph("a -> b -> c"), ChipletRules()));
  ASSERT_OK_AND_ASSIGN(const PlacementSolver solver, MakeSolver(problem));
  ASSERT_OK_AND_ASSIGN(const Placement same, solver.Fix(Devices({0, 1, 2})));
  EXPECT_THAT(same.device, ElementsAre(0, 1, 2));
  EXPECT_TRUE(solver.IsLegal(Devices({0, 0, 1})));
  EXPECT_FALSE(solver.IsLegal(Devices({0, 0, 2})));
  EXPECT_FALSE(solver.IsLegal(Devices({1, 0, 2})));
  EXPECT_FALSE(solver.IsLegal(Devices({0, 0})));
}

TEST(PlacementSolverTest, OneStrayOpIsTheOnlyOneThatMoves) {
  ASSERT_OK_AND_ASSIGN(const Problem problem, MakeProblem(TextGraph("a -> b -> c -> d -> e -> f"),
                                                          {.forward_only_devices = true}));
  ASSERT_OK_AND_ASSIGN(const PlacementSolver solver, MakeSolver(problem));
  ASSERT_OK_AND_ASSIGN(const Placement fixed, solver.Fix(Devices({2, 0, 0, 1, 1, 2})));
  EXPECT_THAT(fixed.device, ElementsAre(0, 0, 0, 1, 1, 2));
}

TEST(PlacementSolverTest, ASkippedDeviceGetsOneOpThatMayGoThere) {
  ASSERT_OK_AND_ASSIGN(const Problem problem,
                       MakeProblem(TextGraph("a -> b -> c -> d"),
                                   {.forward_only_devices = true, .no_skipped_devices = true}));
  ASSERT_OK_AND_ASSIGN(const PlacementSolver solver, MakeSolver(problem));
  ASSERT_OK_AND_ASSIGN(const Placement fixed, solver.Fix(Devices({0, 0, 2, 2})));
  EXPECT_EQ(Moved(fixed.device, {0, 0, 2, 2}), 1);
}

TEST(PlacementSolverTest, UnwishedKernelsGoToTheirNeighbours) {
  ASSERT_OK_AND_ASSIGN(const Problem problem, MakeProblem(TextGraph("a -> b -> c"), {}));
  ASSERT_OK_AND_ASSIGN(const PlacementSolver solver, MakeSolver(problem));
  ASSERT_OK_AND_ASSIGN(const Placement fixed, solver.Fix(Devices({2, kNone, 2})));
  EXPECT_THAT(fixed.device, ElementsAre(2, 2, 2));
}

TEST(PlacementSolverTest, SeveralKeepApartRulesAreObeyedTogether) {
  ASSERT_OK_AND_ASSIGN(
      const Problem problem,
      MakeProblem(TextGraph("a; b; c; d"),
                  {.keep_apart = {{{0, 1}, ""}, {{1, 2}, ""}, {{2, 3}, ""}, {{3, 0}, ""}}}, 2));
  ASSERT_OK_AND_ASSIGN(const PlacementSolver solver, MakeSolver(problem));
  ASSERT_OK_AND_ASSIGN(const Placement fixed, solver.Fix(Devices({0, 0, 0, 0})));
  EXPECT_EQ(fixed.device[0], fixed.device[2]);
  EXPECT_EQ(fixed.device[1], fixed.device[3]);
  EXPECT_NE(fixed.device[0], fixed.device[1]);
}

TEST(PlacementSolverTest, ParametersMustFitWhereTheyLive) {
  const auto graph = TextGraph("v:parameter[bytes=60] -> a; w:parameter[bytes=60] -> b");
  const auto make = [&](int64_t bytes) {
    return Problem::Create(graph, EqualDevices(2).WithMemoryLimit(bytes), {});
  };
  ASSERT_OK_AND_ASSIGN(const Problem tight, make(100));
  ASSERT_OK_AND_ASSIGN(const PlacementSolver solver, MakeSolver(tight));
  ASSERT_OK_AND_ASSIGN(const Placement fixed, solver.Fix(Devices({0, 0}), Devices({0, 0})));
  EXPECT_NE(fixed.parameter_home[0], fixed.parameter_home[1]);
  EXPECT_THAT(fixed.device, ElementsAre(0, 0));
  ASSERT_OK_AND_ASSIGN(const Problem none, make(50));
  EXPECT_THAT(MakeSolver(none), IsUnmet("memory: each device must hold the parameters"));
  EXPECT_OK(MakeSolver(none, {.memory = false}));
}

TEST(PlacementSolverTest, MissingRoutesAreNotUsed) {
  std::vector<Device> devices(
      3,
      Device{
          .kind = "device", .memory_bytes = 1 << 20, .peak_flops = 1e12, .memory_bandwidth = 1e12});
  for (int i = 0; i < 3; ++i) devices[i].name = "d" + std::to_string(i);
  ASSERT_OK_AND_ASSIGN(
      const Machine line,
      Machine::Create("line", devices, {{"x", 1e9, 0}, {"y", 1e9, 0}}, {{0, 1, {0}}, {1, 2, {1}}}));
  ASSERT_OK_AND_ASSIGN(const Problem problem,
                       Problem::Create(TextGraph("a -> b -> c; a -> d; w:parameter -> c"), line));
  ASSERT_OK_AND_ASSIGN(const PlacementSolver solver, MakeSolver(problem));
  Random random(6);
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK_AND_ASSIGN(const Placement fixed, solver.Fix(RandomDevices(4, 3, random)));
    EXPECT_OK(ValidatePlan(problem, PlanOf(problem, fixed)));
  }
}

TEST(PlacementSolverTest, WrongSizesAndDevicesAreErrors) {
  ASSERT_OK_AND_ASSIGN(const Problem problem, MakeProblem(TextGraph("a -> b"), {}));
  ASSERT_OK_AND_ASSIGN(const PlacementSolver solver, MakeSolver(problem));
  Random random(7);
  EXPECT_THAT(solver.Sample(std::vector<float>(5), &random), IsInvalid("5 probabilities for 2"));
  EXPECT_THAT(solver.Fix(Devices({0})), IsInvalid("1 devices for 2 kernels"));
  EXPECT_THAT(solver.Fix(Devices({0, 3})), IsInvalid("device 3 does not exist"));
  EXPECT_THAT(solver.Fix(Devices({0, 1}), Devices({0})), IsInvalid("1 homes for 0 parameters"));
  EXPECT_THAT(PlacementSolver::Create(problem, nullptr), IsInvalid("another graph"));
  EXPECT_THAT(MakeSolver(problem, {.max_steps = 0}), IsInvalid("max_steps"));
}

// --- Contradictions

// Every constraint of the text is needed: the rest without it is possible.
void ExpectSmallest(std::shared_ptr<const Graph> graph, const Constraints& constraints,
                    int devices) {
  const auto possible = [&](const Constraints& some) {
    const auto problem = MakeProblem(graph, some, devices);
    return problem.ok() && MakeSolver(*problem).ok();
  };
  EXPECT_FALSE(possible(constraints));
  const auto without = [&](auto change) {
    Constraints some = constraints;
    change(some);
    EXPECT_TRUE(possible(some));
  };
  for (size_t i = 0; i < constraints.pins.size(); ++i) {
    without([&](Constraints& c) { c.pins.erase(c.pins.begin() + i); });
  }
  for (size_t i = 0; i < constraints.keep_apart.size(); ++i) {
    without([&](Constraints& c) { c.keep_apart.erase(c.keep_apart.begin() + i); });
  }
  if (constraints.forward_only_devices) {
    without([](Constraints& c) { c.forward_only_devices = false; });
  }
  if (constraints.no_skipped_devices) without([](Constraints& c) { c.no_skipped_devices = false; });
  if (constraints.triangle_free_devices) {
    without([](Constraints& c) { c.triangle_free_devices = false; });
  }
}

TEST(PlacementConflictTest, OverlappingKeepApartRules) {
  const auto graph = TextGraph("a; b; c; d");
  const Constraints core = {.keep_apart = {{{0, 1}, "x"}, {{1, 2}, "y"}, {{2, 0}, "z"}}};
  Constraints all = core;
  all.keep_apart.push_back({{0, 3}, "unneeded"});
  all.pins = {{3, 1, "unneeded too"}};
  ASSERT_OK_AND_ASSIGN(const Problem problem, MakeProblem(graph, all, 2));
  EXPECT_THAT(MakeSolver(problem),
              AllOf(IsUnmet("(1) keep_apart rule 0 (x) parts op 0 'a', op 1 'b'; (2) keep_apart "
                            "rule 1 (y)"),
                    IsUnmet("(3) keep_apart rule 2 (z)"), Not(IsUnmet("unneeded")),
                    Not(IsUnmet("not proven"))));
  ExpectSmallest(graph, core, 2);
}

TEST(PlacementConflictTest, PinsAndSkippedDevices) {
  const auto graph = TextGraph("a -> b -> c; x -> y");
  const Constraints core = {.pins = {{2, 3, "far"}},
                            .keep_apart = {},
                            .forward_only_devices = false,
                            .no_skipped_devices = true};
  Constraints all = core;
  all.pins.push_back({0, 0, "near"});
  all.pins.push_back({1, 0, "near"});
  all.pins.push_back({3, 0, "near"});
  all.pins.push_back({4, 0, "near"});
  ASSERT_OK_AND_ASSIGN(const Problem problem, MakeProblem(graph, all, 4));
  EXPECT_THAT(MakeSolver(problem),
              AllOf(IsUnmet("no_skipped_devices: used devices are 0, 1"),
                    IsUnmet("op 2 'c' is pinned to device 3 (far)"), Not(IsUnmet("not proven"))));
}

TEST(PlacementConflictTest, PinsAndForwardOnlyAndSkippedDevicesTogether) {
  // Only b and c could fill devices 1 to 3, which are three.
  const auto graph = TextGraph("a -> b -> c -> d");
  const Constraints core = {.pins = {{0, 0, "in"}, {3, 4, "out"}}, .no_skipped_devices = true};
  ASSERT_OK_AND_ASSIGN(const Problem problem, MakeProblem(graph, core, 5));
  EXPECT_THAT(MakeSolver(problem),
              AllOf(IsUnmet("no_skipped_devices"), IsUnmet("(out)"), Not(IsUnmet("not proven"))));
  const Constraints ordered = {.pins = {{1, 2, "early"}, {3, 3, "late"}},
                               .forward_only_devices = true,
                               .no_skipped_devices = true};
  ASSERT_OK_AND_ASSIGN(const Problem both, MakeProblem(graph, ordered, 4));
  EXPECT_THAT(MakeSolver(both),
              AllOf(IsUnmet("forward_only_devices"), IsUnmet("no_skipped_devices"),
                    IsUnmet("op 1 'b' is pinned to device 2 (early)")));
  Constraints smallest = ordered;
  smallest.pins.pop_back();
  ExpectSmallest(graph, smallest, 4);
}

TEST(PlacementConflictTest, PinsAndTriangles) {
  const auto graph = TextGraph("a -> b -> c; a -> c; x -> y");
  const Constraints core = {.pins = {{0, 0, "first"}, {1, 1, "second"}, {2, 2, "third"}},
                            .triangle_free_devices = true};
  Constraints all = core;
  all.pins.push_back({3, 1, "unneeded"});
  ASSERT_OK_AND_ASSIGN(const Problem problem, MakeProblem(graph, all));
  EXPECT_THAT(MakeSolver(problem),
              AllOf(IsUnmet("triangle_free_devices"), IsUnmet("(first)"), IsUnmet("(second)"),
                    IsUnmet("(third)"), Not(IsUnmet("unneeded")), Not(IsUnmet("not proven"))));
  ExpectSmallest(graph, core, 3);
}

TEST(PlacementConflictTest, OneNeedleAmongManyPins) {
  std::string text = "a0";
  for (int i = 1; i < 300; ++i) text += " -> a" + std::to_string(i);
  Constraints rules = {.triangle_free_devices = true};
  for (int i = 0; i < 300; ++i) rules.pins.push_back({i, i < 100 ? 0 : i < 200 ? 1 : 2, "stage"});
  const auto graph = TextGraph(text + "; a50 -> a250");
  ASSERT_OK_AND_ASSIGN(const Problem problem, MakeProblem(graph, rules));
  EXPECT_THAT(MakeSolver(problem),
              AllOf(IsUnmet("triangle_free_devices"), IsUnmet("'a50' is pinned to device 0"),
                    IsUnmet("'a250' is pinned to device 2"), Not(IsUnmet("not proven"))));
}

// --- A ring of 36 chips

Problem RingProblem(int ops, uint64_t seed) {
  return *Problem::Create(
      testing::LargeGraph({.ops = ops, .window = 50, .chain = 0.3, .seed = seed}),
      *MachineFromPreset("chiplet_ringx36"), {.constraints = ChipletRules()});
}

TEST(PlacementSolverTest, EveryDrawAndRepairOnTheRingIsLegal) {
  Random random(8);
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const int ops = 20 + static_cast<int>(random.Below(500));
    const Problem problem = RingProblem(ops, seed);
    ASSERT_OK_AND_ASSIGN(const PlacementSolver solver, MakeSolver(problem));
    for (int i = 0; i < 5; ++i) {
      ASSERT_OK_AND_ASSIGN(const Placement drawn,
                           solver.Sample(RandomProbabilities(ops, 36, random), &random));
      ASSERT_OK(ValidatePlan(problem, PlanOf(problem, drawn)));
      ASSERT_OK_AND_ASSIGN(const Placement fixed, solver.Fix(RandomDevices(ops, 36, random)));
      ASSERT_OK(ValidatePlan(problem, PlanOf(problem, fixed)));
    }
  }
}

TEST(PlacementSolverTest, AMoveOfALegalPlacementIsRepairedNearby) {
  Random random(9);
  const Problem problem = RingProblem(600, 3);
  ASSERT_OK_AND_ASSIGN(const PlacementSolver solver, MakeSolver(problem));
  for (int i = 0; i < 60; ++i) {
    ASSERT_OK_AND_ASSIGN(const Placement legal,
                         solver.Sample(RandomProbabilities(600, 36, random), &random));
    std::vector<DeviceId> moved = legal.device;
    moved[random.Below(600)] = static_cast<DeviceId>(random.Below(36));
    ASSERT_OK_AND_ASSIGN(const Placement fixed, solver.Fix(moved, legal.parameter_home));
    EXPECT_LE(Moved(fixed.device, moved), 1) << i;
  }
}

}  // namespace
}  // namespace gopt
