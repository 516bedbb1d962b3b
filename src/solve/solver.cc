#include "gopt/solve/solver.h"

#include "gopt/base/check.h"
#include "src/solve/builtin.h"

namespace gopt {

std::string_view ToString(StopReason reason) {
  switch (reason) {
    case StopReason::kCompleted:
      return "completed";
    case StopReason::kEvaluations:
      return "evaluations";
    case StopReason::kDeadline:
      return "deadline";
    case StopReason::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

Registry<Solver>& Solvers() {
  static Registry<Solver>* const registry = [] {
    auto* solvers = new Registry<Solver>("solver");
    GOPT_CHECK(RegisterBuiltinSolvers(solvers).ok());
    return solvers;
  }();
  return *registry;
}

}  // namespace gopt
