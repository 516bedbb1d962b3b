#include "src/solve/evaluator_guard.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gopt {
namespace {

bool IsKnown(Outcome outcome) {
  return outcome == Outcome::kOk || outcome == Outcome::kInfeasible || outcome == Outcome::kFailed;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Evaluator>> BindGuarded(const CostBackend& backend,
                                                       const Problem& problem) {
  try {
    absl::StatusOr<std::unique_ptr<Evaluator>> evaluator = backend.Bind(problem);
    if (evaluator.ok() && *evaluator == nullptr) {
      return absl::UnknownError("cost backend: Bind returned no evaluator");
    }
    return evaluator;
  } catch (const std::exception& error) {
    return absl::UnknownError(absl::StrCat("cost backend: ", error.what()));
  } catch (...) {
    return absl::UnknownError("cost backend: Bind threw what is no std::exception");
  }
}

void EvaluateGuarded(const Plan& plan, const EvaluateOptions& options, Evaluator* evaluator,
                     CostReport* report) {
  report->outcome = Outcome::kFailed;
  report->reason = "the backend filled in no report";
  try {
    evaluator->Evaluate({&plan, 1}, options, {report, 1});
  } catch (const std::exception& error) {
    Fail(absl::StrCat("the backend threw: ", error.what()), report);
  } catch (...) {
    Fail("the backend threw what is no std::exception", report);
  }
  if (!IsKnown(report->outcome)) {
    Fail(absl::StrCat("the backend reported outcome ", static_cast<int>(report->outcome)), report);
  } else if (report->ok() && report->step_time < 0) {
    Fail(absl::StrCat("the backend reported a step time of ", report->step_time, " ns"), report);
  }
}

void Fail(std::string reason, CostReport* report) {
  *report = CostReport();
  report->reason = std::move(reason);
}

void MarkIllegal(const absl::Status& why, CostReport* report) {
  *report = CostReport();
  report->outcome = Outcome::kInfeasible;
  report->reason = std::string(why.message());
}

}  // namespace gopt
