#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/base/worker_threads.h"
#include "gopt/cost/simulator.h"
#include "gopt/rl/ppo.h"
#include "gopt/rl/reward.h"
#include "gopt/rl/trained_problem.h"
#include "gopt/solve/solver.h"
#include "tests/testing/policy_cases.h"

namespace gopt {
namespace {

using testing::MakeNetwork;
using testing::PolicyCase;

// --- Small problems whose optimum is known

constexpr int kOps = 8;
constexpr int kDevices = 3;

// Two ops a layer, each of which suits one of three unlike devices best.
Problem SmallProblem(uint64_t seed) {
  return *Problem::Create(testing::UnevenGraph(kOps, 2, seed), testing::UnevenMachine({0, 1, 2}));
}

// All orders in which ops can follow each other.
std::vector<std::vector<int32_t>> AllRanks(const Graph& graph) {
  std::vector<int32_t> order(kOps);
  std::iota(order.begin(), order.end(), 0);
  std::vector<std::vector<int32_t>> ranks;
  do {
    std::vector<int32_t> rank(kOps);
    for (int i = 0; i < kOps; ++i) rank[order[i]] = i;
    bool legal = true;
    for (OpId op = 0; op < kOps && legal; ++op) {
      for (const OpId source : graph.predecessors(op)) legal &= rank[source] < rank[op];
    }
    if (legal) ranks.push_back(std::move(rank));
  } while (std::next_permutation(order.begin(), order.end()));
  return ranks;
}

// The least step time of any placement and order under PRIORITY. Ranks against the graph's order
// start what is ready in some order that is with it, too.
Nanoseconds LeastByEnumeration(const PolicyCase& c) {
  const Problem& problem = c.problem->problem();
  const std::vector<std::vector<int32_t>> ranks = AllRanks(problem.graph());
  const std::unique_ptr<Evaluator> evaluator = *c.backend->Bind(problem);
  Plan plan = c.problem->reference().plan;
  plan.dispatch = Dispatch::kPriority;
  plan.sequence.clear();
  Nanoseconds least = c.problem->reference_time();
  CostReport report;
  const int placements = static_cast<int>(std::pow(kDevices, kOps));
  for (int placement = 0; placement < placements; ++placement) {
    for (int op = 0, rest = placement; op < kOps; ++op, rest /= kDevices) {
      plan.device[op] = rest % kDevices;
    }
    for (const std::vector<int32_t>& rank : ranks) {
      plan.rank = rank;
      evaluator->Evaluate({&plan, 1}, {}, {&report, 1});
      if (report.ok()) least = std::min(least, report.step_time);
    }
  }
  return least;
}

Nanoseconds LeastByExact(const PolicyCase& c) {
  SolveRequest request;
  request.problem = &c.problem->problem();
  request.backend = c.backend.get();
  const Solution solution = *(*Solvers().Create("exact"))->Solve(request);
  EXPECT_EQ(solution.bounds.step_time(), solution.report.step_time);  // Proven.
  return solution.report.step_time;
}

// Whether one of so many uniformly random placements and orders is the best.
bool RandomSearchFinds(const PolicyCase& c, Nanoseconds least, int64_t plans, uint64_t seed) {
  Random random(seed);
  const std::unique_ptr<Evaluator> evaluator = *c.backend->Bind(c.problem->problem());
  Plan plan = c.problem->reference().plan;
  plan.dispatch = Dispatch::kPriority;
  plan.sequence.clear();
  std::iota(plan.rank.begin(), plan.rank.end(), 0);
  CostReport report;
  for (int64_t i = 0; i < plans; ++i) {
    for (DeviceId& device : plan.device) device = static_cast<DeviceId>(random.Below(kDevices));
    for (int64_t k = kOps; k-- > 1;) std::swap(plan.rank[k], plan.rank[random.Below(k + 1)]);
    evaluator->Evaluate({&plan, 1}, {}, {&report, 1});
    if (report.step_time == least) return true;
  }
  return false;
}

struct LearningOptions {
  NetworkOptions network;
  PpoOptions ppo;
  int iterations = 0;
};

LearningOptions TinyLearning() {
  LearningOptions options;
  options.network = {.width = 16,
                     .encoder_layers = 1,
                     .attention_layers = 1,
                     .attention_heads = 2,
                     .modulation = Modulation::kNone,
                     .state_width = 4,
                     .task_attention = false,
                     .head_width = 16,
                     .decoder = DecoderKind::kDirect,
                     .priority_levels = 8,
                     .residual_logit = 1.0};
  options.ppo.samples = 64;
  options.ppo.clip = 0.3;
  options.ppo.learning_rate = 1e-2;
  options.ppo.learning_rate_end = 5e-3;
  options.ppo.entropy_coefficient = 0.03;
  options.ppo.max_gradient_norm = 5.0;
  options.iterations = 20;
  return options;
}

struct Learned {
  Nanoseconds best = 0, greedy = 0;
  int64_t plans = 0;
};

Learned Learn(const PolicyCase& c, LearningOptions options, uint64_t seed) {
  options.network.seed = seed;
  PolicyNetwork network = MakeNetwork(options.network);
  PpoLearner learner(network, options.ppo);
  RewardScale scale({}, c.problem->reference_time(), 1);
  Learned learned = {.best = c.problem->reference_time()};
  std::shared_ptr<const DecisionTrace> best;
  double best_reward = 0.0;
  for (int i = 0; i < options.iterations; ++i) {
    SampledDecisions drawn = c.Sample(network, {.samples = options.ppo.samples}, seed * 1'000 + i);
    std::vector<CostReport> reports;
    for (PricedPlan& plan : c.Price(drawn.candidates)) reports.push_back(plan.report);
    Rollout rollout = {.problem = c.problem, .trace = std::move(drawn.trace), .seed = seed + i};
    for (const std::optional<double>& reward : scale.Rewards(reports)) {
      rollout.reward.push_back(*reward);
    }
    for (size_t k = 0; k < reports.size(); ++k) {
      learned.best = std::min(learned.best, reports[k].step_time);
      if (best != nullptr && rollout.reward[k] <= best_reward) continue;
      const int64_t chosen[] = {static_cast<int64_t>(k)};
      best = std::make_shared<const DecisionTrace>(rollout.trace.Select(chosen));
      best_reward = rollout.reward[k];
    }
    rollout.best = best;
    rollout.best_reward = best_reward;
    learned.plans += static_cast<int64_t>(reports.size());
    SetAdvantages(options.ppo, 0.0, &rollout);
    const double progress = static_cast<double>(i) / options.iterations;
    EXPECT_TRUE(learner.Update(std::vector<Rollout>{std::move(rollout)}, progress).ok());
  }
  learned.greedy = c.Greedy(network).report.step_time;
  return learned;
}

// Training begins at HEFT's plan, 0.4 to 4 % above the optimum. Problems are chosen: on some others
// the same run stays in a local optimum.
TEST(LearningTest, PpoFindsTheOptimumOfSmallProblems) {
  constexpr int kSeeds = 25;
  int found = 0, greedy = 0, random = 0;
  for (const uint64_t graph : {13, 14, 29, 33}) {
    const PolicyCase c(SmallProblem(graph), "heft");
    const Nanoseconds least = LeastByExact(c);
    ASSERT_EQ(LeastByEnumeration(c), least);
    ASSERT_GT(c.problem->reference_time(), least);
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      const Learned learned = Learn(c, TinyLearning(), seed);
      found += learned.best == least;
      greedy += learned.greedy == least;
      random += RandomSearchFinds(c, least, learned.plans, seed);
    }
  }
  RecordProperty("found", found);
  RecordProperty("greedy", greedy);
  RecordProperty("random_search", random);
  EXPECT_GE(found, 95);
  EXPECT_LE(random, 60);
}

// --- A real graph

struct Moments {
  double mean = 0.0, variance = 0.0;
  int64_t count = 0;
};
Moments MomentsOf(const std::vector<double>& values) {
  Moments moments = {.count = static_cast<int64_t>(values.size())};
  for (const double value : values) moments.mean += value / values.size();
  for (const double value : values) {
    moments.variance += (value - moments.mean) * (value - moments.mean) / (values.size() - 1);
  }
  return moments;
}

TEST(LearningTest, SamplesOfTransformerXlBecomeFaster) {
  at::set_num_threads(1);
  const TrainingProblem named = {.graph = "txl2", .machine = "p100x2"};
  const RewardOptions reward;
  const std::unique_ptr<TrainedProblem> problem =
      *TrainedProblem::Create(named, *LoadProblem(named, false, true, true),
                              std::shared_ptr<const CostBackend>(*Simulator::Create({})),
                              std::make_shared<WorkerThreads>(1), reward);
  PolicyNetwork network = MakeNetwork({.width = 32,
                                       .encoder_layers = 1,
                                       .attention_layers = 1,
                                       .modulation = Modulation::kGraph,
                                       .head_width = 16,
                                       .stickiness_base = 0.0});  // A start with much to learn.
  PpoOptions options;
  options.samples = 32;
  options.epochs = 3;
  options.learning_rate = options.learning_rate_end = 2e-3;
  PpoLearner learner(network, options);
  constexpr int kIterations = 28, kWindow = 4;
  std::vector<double> first, last;
  for (int i = 0; i < kIterations; ++i) {
    ASSERT_TRUE(problem->Draw(network, {.samples = options.samples}, 100 + i).ok());
    ASSERT_TRUE(problem->Price({}).ok());
    for (const PricedPlan& plan : problem->priced()) {
      ASSERT_TRUE(plan.report.ok()) << plan.report.reason;
      const double ratio = static_cast<double>(plan.report.step_time) /
                           static_cast<double>(problem->problem()->reference_time());
      if (i < kWindow) first.push_back(std::log(ratio));
      if (i >= kIterations - kWindow) last.push_back(std::log(ratio));
    }
    ASSERT_TRUE(
        learner.Update(std::vector<Rollout>{problem->TakeRollout(options, 1'000 + i)}, 0.0).ok());
  }
  const Moments before = MomentsOf(first), after = MomentsOf(last);
  const double error = std::sqrt(before.variance / before.count + after.variance / after.count);
  RecordProperty("ratio_before", std::to_string(std::exp(before.mean)));
  RecordProperty("ratio_after", std::to_string(std::exp(after.mean)));
  EXPECT_LT(after.mean, before.mean - 4 * error);
}

}  // namespace
}  // namespace gopt
