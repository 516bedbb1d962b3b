#include "gopt/rl/decision_pass.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gopt/plan/validate.h"
#include "tests/testing/policy_cases.h"
#include "tests/testing/random_problem.h"

namespace gopt {
namespace {

using testing::MakeNetwork;
using testing::PolicyCase;
using testing::Shake;
using testing::SmallNetwork;
using testing::Variant;

// The log ratios of all heads under these weights, [samples] groups or one.
std::vector<at::Tensor> LogRatios(PolicyNetwork network, const PolicyCase& c,
                                  const DecisionTrace& trace) {
  std::vector<at::Tensor> ratios;
  for (const ReplayedHead& head : ReplayDecisions(network, *c.problem, trace).heads) {
    const std::vector<at::Tensor> log_prob = LogProbabilities(*head.actions, head.output);
    for (size_t i = 0; i < log_prob.size(); ++i) {
      ratios.push_back(log_prob[i] - head.actions->groups[i].log_prob);
    }
  }
  return ratios;
}

double Largest(const std::vector<at::Tensor>& tensors) {
  double largest = 0.0;
  for (const at::Tensor& tensor : tensors) {
    if (tensor.numel() > 0) largest = std::max(largest, tensor.abs().max().item<double>());
  }
  return largest;
}

class DecisionPassTest : public ::testing::TestWithParam<Variant> {
 protected:
  DecisionPassTest() : network_(MakeNetwork(GetParam().network)) { Shake(network_, 0.2); }

  const PolicyCase case_{testing::VariantProblem(GetParam()),
                         GetParam().fusion ? "portfolio(search=false)" : "heft"};
  PolicyNetwork network_;
};
INSTANTIATE_TEST_SUITE_P(Options, DecisionPassTest, ::testing::ValuesIn(testing::Variants()),
                         [](const auto& info) { return info.param.name; });

TEST_P(DecisionPassTest, ReplayUnderUnchangedWeightsHasRatiosOfOne) {
  const SampledDecisions drawn = case_.Sample(network_, {.samples = 6});
  const size_t heads = (GetParam().fusion ? 3 : 2) * GetParam().network.rounds;
  EXPECT_EQ(ReplayDecisions(network_, *case_.problem, drawn.trace).heads.size(), heads);
  EXPECT_LT(Largest(LogRatios(network_, case_, drawn.trace)), 2e-4);
  Shake(network_, 0.2, /*seed=*/9);
  EXPECT_GT(Largest(LogRatios(network_, case_, drawn.trace)), 1e-2);
}

TEST_P(DecisionPassTest, SelectedSamplesReplayAlone) {
  const SampledDecisions drawn = case_.Sample(network_, {.samples = 6});
  for (const std::vector<int64_t>& chosen :
       {std::vector<int64_t>{4, 1}, {5}, {0, 1, 2, 3, 4, 5}, {}}) {
    const DecisionTrace part = drawn.trace.Select(chosen);
    EXPECT_EQ(part.samples, static_cast<int64_t>(chosen.size()));
    if (chosen.empty()) continue;
    EXPECT_LT(Largest(LogRatios(network_, case_, part)), 2e-4);
    for (size_t round = 0; round < part.rounds.size(); ++round) {
      for (int task = 0; task < kNumTasks; ++task) {
        const auto& head = part.rounds[round].head[task];
        if (!head.has_value()) continue;
        for (size_t i = 0; i < chosen.size(); ++i) {
          EXPECT_TRUE(at::equal(head->action(static_cast<int64_t>(i)),
                                drawn.trace.rounds[round].head[task]->action(chosen[i])));
        }
      }
    }
  }
}

TEST_P(DecisionPassTest, DrawsLegalPlansThatDependOnTheSeedOnly) {
  const std::vector<PricedPlan> plans =
      case_.Price(case_.Sample(network_, {.samples = 4}, 1).candidates);
  const std::vector<PricedPlan> again =
      case_.Price(case_.Sample(network_, {.samples = 4}, 1).candidates);
  for (size_t i = 0; i < plans.size(); ++i) {
    ASSERT_TRUE(plans[i].report.ok()) << plans[i].report.reason;
    EXPECT_TRUE(ValidatePlan(case_.problem->problem(), plans[i].plan).ok());
    EXPECT_EQ(plans[i].plan.device, again[i].plan.device);
    EXPECT_EQ(plans[i].plan.rank, again[i].plan.rank);
    EXPECT_EQ(plans[i].report.step_time, again[i].report.step_time);
  }
}

TEST_P(DecisionPassTest, FreshWeightsDecodeTheReference) {
  PolicyNetwork fresh = MakeNetwork(GetParam().network);
  if (GetParam().fusion) {
    // Equal picks: the kernels of the default heuristic.
    const SampledDecisions greedy = case_.Sample(fresh, {.samples = 1, .greedy = true});
    EXPECT_EQ(greedy.candidates[0].tasks, *case_.pool->StartTasks());
    return;
  }
  const PricedPlan greedy = case_.Greedy(fresh);
  // In its order, but without waiting for it.
  Plan expected = case_.problem->reference().plan;
  const std::vector<KernelId>& order = case_.problem->reference().report.start_order;
  for (size_t i = 0; i < order.size(); ++i) expected.rank[order[i]] = static_cast<int32_t>(i);
  expected.dispatch = Dispatch::kPriority;
  expected.sequence.clear();
  EXPECT_EQ(greedy.plan.rank, expected.rank);
  EXPECT_EQ(greedy.plan.dispatch, expected.dispatch);
  if (GetParam().network.decoder == DecoderKind::kDirect) {
    EXPECT_EQ(greedy.plan.device, expected.device);
    EXPECT_EQ(greedy.report.step_time,
              Price(*case_.backend, case_.problem->problem(), expected)->step_time);
  }
}

TEST_P(DecisionPassTest, FirstSampleMayBeGreedy) {
  const SampledDecisions drawn = case_.Sample(network_, {.samples = 4, .first_greedy = true});
  const SampledDecisions greedy = case_.Sample(network_, {.samples = 4, .greedy = true}, 77);
  const auto& guidance = [](const SampledDecisions& d, int i) -> const Guidance& {
    return d.candidates[i].guidance;
  };
  EXPECT_EQ(guidance(drawn, 0).device, guidance(greedy, 0).device);
  EXPECT_EQ(guidance(drawn, 0).priority, guidance(greedy, 0).priority);
  EXPECT_EQ(guidance(drawn, 0).stickiness, guidance(greedy, 0).stickiness);
  EXPECT_EQ(guidance(greedy, 1).priority, guidance(greedy, 0).priority);
  int differ = 0;
  for (int i = 1; i < 4; ++i) differ += guidance(drawn, i).priority != guidance(drawn, 0).priority;
  EXPECT_GT(differ, 0);
}

// What the samples are judged by is what the update's pass says under the same weights.
TEST(DecisionPassTest, TheValueIsThatOfAPassOfItsOwn) {
  const PolicyCase c(testing::UnevenProblem());
  for (const int rounds : {1, 2}) {
    NetworkOptions options = SmallNetwork(DecoderKind::kList);
    options.rounds = rounds;
    PolicyNetwork network = MakeNetwork(options);
    EXPECT_EQ(c.Sample(network, {.samples = 3}).value, 0.0);
    options.value = true;
    network = MakeNetwork(options);
    Shake(network, 0.3);
    const SampledDecisions drawn = c.Sample(network, {.samples = 3});
    const at::NoGradGuard no_grad;
    const at::Tensor value = network->Value(
        network->Begin(network->Encode(c.problem->features()), c.problem->initial_state()));
    EXPECT_EQ(drawn.value, value.item<double>());
    EXPECT_NE(drawn.value, 0.0);
    EXPECT_TRUE(at::equal(ReplayDecisions(network, *c.problem, drawn.trace).value, value));
  }
}

// --- Closed tasks, constraints

TEST(DecisionPassTest, ClosedTasksHaveNoHeads) {
  const Problem open = testing::UnevenProblem();
  const PolicyCase reference(open);
  for (const bool placement : {true, false}) {
    ProblemOptions options;
    options.tasks = {.fusion = false, .placement = placement, .scheduling = !placement};
    options.base_plan = std::make_shared<Plan>(reference.problem->reference().plan);
    for (const DecoderKind decoder : {DecoderKind::kList, DecoderKind::kDirect}) {
      const PolicyCase c(*Problem::Create(open.shared_graph(), open.machine(), options),
                         *options.base_plan);
      PolicyNetwork network = MakeNetwork(SmallNetwork(decoder));
      Shake(network, 0.3);
      const SampledDecisions drawn = c.Sample(network, {.samples = 4});
      const auto& head = drawn.trace.rounds[0].head;
      EXPECT_FALSE(head[0].has_value());
      EXPECT_EQ(head[1].has_value(), placement);
      EXPECT_EQ(head[2].has_value(), !placement);
      for (const PricedPlan& plan : c.Price(drawn.candidates)) {
        EXPECT_TRUE(placement || plan.plan.device == options.base_plan->device);
        EXPECT_TRUE(!placement || plan.plan.rank == options.base_plan->rank);
      }
      // The only head is noisy in every sample.
      EXPECT_TRUE(head[placement ? 1 : 2]->groups[0].active.all().item<bool>());
      EXPECT_LT(Largest(LogRatios(network, c, drawn.trace)), 2e-4);
    }
  }
}

TEST(DecisionPassTest, DirectDrawsAllowedDevicesOnly) {
  const Problem open = testing::UnevenProblem();
  ProblemOptions options;
  options.constraints.pins.push_back({3, 1, "test"});
  const PolicyCase c(*Problem::Create(open.shared_graph(), open.machine(), options));
  NetworkOptions network_options = SmallNetwork(DecoderKind::kDirect);
  PolicyNetwork network = MakeNetwork(network_options);
  Shake(network, 0.5);
  for (const PlanCandidate& candidate : c.Sample(network, {.samples = 64}).candidates) {
    EXPECT_EQ(candidate.guidance.device[3], 1);
  }
}

TEST(DecisionPassTest, HeadsAreNoisyAsOftenAsAskedAndInPairs) {
  const PolicyCase c(testing::UnevenProblem());
  PolicyNetwork network = MakeNetwork(SmallNetwork(DecoderKind::kList));
  SampleOptions options = {.samples = 4'000};
  options.exploration.head_probability = 0.3;
  const SampledDecisions drawn = c.Sample(network, options);
  const at::Tensor placement = drawn.trace.rounds[0].head[1]->groups[0].active,
                   scheduling = drawn.trace.rounds[0].head[2]->groups[0].active;
  EXPECT_TRUE(placement.logical_or(scheduling).all().item<bool>());
  // Drawn with probability .3 each, and one of the two at random besides: 1 - .7 x .5.
  EXPECT_NEAR(placement.to(at::kFloat).mean().item<double>(), 0.65, 0.04);
  EXPECT_NEAR(scheduling.to(at::kFloat).mean().item<double>(), 0.65, 0.04);
  EXPECT_TRUE(
      at::equal(placement.view({-1, 2}).select(1, 0), placement.view({-1, 2}).select(1, 1)));
}

// --- Symmetry

Plan WithDevices(Plan plan, const std::vector<DeviceId>& where) {
  for (DeviceId& device : plan.device) device = where[device];
  for (DeviceId& home : plan.parameter_home) {
    if (home != kNone) home = where[home];
  }
  return plan;
}

TEST(DecisionPassTest, PermutedDevicesGiveThePermutedPlan) {
  const std::vector<int> order = {2, 0, 1};       // Device i is what device order[i] was,
  const std::vector<DeviceId> where = {1, 2, 0};  // which so is now where[...].
  int others = 0;  // Plans that place otherwise than the reference: something was decided.
  for (const DecoderKind decoder : {DecoderKind::kList, DecoderKind::kDirect}) {
    for (const uint64_t seed : {1, 2, 3}) {
      const PolicyCase here(testing::UnevenProblem(24, seed));
      const PolicyCase there(testing::UnevenProblem(24, seed, order),
                             WithDevices(here.problem->reference().plan, where));
      ASSERT_EQ(here.problem->reference_time(), there.problem->reference_time());
      NetworkOptions options = SmallNetwork(decoder);
      options.rounds = 2;
      PolicyNetwork network = MakeNetwork(options);
      Shake(network, 0.5, seed);
      network->to(at::kDouble);
      const PricedPlan a = here.Greedy(network), b = there.Greedy(network);
      EXPECT_EQ(b.plan.device, WithDevices(a.plan, where).device);
      EXPECT_EQ(b.plan.rank, a.plan.rank);
      EXPECT_EQ(b.report.step_time, a.report.step_time);
      others += a.plan.device != here.problem->reference().plan.device;
    }
  }
  EXPECT_GE(others, 3);
}

// --- Robustness

TEST(DecisionPassTest, WeightsThatAreNoNumbersStillGiveLegalPlans) {
  const PolicyCase c(testing::UnevenProblem());
  for (const DecoderKind decoder : {DecoderKind::kList, DecoderKind::kDirect}) {
    for (const double bad : {double(NAN), 1e38}) {
      PolicyNetwork network = MakeNetwork(SmallNetwork(decoder));
      {
        const at::NoGradGuard no_grad;
        for (at::Tensor& parameter : network->parameters()) parameter.fill_(bad);
      }
      for (const PricedPlan& plan : c.Price(c.Sample(network, {.samples = 2}).candidates)) {
        EXPECT_TRUE(plan.report.ok()) << plan.report.reason;
      }
    }
  }
}

}  // namespace
}  // namespace gopt
