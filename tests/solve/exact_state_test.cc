#include "src/solve/exact_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/cost/simulator.h"
#include "src/solve/exact_bound.h"
#include "src/solve/exact_instance.h"
#include "src/solve/exact_symmetry.h"
#include "tests/solve/task_graphs.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/reference_simulator.h"
#include "tests/testing/scale.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TaskProblem;

TEST(RanksByRulesTest, GivesTheLowestRanks) {
  EXPECT_THAT(RanksByRules(3, {}), ElementsAre(0, 0, 0));
  EXPECT_THAT(RanksByRules(3, {{Bit(2), Bit(0), true}, {Bit(0), Bit(1), false}}),
              ElementsAre(1, 1, 0));
}

TEST(RanksByRulesTest, LooksAtTheLowestOfSeveral) {
  // The lower of 0 and 1 before 2, 2 before 0: so it is 1.
  EXPECT_THAT(RanksByRules(3, {{Bit(0) | Bit(1), Bit(2), true}, {Bit(2), Bit(0), true}}),
              ElementsAre(2, 0, 1));
}

TEST(RanksByRulesTest, FindsContradictions) {
  EXPECT_THAT(RanksByRules(2, {{Bit(0), Bit(1), false}, {Bit(1), Bit(0), true}}), IsEmpty());
  EXPECT_THAT(RanksByRules(2, {{Bit(0), Bit(1), false}, {Bit(1), Bit(0), false}}),
              ElementsAre(0, 0));
}

struct Walk {
  ExactState state;
  Trail trail;
  std::vector<Nanoseconds> bounds;  // On the way.
};

// Random choices to the end, or nothing where that is a dead end.
bool WalkAtRandom(const ExactInstance& instance, const ExactSimulation& simulation, Random* random,
                  Walk* walk) {
  ExactBound bound(instance);
  walk->state = simulation.Initial();
  std::vector<Choice> choices;
  while (true) {
    switch (simulation.Run(&walk->state, &walk->trail, &choices)) {
      case ExactSimulation::Outcome::kImpossible:
        return false;
      case ExactSimulation::Outcome::kFinished:
        return true;
      case ExactSimulation::Outcome::kChoices:
        break;
    }
    walk->bounds.push_back(bound.Of(walk->state, kSaturated));
    const Choice choice = choices[random->Below(static_cast<int64_t>(choices.size()))];
    if (!simulation.Apply(choice, &walk->state, &walk->trail)) return false;
  }
}

Plan PlanOf(const ExactInstance& instance, const Walk& walk) {
  std::vector<DeviceId> device;
  for (KernelId k = 0; k < instance.num_tasks; ++k) device.push_back(walk.state.place(k));
  Plan plan = instance.tasks->MakePlan(
      std::move(device),
      RanksByRules(instance.num_tasks,
                   {walk.trail.rules.begin(), walk.trail.rules.begin() + walk.state.num_rules}),
      "");
  plan.dispatch = Dispatch::kSequence;
  plan.sequence = walk.trail.starts;
  for (size_t p = 0; p < instance.parameters.size(); ++p) {
    plan.parameter_home.push_back(walk.state.home[p]);
  }
  return plan;
}

// The same problem with the scheduling of a random plan, on that plan's kernels.
Problem WithClosedOrder(const testing::RandomCase& c) {
  return *Problem::Create(
      c.problem.shared_graph(), c.problem.machine(),
      {.tasks = {.scheduling = false}, .base_plan = std::make_shared<Plan>(c.plan)});
}

struct Counts {
  int finished = 0, contradictions = 0, choices = 0;
};

void WalkSome(const Problem& problem, bool contention, Random* random, Counts* counts) {
  const RooflineCostModel costs(problem);
  const TaskGraph tasks = *TaskGraph::Create(problem, problem.base_kernels(), costs);
  if (!ExactInstance::Fits(tasks)) return;
  const ExactInstance instance(tasks, contention);
  const ExactSimulation simulation(instance, InterchangeableDevices(instance, false), true);
  for (int i = 0; i < 5; ++i) {
    Walk walk;
    if (!WalkAtRandom(instance, simulation, random, &walk)) continue;
    Plan plan = PlanOf(instance, walk);
    if (plan.rank.empty() && instance.num_tasks > 0) {
      ++counts->contradictions;
      continue;
    }
    if (!instance.open_order) {
      plan.rank = problem.base_plan()->rank;
      plan.dispatch = problem.base_plan()->dispatch;
      plan.sequence = problem.base_plan()->sequence;
    }
    const CostReport report =
        testing::ReferencePrice(problem, plan, {.contention = contention, .memory = false}, {});
    ASSERT_EQ(report.step_time, walk.state.makespan) << "walk " << i;
    ++counts->finished;
    counts->choices += static_cast<int>(walk.bounds.size());
    for (Nanoseconds bound : walk.bounds) ASSERT_LE(bound, report.step_time);
  }
}

TEST(ExactSimulationTest, EveryWayToTheEndTakesAsLongAsThePlanDoesInTheReferenceSimulator) {
  Random random(1);
  Counts counts;
  for (int i = 0; i < testing::Scaled(1'000); ++i) {
    const testing::RandomCase c = testing::MakeRandomCase(
        random, {.max_compute_ops = 14, .fusion = i % 2 == 0, .clones = false});
    SCOPED_TRACE(i);
    WalkSome(c.problem, i % 4 != 0, &random, &counts);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(counts.finished, testing::Scaled(3'000));
  EXPECT_GT(counts.choices, 5 * counts.finished);
  EXPECT_LT(counts.contradictions, counts.finished / 20);
}

TEST(ExactSimulationTest, SoItDoesInAGivenOrder) {
  Random random(2);
  Counts counts;
  for (int i = 0; i < testing::Scaled(500); ++i) {
    const testing::RandomCase c =
        testing::MakeRandomCase(random, {.max_compute_ops = 12, .fusion = false, .clones = false});
    SCOPED_TRACE(i);
    WalkSome(WithClosedOrder(c), i % 4 != 0, &random, &counts);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(counts.finished, testing::Scaled(1'000));
}

TEST(InterchangeableDevicesTest, AreThoseThatNothingTellsApart) {
  const auto interchangeable = [](const Machine& machine, ProblemOptions options = {}) {
    const TaskProblem p(testing::LayeredGraph(8, 2, 0), machine, std::move(options));
    return InterchangeableDevices(ExactInstance(p.tasks, true), false);
  };
  EXPECT_THAT(interchangeable(testing::EqualDevices(3)), ElementsAre(0b111, 0b111, 0b111));
  ProblemOptions pinned;
  pinned.constraints.pins = {{0, 1, "test"}};
  EXPECT_THAT(interchangeable(testing::EqualDevices(3), pinned), ElementsAre(0b101, 0b010, 0b101));
  // A ring of four: the devices across from each other have the same neighbours.
  std::vector<Device> devices;
  std::vector<Link> links;
  for (int d = 0; d < 4; ++d) {
    devices.push_back(testing::EqualDevices(4).device(d));
    links.push_back({d, (d + 1) % 4, {"up" + std::to_string(d), 1e9, 0}});
    links.push_back({(d + 1) % 4, d, {"down" + std::to_string(d), 1e9, 0}});
  }
  const Machine ring = *Machine::CreateFromLinks("ring", devices, links);
  for (const Bits same : interchangeable(ring)) EXPECT_LE(Count(same), 2);
}

}  // namespace
}  // namespace gopt
