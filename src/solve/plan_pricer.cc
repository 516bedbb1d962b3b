#include "src/solve/plan_pricer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "gopt/base/budget.h"
#include "gopt/base/check.h"
#include "gopt/base/status_macros.h"
#include "gopt/plan/validate.h"
#include "src/solve/evaluator_guard.h"

namespace gopt {
namespace {

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

absl::StatusOr<std::unique_ptr<PlanPricer>> PlanPricer::Create(const Problem& problem,
                                                               const CostBackend& backend,
                                                               int decoders) {
  std::unique_ptr<PlanPricer> pricer(new PlanPricer(problem));
  pricer->most_decoders_ = static_cast<size_t>(decoders);
  GOPT_ASSIGN_OR_RETURN(pricer->completer_, PlanCompleter::CreateIfNeeded(problem));
  GOPT_ASSIGN_OR_RETURN(pricer->evaluator_, BindGuarded(backend, problem));
  return pricer;
}

void PlanPricer::Price(const PlanCandidate& candidate, const EvaluateOptions& options,
                       PricedPlan* result) {
  const Clock::time_point begin = Clock::now();
  const absl::Status decoded = DecoderOf(candidate).Decode(candidate.guidance, &result->plan);
  GOPT_CHECK(decoded.ok());
  if (completer_ != nullptr) completer_->CompleteOpenTasks(&result->plan);
  result->decode_seconds = SecondsSince(begin);
  PriceCompleted(options, result);
}

void PlanPricer::Price(const Plan& plan, const EvaluateOptions& options, PricedPlan* result) {
  const Clock::time_point begin = Clock::now();
  result->plan = plan;
  result->evaluate_seconds = 0.0;
  const bool well_formed = completer_ == nullptr || IsWellFormed(plan);
  if (well_formed && completer_ != nullptr) completer_->Complete(&result->plan);
  result->decode_seconds = SecondsSince(begin);
  if (!well_formed) return MarkIllegal(ValidatePlan(problem_, plan), &result->report);
  PriceCompleted(options, result);
}

void PlanPricer::PriceCompleted(const EvaluateOptions& options, PricedPlan* result) {
  const Clock::time_point begin = Clock::now();
  const absl::Status legal =
      completer_ == nullptr ? absl::OkStatus() : completer_->CheckLegal(result->plan);
  if (legal.ok()) {
    EvaluateGuarded(result->plan, options, evaluator_.get(), &result->report);
  } else {
    MarkIllegal(legal, &result->report);
  }
  result->evaluate_seconds = SecondsSince(begin);
}

GuidanceDecoder& PlanPricer::DecoderOf(const PlanCandidate& candidate) {
  const auto found =
      std::find_if(decoders_.begin(), decoders_.end(), [&](const CachedDecoder& each) {
        return each.tasks == candidate.tasks && each.decoder.kind() == candidate.decoder;
      });
  if (found != decoders_.end()) {
    std::rotate(found, found + 1, decoders_.end());
  } else {
    if (decoders_.size() == most_decoders_) decoders_.erase(decoders_.begin());
    decoders_.push_back({candidate.tasks, GuidanceDecoder(candidate.tasks, candidate.decoder)});
  }
  return decoders_.back().decoder;
}

// As far as completion must be able to rely on it; the rest is the backend's to find.
bool PlanPricer::IsWellFormed(const Plan& plan) const {
  if (plan.kernels == nullptr) return false;
  const Kernels& kernels = *plan.kernels;
  const auto devices = problem_.machine().num_devices();
  return kernels.graph().num_ops() == problem_.graph().num_ops() &&
         plan.device.size() == static_cast<size_t>(kernels.size()) &&
         plan.rank.size() == plan.device.size() &&
         (plan.parameter_home.empty() ||
          plan.parameter_home.size() == problem_.graph().parameters().size()) &&
         std::all_of(plan.device.begin(), plan.device.end(),
                     [&](DeviceId d) { return d >= 0 && d < devices; });
}

}  // namespace gopt
