#ifndef GOPT_SRC_SOLVE_PLAN_PRICER_H_
#define GOPT_SRC_SOLVE_PLAN_PRICER_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/cost/cost_backend.h"
#include "gopt/plan/problem.h"
#include "gopt/solve/guidance.h"
#include "gopt/solve/plan_pool.h"
#include "src/solve/plan_completer.h"

namespace gopt {

// What one thread of a PlanPool works with: decodes, completes and prices plan by plan.
class PlanPricer {
 public:
  // The backend's error, or PlanCompleter's.
  static absl::StatusOr<std::unique_ptr<PlanPricer>> Create(const Problem& problem,
                                                            const CostBackend& backend,
                                                            int decoders);

  // The guidance must be of the tasks' size.
  void Price(const PlanCandidate& candidate, const EvaluateOptions& options, PricedPlan* result);
  void Price(const Plan& plan, const EvaluateOptions& options, PricedPlan* result);

  const Evaluator& evaluator() const { return *evaluator_; }

 private:
  struct CachedDecoder {
    std::shared_ptr<const TaskGraph> tasks;
    GuidanceDecoder decoder;
  };

  explicit PlanPricer(const Problem& problem) : problem_(problem) {}
  GuidanceDecoder& DecoderOf(const PlanCandidate& candidate);
  bool IsWellFormed(const Plan& plan) const;
  void PriceCompleted(const EvaluateOptions& options, PricedPlan* result);

  const Problem problem_;
  std::unique_ptr<PlanCompleter> completer_;  // Null: plans are complete as they are.
  std::unique_ptr<Evaluator> evaluator_;
  size_t most_decoders_ = 1;
  std::vector<CachedDecoder> decoders_;  // The last one used comes last.
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_PLAN_PRICER_H_
