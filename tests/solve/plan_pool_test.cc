#include "gopt/solve/plan_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_text.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/search_context.h"
#include "tests/solve/task_graphs.h"
#include "tests/testing/fake_backend.h"
#include "tests/testing/fake_cost_backend.h"
#include "tests/testing/fusible_graph.h"
#include "tests/testing/report_compare.h"

namespace gopt {
namespace {

using testing::FakeBackend;
using testing::FakeCostBackend;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Kind = GuidanceDecoder::Kind;

Problem Layered(ProblemOptions options = {}, int devices = 3) {
  return *Problem::Create(testing::LayeredGraph(200, 6, 4), testing::EqualDevices(devices),
                          std::move(options));
}

std::shared_ptr<const Graph> Fusible() {
  Random random(6);
  return testing::RandomFusibleGraph(random, {.max_ops = 60});
}

std::unique_ptr<PlanPool> Pool(const Problem& problem, std::shared_ptr<const CostBackend> backend,
                               int threads = 1, int decoders = 4) {
  return *PlanPool::Create(problem, std::move(backend),
                           {std::make_shared<WorkerThreads>(threads), decoders});
}
std::unique_ptr<PlanPool> SimulatorPool(const Problem& problem, int threads = 1, int decoders = 4) {
  return Pool(problem, *Simulator::Create({}), threads, decoders);
}

// Wild on purpose: much of it is illegal, some is no number.
Guidance RandomGuidance(const TaskGraph& tasks, Random* random) {
  Guidance guidance;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (KernelId k = 0; k < tasks.num_tasks(); ++k) {
    guidance.priority.push_back(random->Below(9) == 0 ? nan : random->Uniform() - 0.5);
    guidance.device.push_back(static_cast<DeviceId>(random->Below(9)) - 2);
  }
  for (size_t e = 0; e < tasks.kernel_graph().inputs.size(); ++e) {
    guidance.stickiness.push_back(random->Below(9) == 0
                                      ? static_cast<float>(nan)
                                      : static_cast<float>(4 * random->Uniform() - 2));
  }
  return guidance;
}

std::vector<PlanCandidate> RandomCandidates(
    const std::vector<std::shared_ptr<const TaskGraph>>& tasks, int count, uint64_t seed) {
  Random random(seed);
  std::vector<PlanCandidate> candidates;
  for (int i = 0; i < count; ++i) {
    const auto& own = tasks[random.Below(static_cast<int64_t>(tasks.size()))];
    candidates.push_back(
        {own, RandomGuidance(*own, &random), i % 2 == 0 ? Kind::kList : Kind::kDirect});
  }
  return candidates;
}

std::vector<PricedPlan> Price(PlanPool& pool, const std::vector<PlanCandidate>& candidates,
                              const PricingOptions& options = {}) {
  std::vector<PricedPlan> results(candidates.size());
  const absl::Status status = pool.Price(candidates, results, options);
  EXPECT_TRUE(status.ok()) << status;
  return results;
}

void ExpectEqual(const std::vector<PricedPlan>& a, const std::vector<PricedPlan>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(a[i].plan.kernels, b[i].plan.kernels);
    EXPECT_EQ(a[i].plan.device, b[i].plan.device);
    EXPECT_EQ(a[i].plan.rank, b[i].plan.rank);
    EXPECT_EQ(a[i].plan.parameter_home, b[i].plan.parameter_home);
    EXPECT_EQ(testing::FirstDifference(a[i].report, b[i].report), "");
  }
}

TEST(PlanPoolTest, AsksForWhatItNeeds) {
  const Problem problem = Layered();
  EXPECT_THAT(PlanPool::Create(problem, nullptr).status().message(),
              HasSubstr("a cost backend is required"));
  const std::shared_ptr<const CostBackend> simulator = *Simulator::Create({});
  EXPECT_THAT(PlanPool::Create(problem, simulator, {.decoders = 0}).status().message(),
              HasSubstr("decoders is 0"));
}

TEST(PlanPoolTest, NamesTheCandidateThatIsWrong) {
  const auto pool = SimulatorPool(Layered());
  const auto other = *SimulatorPool(Layered())->StartTasks();
  std::vector<PlanCandidate> candidates(2, PlanCandidate{*pool->StartTasks(), {}, Kind::kList});
  std::vector<PricedPlan> results(2);
  const auto message = [&] { return std::string(pool->Price(candidates, results).message()); };
  ASSERT_EQ(message(), "");
  candidates[1].guidance.priority = {1.0};
  EXPECT_THAT(message(), HasSubstr("candidate 1: guidance: 1 entries of priority"));
  candidates[1] = {other, {}, Kind::kList};
  EXPECT_THAT(message(), HasSubstr("candidate 1: its tasks are of another problem"));
  candidates[1].tasks = nullptr;
  EXPECT_THAT(message(), HasSubstr("candidate 1: has no tasks"));
  results.pop_back();
  EXPECT_THAT(message(), HasSubstr("1 results for 2 entries"));
}

TEST(PlanPoolTest, PricesWhatTheDecoderMakes) {
  const Problem problem = Layered();
  const auto pool = SimulatorPool(problem);
  const auto tasks = *pool->StartTasks();
  const auto candidates = RandomCandidates({tasks}, 6, 1);
  const auto results = Price(*pool, candidates, {.evaluate = {.start_order = true}});
  for (size_t i = 0; i < candidates.size(); ++i) {
    Plan plan;
    GuidanceDecoder decoder(tasks, candidates[i].decoder);
    ASSERT_TRUE(decoder.Decode(candidates[i].guidance, &plan).ok());
    EXPECT_EQ(results[i].plan.device, plan.device);
    EXPECT_EQ(results[i].plan.rank, plan.rank);
    const CostReport report = *gopt::Price(**Simulator::Create({}), problem, plan);
    EXPECT_EQ(results[i].report.step_time, report.step_time);
    EXPECT_EQ(results[i].report.start_order.size(), plan.rank.size());
    EXPECT_GT(results[i].decode_seconds, 0.0);
    EXPECT_GT(results[i].evaluate_seconds, 0.0);
  }
}

TEST(PlanPoolTest, AnyNumberOfThreadsGivesTheSameBits) {
  ProblemOptions options;
  options.tasks.fusion = true;
  options.constraints.colocate = {{{3, 7}, "test"}};
  options.constraints.keep_apart = {{{1, 9}, "test"}};
  const Problem problem = *Problem::Create(Fusible(), testing::EqualDevices(3), options);
  Random random(5);
  std::vector<std::vector<int32_t>> picks(5);
  for (auto& each : picks) {
    for (OpId op = 0; op < problem.graph().num_ops(); ++op) {
      each.push_back(static_cast<int32_t>(random.Below(5)) - 1);
    }
  }
  std::vector<std::vector<Kernels::Columns>> columns;
  std::vector<std::vector<PricedPlan>> results;
  for (const int threads : {1, 2, 4}) {
    const auto pool = SimulatorPool(problem, threads, /*decoders=*/2);
    std::vector<std::shared_ptr<const TaskGraph>> tasks(picks.size());
    ASSERT_TRUE(pool->Fuse(picks, {}, tasks).ok());
    auto& own = columns.emplace_back();
    for (const auto& each : tasks) own.push_back(each->kernels()->columns());
    results.push_back(
        Price(*pool, RandomCandidates(tasks, 60, 3), {.evaluate = {.start_order = true}}));
    for (PricedPlan& each : results.back()) {
      ASSERT_TRUE(ValidatePlan(problem, each.plan).ok());
      each.plan.kernels = nullptr;
    }
  }
  for (size_t i = 1; i < results.size(); ++i) {
    ExpectEqual(results[i], results[0]);
    for (size_t k = 0; k < picks.size(); ++k) {
      EXPECT_EQ(columns[i][k].ops, columns[0][k].ops);
      EXPECT_EQ(columns[i][k].begin, columns[0][k].begin);
    }
  }
}

TEST(PlanPoolTest, ReusedResultsHoldNothingOfThePast) {
  const auto pool = SimulatorPool(Layered());
  const auto tasks = *pool->StartTasks();
  std::vector<PricedPlan> results(10);
  const auto first = RandomCandidates({tasks}, 10, 1), second = RandomCandidates({tasks}, 10, 2);
  ASSERT_TRUE(pool->Price(first, results, {.evaluate = {.start_order = true}}).ok());
  ASSERT_TRUE(pool->Price(second, results).ok());
  ExpectEqual(results, Price(*pool, second));
}

// Constraints of all kinds, and problems that close a task.
std::vector<std::pair<std::string, Problem>> Constrained() {
  std::vector<std::pair<std::string, Problem>> problems;
  const auto add = [&](std::string name, const Constraints& constraints) {
    problems.emplace_back(std::move(name), Layered({.constraints = constraints}));
  };
  add("free", {});
  add("colocate", {.colocate = {{{3, 50, 120}, "test"}, {{7, 8, 9, 10, 11}, "test"}}});
  add("pins", {.pins = {{0, 2, "test"}, {100, 1, "test"}}});
  add("allowed", {.allowed = {{{20, 21, 22}, {1, 2}, "test"}}});
  add("apart", {.keep_apart = {{{1, 100}, "test"}, {{5, 6}, "test"}}});
  add("forward only", {.forward_only_devices = true});
  add("pipeline", {.forward_only_devices = true, .no_skipped_devices = true});
  const Problem open = Layered();
  auto base = std::make_shared<Plan>();
  base->kernels = open.base_kernels();
  for (KernelId k = 0; k < base->kernels->size(); ++k) {
    base->device.push_back(k % 3);
    base->rank.push_back(k / 2);
  }
  base->dispatch = Dispatch::kFifo;
  problems.emplace_back("closed placement",
                        Layered({.tasks = {.placement = false}, .base_plan = base}));
  problems.emplace_back("closed schedule",
                        Layered({.tasks = {.scheduling = false}, .base_plan = base}));
  Constraints home;
  home.pins = {{0, 1, "weights live there"}};
  problems.emplace_back("home",
                        *Problem::Create(*ParseGraph("w:parameter[bytes=100] -> a -> b; a -> c"),
                                         testing::EqualDevices(3), {.constraints = home}));
  return problems;
}

TEST(PlanPoolTest, WildGuidanceGivesLegalPlans) {
  for (const auto& [name, problem] : Constrained()) {
    SCOPED_TRACE(name);
    const auto pool = SimulatorPool(problem, 2);
    const auto candidates = RandomCandidates({*pool->StartTasks()}, 20, 7);
    for (const PricedPlan& each : Price(*pool, candidates)) {
      const absl::Status legal = ValidatePlan(problem, each.plan);
      EXPECT_TRUE(legal.ok()) << legal;
      EXPECT_TRUE(each.report.ok()) << each.report.reason;
    }
  }
}

TEST(PlanPoolTest, CompletesPlansAsSearchesDo) {
  for (const auto& [name, problem] : Constrained()) {
    SCOPED_TRACE(name);
    const auto simulator = *Simulator::Create({});
    const auto pool = SimulatorPool(problem, 2);
    const auto tasks = *pool->StartTasks();
    Random random(3);
    std::vector<Plan> plans;
    for (int i = 0; i < 5; ++i) {
      std::vector<DeviceId> device(tasks->num_tasks());
      std::vector<int32_t> rank(tasks->num_tasks());
      for (DeviceId& d : device) d = static_cast<DeviceId>(random.Below(3));
      for (int32_t& r : rank) r = static_cast<int32_t>(random.Below(100));
      plans.push_back(tasks->MakePlan(std::move(device), std::move(rank), "test"));
    }
    std::vector<PricedPlan> results(plans.size());
    ASSERT_TRUE(pool->Price(plans, results).ok());
    const auto context =
        *SearchContext::Create({.problem = &problem, .backend = simulator.get()}, "test");
    for (size_t i = 0; i < plans.size(); ++i) {
      const CostReport& report = context->Evaluate(plans[i]);
      EXPECT_EQ(results[i].report.outcome, report.outcome);
      EXPECT_EQ(results[i].report.step_time, report.step_time);
      EXPECT_EQ(results[i].report.reason, report.reason);
    }
  }
}

TEST(PlanPoolTest, ClosedTasksAreTheBasePlans) {
  for (const auto& [name, problem] : Constrained()) {
    const Plan* base = problem.base_plan();
    if (base == nullptr) continue;
    SCOPED_TRACE(name);
    const auto pool = SimulatorPool(problem);
    for (const auto& each : Price(*pool, RandomCandidates({*pool->StartTasks()}, 4, 7))) {
      EXPECT_EQ(each.plan.device == base->device, !problem.tasks().placement);
      EXPECT_EQ(each.plan.rank == base->rank, !problem.tasks().scheduling);
      EXPECT_EQ(each.plan.dispatch == base->dispatch, !problem.tasks().scheduling);
    }
  }
}

TEST(PlanPoolTest, PlansThatMakeNoSenseGetAReport) {
  for (const auto& [name, problem] : Constrained()) {
    SCOPED_TRACE(name);
    const auto pool = SimulatorPool(problem, 2);
    std::vector<Plan> plans(4);
    plans[1].kernels = problem.base_kernels();
    plans[2].kernels = plans[3].kernels = problem.base_kernels();
    plans[2].device.assign(plans[2].kernels->size(), 7);
    plans[2].rank.assign(plans[2].kernels->size(), 0);
    plans[3].device.assign(plans[3].kernels->size(), 0);
    std::vector<PricedPlan> results(plans.size());
    ASSERT_TRUE(pool->Price(plans, results).ok());
    for (const PricedPlan& each : results) {
      EXPECT_EQ(each.report.outcome, Outcome::kInfeasible);
      EXPECT_NE(each.report.reason, "");
    }
  }
}

TEST(PlanPoolTest, NamesConstraintsThatContradictEachOther) {
  ProblemOptions options;
  options.constraints.no_skipped_devices = true;
  options.constraints.pins = {{0, 1, "one"}, {1, 1, "two"}, {2, 1, "three"}};
  const Problem problem =
      *Problem::Create(*ParseGraph("a -> b -> c"), testing::EqualDevices(2), options);
  const absl::Status status = PlanPool::Create(problem, *Simulator::Create({})).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

class PlanPoolBackendTest : public ::testing::TestWithParam<int> {
 protected:
  PlanPoolBackendTest() : problem_(Layered()) {}

  // One candidate per device, all of whose kernels are there.
  std::vector<PricedPlan> PriceByDevice(FakeBackend::PriceFn price, int repeats = 1,
                                        const PricingOptions& options = {}) {
    const auto pool = Pool(problem_, std::make_shared<FakeBackend>(std::move(price)), GetParam());
    const auto tasks = *pool->StartTasks();
    std::vector<PlanCandidate> candidates;
    for (int i = 0; i < 3 * repeats; ++i) {
      Guidance guidance = {.device = std::vector<DeviceId>(tasks->num_tasks(), i % 3)};
      candidates.push_back({tasks, std::move(guidance), Kind::kDirect});
    }
    return Price(*pool, candidates, options);
  }

  Problem problem_;
};

TEST_P(PlanPoolBackendTest, WhatIsThrownFailsThePlanOnly) {
  const auto results = PriceByDevice([](const Problem&, const Plan& plan) {
    if (plan.device[0] == 1) throw std::runtime_error("no such kernel");
    if (plan.device[0] == 2) throw 7;
    return FakeBackend::Ok(3);
  });
  EXPECT_EQ(results[0].report.step_time, 3);
  EXPECT_EQ(results[1].report.outcome, Outcome::kFailed);
  EXPECT_THAT(results[1].report.reason, HasSubstr("no such kernel"));
  EXPECT_EQ(results[2].report.outcome, Outcome::kFailed);
  EXPECT_THAT(results[2].report.reason, HasSubstr("no std::exception"));
}

TEST_P(PlanPoolBackendTest, NonsenseFailsThePlanOnly) {
  const auto results = PriceByDevice([](const Problem&, const Plan& plan) {
    CostReport report = FakeBackend::Ok(plan.device[0] == 0 ? -1 : 5);
    if (plan.device[0] == 1) report.outcome = static_cast<Outcome>(77);
    report.start_order = {-1, -1};
    return report;
  });
  EXPECT_THAT(results[0].report.reason, HasSubstr("step time of -1 ns"));
  EXPECT_THAT(results[1].report.reason, HasSubstr("outcome 77"));
  EXPECT_EQ(results[1].report.outcome, Outcome::kFailed);
  EXPECT_EQ(results[2].report.step_time, 5);
}

TEST_P(PlanPoolBackendTest, CancellingLeavesTheRestUnpriced) {
  auto cancel = std::make_shared<CancelToken>();
  std::atomic<int> priced = 0;
  const auto results = PriceByDevice(
      [&](const Problem&, const Plan&) {
        if (++priced == 5) cancel->Cancel();
        return FakeBackend::Ok(3);
      },
      /*repeats=*/20, {.budget = {.cancel = cancel}});
  int done = 0;
  for (const PricedPlan& each : results) {
    done += each.report.ok();
    if (each.report.ok()) continue;
    EXPECT_EQ(each.report.outcome, Outcome::kFailed);
    EXPECT_EQ(each.report.reason, PlanPool::kCancelled);
    EXPECT_EQ(each.plan.kernels, nullptr);
  }
  EXPECT_EQ(done, priced);
  EXPECT_GE(done, 5);
  EXPECT_LT(done, 5 + GetParam());
}

TEST_P(PlanPoolBackendTest, NothingIsBegunPastTheDeadline) {
  std::atomic<int> priced = 0;
  const auto results = PriceByDevice(
      [&](const Problem&, const Plan&) {
        ++priced;
        return FakeBackend::Ok(3);
      },
      /*repeats=*/2, {.budget = {.deadline = Clock::now() - std::chrono::seconds(1)}});
  EXPECT_EQ(priced, 0);
  for (const PricedPlan& each : results) EXPECT_EQ(each.report.reason, PlanPool::kCancelled);
}

INSTANTIATE_TEST_SUITE_P(Threads, PlanPoolBackendTest, ::testing::Values(1, 2, 4));

// Notes when an evaluator is used by two threads at once, or by another than the one that it was
// bound on.
class WatchingBackend final : public CostBackend {
 public:
  std::string name() const override { return "watching"; }
  absl::StatusOr<std::unique_ptr<Evaluator>> Bind(const Problem&) const override {
    if (++bound_ > most_) return absl::ResourceExhaustedError("no device is left");
    return std::make_unique<Watcher>(this);
  }

  mutable std::atomic<int> bound_ = 0, shared_ = 0, at_work_ = 0, most_at_work_ = 0;
  int most_ = 1000;
  int meet_ = 0;        // Evaluations wait until so many were at work at once,
  int meet_bound_ = 0;  // and until so many were asked for.

 private:
  class Watcher final : public Evaluator {
   public:
    explicit Watcher(const WatchingBackend* backend) : backend_(*backend) {}
    void Evaluate(std::span<const Plan> plans, const EvaluateOptions&,
                  std::span<CostReport> reports) override {
      if (busy_.exchange(true)) ++backend_.shared_;
      const int now = ++backend_.at_work_;
      int most = backend_.most_at_work_;
      while (now > most && !backend_.most_at_work_.compare_exchange_weak(most, now)) {
      }
      while (backend_.most_at_work_ < backend_.meet_ || backend_.bound_ < backend_.meet_bound_) {
        std::this_thread::yield();
      }
      for (size_t i = 0; i < plans.size(); ++i) reports[i] = FakeBackend::Ok(1);
      --backend_.at_work_;
      busy_ = false;
    }

   private:
    const WatchingBackend& backend_;
    std::atomic<bool> busy_ = false;
  };
};

TEST(PlanPoolTest, EachThreadHasAnEvaluatorOfItsOwn) {
  auto backend = std::make_shared<WatchingBackend>();
  backend->meet_ = 3;  // Ends only if three evaluate at once.
  const auto pool = Pool(Layered(), backend, 3);
  EXPECT_EQ(backend->bound_, 1);
  for (int round = 0; round < 3; ++round) {
    Price(*pool, RandomCandidates({*pool->StartTasks()}, 40, round));
  }
  EXPECT_EQ(backend->shared_, 0);
  EXPECT_EQ(backend->bound_, 3);
  EXPECT_EQ(backend->most_at_work_, 3);
}

TEST(PlanPoolTest, ABackendThatCannotBindAgainIsAnError) {
  auto backend = std::make_shared<WatchingBackend>();
  backend->most_ = 0;
  EXPECT_EQ(PlanPool::Create(Layered(), backend).status(),
            absl::ResourceExhaustedError("no device is left"));
  backend->bound_ = 0;
  backend->most_ = 1;
  backend->meet_bound_ = 2;
  const auto pool = Pool(Layered(), backend, 2);
  std::vector<PricedPlan> results(3);
  EXPECT_EQ(pool->Price(RandomCandidates({*pool->StartTasks()}, 3, 0), results),
            absl::ResourceExhaustedError("no device is left"));
  backend->most_ = 1000;
  EXPECT_TRUE(Price(*pool, RandomCandidates({*pool->StartTasks()}, 3, 0)).front().report.ok());
}

TEST(PlanPoolTest, PoolsShareThreads) {
  auto threads = std::make_shared<WorkerThreads>(2);
  auto backend = std::make_shared<FakeCostBackend>();
  std::vector<std::unique_ptr<PlanPool>> pools;
  for (int i = 0; i < 10; ++i) pools.push_back(*PlanPool::Create(Layered(), backend, {threads}));
  for (const auto& pool : pools) Price(*pool, RandomCandidates({*pool->StartTasks()}, 4, 0));
  EXPECT_EQ(backend->evaluations(), 40);
  // Problems on threads, the plans of each on its thread.
  const auto one_problem = [&](int64_t i, int) {
    Price(*pools[i], RandomCandidates({*pools[i]->StartTasks()}, 4, 0));
    return absl::OkStatus();
  };
  ASSERT_TRUE(threads->ParallelFor(10, one_problem).ok());
  EXPECT_EQ(backend->evaluations(), 80);
}

TEST(PlanPoolTest, MoreTaskGraphsThanDecodersArePriced) {
  const Problem problem = Layered();
  const auto pool = SimulatorPool(problem, 1, /*decoders=*/1);
  std::vector<std::shared_ptr<const TaskGraph>> tasks;
  for (int i = 0; i < 3; ++i) {
    tasks.push_back(std::make_shared<const TaskGraph>(
        *TaskGraph::Create(problem, problem.base_kernels(), pool->costs())));
  }
  const auto mixed = RandomCandidates(tasks, 30, 9);
  auto same = mixed;
  for (PlanCandidate& each : same) each.tasks = tasks[0];
  ExpectEqual(Price(*pool, mixed), Price(*pool, same));
}

TEST(PlanPoolTest, EqualKernelsShareTheirTasks) {
  const Problem problem =
      *Problem::Create(Fusible(), testing::EqualDevices(2), {.tasks = {.fusion = true}});
  const auto pool = SimulatorPool(problem, 2);
  const int n = problem.graph().num_ops();
  const std::vector<std::vector<int32_t>> picks = {
      std::vector<int32_t>(n, -1), std::vector<int32_t>(n, 0), std::vector<int32_t>(n, 3), {},
      std::vector<int32_t>(n, -1), std::vector<int32_t>(n, -2)};
  std::vector<std::shared_ptr<const TaskGraph>> tasks(picks.size());
  ASSERT_TRUE(pool->Fuse(picks, {}, tasks).ok());
  const auto start = *pool->StartTasks();
  EXPECT_THAT(tasks, ::testing::ElementsAre(tasks[0], start, start, start, tasks[0], tasks[0]));
  EXPECT_NE(tasks[0], start);
  for (size_t i = 0; i < picks.size(); ++i) {
    EXPECT_EQ(tasks[i]->kernels()->columns().ops, (*Fuse(problem, picks[i]))->columns().ops);
  }
}

TEST(PlanPoolTest, NamesThePicksThatAreWrong) {
  const auto pool = SimulatorPool(Layered(), 2);
  const std::vector<std::vector<int32_t>> picks = {{}, {1, 2}, {1, 2, 3}};
  std::vector<std::shared_ptr<const TaskGraph>> tasks(picks.size());
  const absl::Status status = pool->Fuse(picks, {}, tasks);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), StartsWith("picks 1: fuse: 2 picks for"));
  EXPECT_THAT(pool->Fuse(picks, {}, std::span(tasks).first(2)).message(), HasSubstr("2 results"));
}

// Costs of a backend may be anybody's code as well.
class ThrowingCosts final : public OpCostModel {
 public:
  Nanoseconds KernelTime(std::span<const OpId>, std::span<const PortId>, DeviceId) const override {
    throw std::runtime_error("no price");
  }
  Nanoseconds TransferTime(int64_t, DeviceId, DeviceId) const override { return 0; }
};

class ThrowingCostsBackend final : public CostBackend {
 public:
  std::string name() const override { return "throwing costs"; }
  absl::StatusOr<std::unique_ptr<Evaluator>> Bind(const Problem&) const override {
    class Own final : public Evaluator {
     public:
      void Evaluate(std::span<const Plan>, const EvaluateOptions&, std::span<CostReport>) override {
      }
      const OpCostModel* op_costs() const override { return &costs_; }

     private:
      ThrowingCosts costs_;
    };
    return std::make_unique<Own>();
  }
};

TEST(PlanPoolTest, CostsThatThrowAreAStatus) {
  const auto pool = Pool(Layered(), std::make_shared<ThrowingCostsBackend>(), 2);
  EXPECT_THAT(pool->StartTasks().status().message(), HasSubstr("no price"));
  std::vector<std::shared_ptr<const TaskGraph>> tasks(1);
  EXPECT_THAT(pool->Fuse(std::vector<std::vector<int32_t>>(1), {}, tasks).message(),
              HasSubstr("no price"));
}

TEST(PlanPoolTest, AReportThatNobodyFilledInIsAFailure) {
  const Problem problem = Layered();
  const auto pool = Pool(problem, std::make_shared<ThrowingCostsBackend>());
  const auto tasks = *SimulatorPool(problem)->StartTasks();
  std::vector<PricedPlan> results(1);
  results[0].report = FakeBackend::Ok(1);
  ASSERT_TRUE(pool->Price(std::vector<PlanCandidate>{{tasks, {}, Kind::kList}}, results).ok());
  EXPECT_EQ(results[0].report.outcome, Outcome::kFailed);
  EXPECT_THAT(results[0].report.reason, HasSubstr("filled in no report"));
}

}  // namespace
}  // namespace gopt
