#ifndef GOPT_SRC_RL_TRAINING_LINES_H_
#define GOPT_SRC_RL_TRAINING_LINES_H_

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/rl/ppo.h"
#include "gopt/rl/trained_problem.h"
#include "gopt/training/config.h"
#include "src/rl/processes.h"
#include "src/rl/training_state.h"

namespace gopt {

// The lines of metrics.jsonl (docs/metrics.md).

using Problems = std::vector<std::unique_ptr<TrainedProblem>>;

// Step time / reference; what takes no time counts as 1 ns.
double RatioOf(Nanoseconds step_time, Nanoseconds reference);
// A number, or null where it is not finite.
nlohmann::ordered_json Number(double value);

// What is known of a problem before training: the classical solvers' step times, 0 where a plan
// does not fit, and the lower bound. Budget: for its cancel token; the rest is left out then.
struct Baselines {
  std::map<std::string, Nanoseconds> step_time;
  Nanoseconds lower_bound = 0;
};
Baselines FindBaselines(const Problem& problem, const CostBackend& backend, const Budget& budget);

// One object per problem of a run, of this process.
nlohmann::ordered_json ProblemLines(const char* set, const Problems& problems,
                                    const std::vector<Baselines>& baselines);
nlohmann::ordered_json RunLine(const TrainingConfig& config, int64_t parameters,
                               nlohmann::ordered_json problems);

// One object per problem of an iteration's batch.
nlohmann::ordered_json BatchLines(const Problems& problems, const std::vector<int>& batch);

// Arrays of all processes as one array.
absl::StatusOr<nlohmann::ordered_json> GatherLines(const Processes& processes,
                                                   nlohmann::ordered_json own);

// Wall clock of one iteration, seconds.
struct IterationTime {
  double forward = 0.0, price = 0.0, update = 0.0, total = 0.0;
};

// What the batch of an iteration came to. Sums over processes are made of `sums`.
struct BatchSums {
  double samples = 0, infeasible = 0, failed = 0, not_finite = 0, rewarded = 0, reward = 0,
         feasible = 0, log_ratio = 0;
  double decode = 0, evaluate = 0;  // Seconds of all threads.
  double problems_with_best = 0, log_best = 0;
  double reward_best = -1e300;

  void Add(const SampleStats& stats, const Rollout& rollout);
  void AddBest(const Problems& problems);  // This process's.
  std::vector<double*> sums();
};
nlohmann::ordered_json IterationLine(const TrainingState& state, const PpoStats& stats,
                                     const BatchSums& sums, const IterationTime& time,
                                     bool has_value, nlohmann::ordered_json problems);

nlohmann::ordered_json EventLine(const TrainingState& state, const std::string& event,
                                 const std::string& reason);

}  // namespace gopt

#endif  // GOPT_SRC_RL_TRAINING_LINES_H_
