#ifndef GOPT_RL_TRAINED_PROBLEM_H_
#define GOPT_RL_TRAINED_PROBLEM_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/budget.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/base/worker_threads.h"
#include "gopt/cost/cost_backend.h"
#include "gopt/rl/decision_pass.h"
#include "gopt/rl/policy_problem.h"
#include "gopt/rl/ppo.h"
#include "gopt/rl/reward.h"
#include "gopt/solve/plan_pool.h"
#include "gopt/training/config.h"

namespace gopt {

// Reads what a configuration names: a graph (a file of any known format, a stored workload or the
// spec of a generated one), a machine and constraints, with the tasks that are open; closed
// placement or scheduling is that of the best classical plan, by the simulator. Budget: for its
// cancel token; the error is Cancelled then.
GOPT_API absl::StatusOr<Problem> LoadProblem(const TrainingProblem& named, bool fusion,
                                             bool placement, bool scheduling,
                                             const Budget& budget = {});

// What pricing one batch of samples took and gave.
struct SampleStats {
  int64_t priced = 0, infeasible = 0, failed = 0;
  int64_t not_finite = 0;         // Of the failed ones: the network's outputs were not finite.
  double log_ratio_sum = 0.0;     // Of log(step time / reference) of the feasible ones,
  int64_t feasible = 0;           // and how many there are.
  Nanoseconds best_time = 0;      // The smallest step time; 0: none is feasible.
  double forward_seconds = 0.0;   // Network, drawing and fusing, on the calling thread.
  double decode_seconds = 0.0;    // Summed over threads,
  double evaluate_seconds = 0.0;  // as is this.
  double price_seconds = 0.0;     // Wall clock of both.
};

// The best plan found for a problem so far.
struct BestSample {
  Plan plan;
  Nanoseconds step_time = 0;  // 0: none yet.
  double reward = 0.0;
  std::shared_ptr<const DecisionTrace> trace;  // Kept for self-imitation only.
};

// A problem and what training or evaluation remembers of it. One thread at a time.
class GOPT_API TrainedProblem {
 public:
  // Finds the reference by the classical portfolio. The errors of PolicyProblem::FindReference, to
  // which the budget goes, and of the backend.
  static absl::StatusOr<std::unique_ptr<TrainedProblem>> Create(
      TrainingProblem named, Problem problem, std::shared_ptr<const CostBackend> backend,
      std::shared_ptr<WorkerThreads> threads, const RewardOptions& reward,
      const FeatureSpec& spec = FeatureSpec::Default(), const Budget& budget = {});

  // Draws samples. Between Draw and Price the plans wait; another problem may draw meanwhile. Where
  // the network's outputs are not finite there are none, and all count as failed.
  absl::Status Draw(PolicyNetwork network, const SampleOptions& options, uint64_t seed);
  // Prices what was drawn last; may run on another thread than Draw did. Budget: for its deadline
  // and cancel token; what is not priced counts as failed.
  absl::Status Price(const Budget& budget);
  // The samples that have a reward, with advantages, for the learner. Remembers the best, and the
  // worst reward.
  Rollout TakeRollout(const PpoOptions& options, uint64_t seed);

  const TrainingProblem& named() const { return named_; }
  const std::shared_ptr<const PolicyProblem>& problem() const { return problem_; }
  // Of the last batch: one report per sample, in order, and what they sum up to.
  std::span<const PricedPlan> priced() const { return priced_; }
  const SampleStats& stats() const { return stats_; }

  const BestSample& best() const { return best_; }
  void set_best(BestSample best) { best_ = std::move(best); }
  RewardScale& reward_scale() { return scale_; }
  PlanPool& pool() { return *pool_; }

 private:
  TrainedProblem(TrainingProblem named, std::shared_ptr<const PolicyProblem> problem,
                 std::unique_ptr<PlanPool> pool, const RewardOptions& reward);
  void Remember(int64_t sample, double reward, bool keep_trace);

  TrainingProblem named_;
  std::shared_ptr<const PolicyProblem> problem_;
  std::unique_ptr<PlanPool> pool_;
  RewardScale scale_;
  BestSample best_;
  SampledDecisions drawn_;
  std::vector<PricedPlan> priced_;
  SampleStats stats_;
};

}  // namespace gopt

#endif  // GOPT_RL_TRAINED_PROBLEM_H_
