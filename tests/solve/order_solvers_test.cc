#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/cost/simulator.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/solver.h"
#include "tests/solve/task_graphs.h"
#include "tests/testing/random_problem.h"

namespace gopt {
namespace {

using ::testing::HasSubstr;

constexpr const char* kOrders[] = {"critical_path", "program", "upward_rank", "fifo",
                                   "shortest",      "slack",   "random",      "peak_memory"};

class OrderSolversTest : public ::testing::Test {
 protected:
  // A layered graph on three devices, with fused kernels and a placement that is given.
  static Problem GivenPlacement(uint64_t seed) {
    const auto graph = testing::LayeredGraph(60, 6, seed);
    auto plan =
        std::make_shared<Plan>(testing::LargePlan(testing::ConsecutiveKernels(graph, 1), 3, seed));
    ProblemOptions options;
    options.base_plan = plan;
    options.tasks.placement = false;
    return Problem::Create(graph, testing::EqualDevices(3), std::move(options)).value();
  }

  Solution Solve(const std::string& spec, const Problem& problem, SolveRequest request = {}) const {
    request.problem = &problem;
    request.backend = simulator_.get();
    return Solvers().Create(spec).value()->Solve(request).value();
  }

  std::shared_ptr<const Simulator> simulator_ = Simulator::Create().value();
};

TEST_F(OrderSolversTest, EveryOrderKeepsThePlacement) {
  const Problem problem = GivenPlacement(1);
  for (const char* order : kOrders) {
    const Solution solution = Solve(absl::StrCat("order(by=", order, ")"), problem);
    EXPECT_EQ(solution.plan.device, problem.base_plan()->device) << order;
    EXPECT_TRUE(ValidatePlan(problem, solution.plan).ok()) << order;
    EXPECT_EQ(solution.plan.metadata.at("order"), order);
    EXPECT_EQ(solution.evaluations, 1) << order;
  }
}

TEST_F(OrderSolversTest, BestIsTheBestOfAll) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const Problem problem = GivenPlacement(seed);
    Nanoseconds least = kSaturated;
    for (const char* order : kOrders) {
      least =
          std::min(least, Solve(absl::StrCat("order(by=", order, ")"), problem).report.step_time);
    }
    EXPECT_EQ(Solve("order", problem).report.step_time, least);
  }
}

TEST_F(OrderSolversTest, RandomOrdersFollowTheSeed) {
  const Problem problem = GivenPlacement(2);
  std::set<std::vector<int32_t>> ranks;
  for (uint64_t seed : {1, 2, 3, 1}) {
    SolveRequest request;
    request.seed = seed;
    ranks.insert(Solve("order(by=random)", problem, request).plan.rank);
  }
  EXPECT_EQ(ranks.size(), 3);
}

TEST_F(OrderSolversTest, WithoutAPlacementEverythingIsOnOneDevice) {
  const Problem problem =
      Problem::Create(testing::LayeredGraph(30, 4, 1), testing::EqualDevices(3)).value();
  for (const char* spec : {"order", "peak_order"}) {
    const Solution solution = Solve(spec, problem);
    EXPECT_THAT(solution.plan.device, ::testing::Each(0)) << spec;
  }
}

TEST_F(OrderSolversTest, PeakOrderTakesLessMemoryThanAnyOtherOrder) {
  const SolveRequest peak = {.objective = {.kind = Objective::Kind::kPeakBytes}};
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const Problem problem =
        Problem::Create(testing::LayeredGraph(60, 6, seed), testing::EqualDevices(1)).value();
    const Solution solution = Solve("peak_order", problem, peak);
    EXPECT_EQ(solution.plan.metadata.at("peak_order.bound_bytes"),
              absl::StrCat(solution.report.peak_bytes[0]));
    for (const char* order : kOrders) {
      const Solution other = Solve(absl::StrCat("order(by=", order, ")"), problem, peak);
      EXPECT_LE(solution.report.peak_bytes[0], other.report.peak_bytes[0]) << order;
    }
  }
}

TEST_F(OrderSolversTest, NameWhatTheyDoNotKnow) {
  EXPECT_THAT(std::string(Solvers().Create("order(by=size)").status().message()),
              HasSubstr("order: by is 'size'; it must be one of critical_path"));
  EXPECT_THAT(std::string(Solvers().Create("peak_order(steps=-1)").status().message()),
              HasSubstr("steps is -1"));
}

}  // namespace
}  // namespace gopt
