#include "gopt/rl/trained_problem.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "gopt/base/status_macros.h"
#include "gopt/io/machine_file.h"
#include "gopt/io/plan_file.h"
#include "gopt/workloads/stored.h"
#include "gopt/workloads/synthetic.h"

namespace gopt {
namespace {

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

absl::StatusOr<std::shared_ptr<const Graph>> LoadNamedGraph(const std::string& name) {
  if (auto stored = LoadWorkload(name); stored.ok()) return stored;
  GOPT_ASSIGN_OR_RETURN(Imported imported, SyntheticOrFile(name));
  return imported.graph;
}

// What stands for closed tasks: the best classical plan where all but fusion is open.
absl::StatusOr<std::shared_ptr<const Plan>> ClassicalPlan(std::shared_ptr<const Graph> graph,
                                                          const Machine& machine,
                                                          const ProblemOptions& options,
                                                          const Budget& budget) {
  GOPT_ASSIGN_OR_RETURN(const Problem open, Problem::Create(std::move(graph), machine, options));
  GOPT_ASSIGN_OR_RETURN(const auto simulator, CostBackends().Create("simulator"));
  GOPT_ASSIGN_OR_RETURN(
      ReferencePlan found,
      PolicyProblem::FindReference(open, *simulator, "portfolio(search=false)", budget));
  return std::make_shared<const Plan>(std::move(found.plan));
}

int64_t TotalMemory(const Problem& problem) {
  int64_t bytes = 0;
  for (DeviceId d = 0; d < problem.machine().num_devices(); ++d) {
    bytes = SaturatingAdd(bytes, problem.memory_limit(d));
  }
  return bytes;
}

// Of a draw around outputs that are not finite no probability is.
bool IsFinite(const DecisionTrace& trace) {
  for (const DecisionTrace::Round& round : trace.rounds) {
    for (const std::optional<HeadActions>& head : round.head) {
      if (!head.has_value()) continue;
      for (const HeadActions::Group& group : head->groups) {
        if (!at::isfinite(group.log_prob).all().item<bool>()) return false;
      }
    }
  }
  return true;
}

}  // namespace

absl::StatusOr<Problem> LoadProblem(const TrainingProblem& named, bool fusion, bool placement,
                                    bool scheduling, const Budget& budget) {
  GOPT_ASSIGN_OR_RETURN(const std::shared_ptr<const Graph> graph, LoadNamedGraph(named.graph));
  GOPT_ASSIGN_OR_RETURN(Machine machine, MachineFromSpec(named.machine));
  ProblemOptions options;
  if (!named.constraints.empty()) {
    GOPT_ASSIGN_OR_RETURN(options.constraints, ReadConstraintsFile(named.constraints, *graph));
  }
  if (!placement || !scheduling) {
    GOPT_ASSIGN_OR_RETURN(options.base_plan, ClassicalPlan(graph, machine, options, budget));
  }
  options.tasks = {.fusion = fusion, .placement = placement, .scheduling = scheduling};
  return Problem::Create(graph, std::move(machine), std::move(options));
}

TrainedProblem::TrainedProblem(TrainingProblem named, std::shared_ptr<const PolicyProblem> problem,
                               std::unique_ptr<PlanPool> pool, const RewardOptions& reward)
    : named_(std::move(named)),
      problem_(std::move(problem)),
      pool_(std::move(pool)),
      scale_(reward, problem_->reference_time(), TotalMemory(problem_->problem())) {}

absl::StatusOr<std::unique_ptr<TrainedProblem>> TrainedProblem::Create(
    TrainingProblem named, Problem problem, std::shared_ptr<const CostBackend> backend,
    std::shared_ptr<WorkerThreads> threads, const RewardOptions& reward, const FeatureSpec& spec,
    const Budget& budget) {
  GOPT_ASSIGN_OR_RETURN(
      ReferencePlan reference,
      PolicyProblem::FindReference(problem, *backend, "portfolio(search=false)", budget));
  GOPT_ASSIGN_OR_RETURN(std::unique_ptr<PlanPool> pool,
                        PlanPool::Create(problem, backend, {.threads = std::move(threads)}));
  GOPT_ASSIGN_OR_RETURN(
      std::shared_ptr<const PolicyProblem> ready,
      PolicyProblem::Create(std::move(problem), std::move(reference), pool->costs(), spec));
  return std::unique_ptr<TrainedProblem>(
      new TrainedProblem(std::move(named), std::move(ready), std::move(pool), reward));
}

absl::Status TrainedProblem::Draw(PolicyNetwork network, const SampleOptions& options,
                                  uint64_t seed) {
  const Clock::time_point start = Clock::now();
  stats_ = {};
  bool finite = true;
  try {
    GOPT_ASSIGN_OR_RETURN(
        drawn_, SampleDecisions(network, *problem_, options, at::detail::createCPUGenerator(seed),
                                pool_.get()));
    finite = std::isfinite(drawn_.value) && IsFinite(drawn_.trace);
  } catch (
      const c10::LinAlgError&) {  // The noise's directions are of features that are not finite.
    finite = false;
  }
  if (!finite) {
    drawn_ = {};
    stats_.priced = stats_.failed = stats_.not_finite = options.samples;
  }
  stats_.forward_seconds = SecondsSince(start);
  return absl::OkStatus();
}

absl::Status TrainedProblem::Price(const Budget& budget) {
  const Clock::time_point start = Clock::now();
  priced_.resize(drawn_.candidates.size());
  PricingOptions options;
  options.budget = budget;
  GOPT_RETURN_IF_ERROR(pool_->Price(drawn_.candidates, priced_, options));
  stats_.price_seconds = SecondsSince(start);
  for (const PricedPlan& plan : priced_) {
    stats_.decode_seconds += plan.decode_seconds;
    stats_.evaluate_seconds += plan.evaluate_seconds;
    ++stats_.priced;
    if (plan.report.outcome == Outcome::kInfeasible) ++stats_.infeasible;
    if (plan.report.outcome == Outcome::kFailed) ++stats_.failed;
    if (!plan.report.ok()) continue;
    ++stats_.feasible;
    stats_.log_ratio_sum += std::log(std::max<double>(plan.report.step_time, 1.0) /
                                     std::max<double>(problem_->reference_time(), 1.0));
    if (stats_.best_time == 0 || plan.report.step_time < stats_.best_time) {
      stats_.best_time = plan.report.step_time;
    }
  }
  return absl::OkStatus();
}

void TrainedProblem::Remember(int64_t sample, double reward, bool keep_trace) {
  const CostReport& report = priced_[sample].report;
  if (!report.ok()) return;
  if (best_.step_time > 0 && report.step_time >= best_.step_time) return;
  best_ = {.plan = priced_[sample].plan, .step_time = report.step_time, .reward = reward};
  if (keep_trace) {
    const int64_t chosen[] = {sample};
    best_.trace = std::make_shared<const DecisionTrace>(drawn_.trace.Select(chosen));
  }
}

Rollout TrainedProblem::TakeRollout(const PpoOptions& options, uint64_t seed) {
  Rollout rollout = {.problem = problem_, .seed = seed};
  std::vector<CostReport> reports;
  for (const PricedPlan& plan : priced_) reports.push_back(plan.report);
  const std::vector<std::optional<double>> rewards = scale_.Rewards(reports);
  std::vector<int64_t> usable;
  for (int64_t i = 0; i < drawn_.trace.samples; ++i) {
    if (!rewards[i].has_value()) continue;
    usable.push_back(i);
    rollout.reward.push_back(*rewards[i]);
    Remember(i, *rewards[i], options.self_imitation > 0);
  }
  rollout.trace = drawn_.trace.Select(usable);
  rollout.best = best_.trace;
  rollout.best_reward = best_.reward;
  SetAdvantages(options, drawn_.value, &rollout);
  drawn_ = {};
  return rollout;
}

}  // namespace gopt
