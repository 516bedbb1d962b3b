#include "src/rl/evaluation.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "gopt/base/status_macros.h"
#include "src/rl/iteration_seed.h"
#include "src/rl/training_lines.h"

namespace gopt {
namespace {

absl::StatusOr<Nanoseconds> BestOf(TrainedProblem* problem, PolicyNetwork network,
                                   const SampleOptions& options, uint64_t seed,
                                   const Budget& budget) {
  GOPT_RETURN_IF_ERROR(problem->Draw(network, options, seed));
  GOPT_RETURN_IF_ERROR(problem->Price(budget));
  return problem->stats().best_time;
}

double GeometricMean(double sum, double count) { return count > 0 ? std::exp(sum / count) : NAN; }

}  // namespace

void EvaluationSums::Add(const EvaluationResult& result, Nanoseconds reference) {
  if (result.greedy > 0) greedy += std::log(RatioOf(result.greedy, reference)), with_greedy += 1;
  if (result.samples > 0)
    samples += std::log(RatioOf(result.samples, reference)), with_samples += 1;
}

double EvaluationSums::greedy_ratio() const { return GeometricMean(greedy, with_greedy); }
double EvaluationSums::samples_ratio() const { return GeometricMean(samples, with_samples); }

absl::StatusOr<EvaluationResult> EvaluateOn(TrainedProblem* problem, PolicyNetwork network,
                                            const ExplorationOptions& exploration, uint64_t seed,
                                            const Budget& budget) {
  SampleOptions options = {.samples = 1, .exploration = exploration, .greedy = true};
  EvaluationResult result;
  GOPT_ASSIGN_OR_RETURN(result.greedy, BestOf(problem, network, options, seed, budget));
  options.samples = kEvaluationSamples;
  options.greedy = false;
  GOPT_ASSIGN_OR_RETURN(result.samples, BestOf(problem, network, options, seed, budget));
  return result;
}

absl::StatusOr<nlohmann::ordered_json> EvaluateSet(
    const char* set, const std::vector<std::unique_ptr<TrainedProblem>>& problems,
    const Policy& policy, const TrainingConfig& config, const Budget& budget,
    EvaluationSums* sums) {
  using Json = nlohmann::ordered_json;
  Json lines = Json::array();
  for (size_t i = 0; i < problems.size(); ++i) {
    if (problems[i] == nullptr) continue;  // Another process's.
    const uint64_t seed =
        IterationSeed(config.seed, SeedPurpose::kEvaluation, 0, static_cast<int64_t>(i));
    GOPT_ASSIGN_OR_RETURN(
        const EvaluationResult result,
        EvaluateOn(problems[i].get(), policy.network(), config.exploration, seed, budget));
    lines.push_back({{"set", set},
                     {"index", i},
                     {"greedy_ns", result.greedy > 0 ? Json(result.greedy) : Json()},
                     {"best_ns", result.samples > 0 ? Json(result.samples) : Json()}});
    if (sums != nullptr) sums->Add(result, problems[i]->problem()->reference_time());
  }
  return lines;
}

}  // namespace gopt
