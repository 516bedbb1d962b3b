#ifndef TESTS_RL_TRAINING_RUNS_H_
#define TESTS_RL_TRAINING_RUNS_H_

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gopt/cost/cost_backend.h"
#include "gopt/io/bundle.h"
#include "gopt/rl/trainer.h"
#include "gopt/training/config.h"

namespace gopt::testing {

// Two graphs of some 50 ops, a network of width 8, 4 samples: an iteration takes milliseconds.
TrainingConfig SmallTraining(int64_t iterations = 4);

// A new folder, which the test runner's temporary folder keeps.
std::string NewFolder();

absl::StatusOr<TrainingResult> Train(const TrainingConfig& config, TrainerOptions options);
absl::StatusOr<TrainingResult> TrainIn(const std::string& folder, const TrainingConfig& config,
                                       bool resume = false);

// Cancels at the end of an iteration.
TrainerOptions StoppedAfter(int64_t iteration, const std::string& folder, bool resume = false);

std::vector<nlohmann::json> LinesOf(const std::string& folder);
std::vector<nlohmann::json> LinesOfKind(const std::string& folder, const std::string& kind);
// The lines of iterations and evaluations without their seconds.
std::vector<std::string> CurveOf(const std::string& folder);
std::vector<std::string> EventsOf(const std::string& folder);

// As gtest expectations: weights, moments, what the problems remember and the curve are equal to
// the bit. Seconds may differ.
void ExpectSameRun(const std::string& folder, const std::string& other);
bool SameTensors(const std::vector<BundleTensor>& a, const std::vector<BundleTensor>& b);

// The simulator, with a say for the test in every price.
class HookedBackend final : public CostBackend {
 public:
  using Hook = std::function<void(const Plan&, CostReport*)>;

  explicit HookedBackend(Hook hook);
  std::string name() const override { return "hooked"; }
  absl::StatusOr<std::unique_ptr<Evaluator>> Bind(const Problem& problem) const override;

 private:
  std::shared_ptr<const CostBackend> simulator_;
  Hook hook_;
};

}  // namespace gopt::testing

#endif  // TESTS_RL_TRAINING_RUNS_H_
