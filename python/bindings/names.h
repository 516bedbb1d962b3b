#ifndef GOPT_PYTHON_BINDINGS_NAMES_H_
#define GOPT_PYTHON_BINDINGS_NAMES_H_

#include <string>
#include <string_view>

#include "gopt/cost/cost_report.h"
#include "gopt/graph/enums.h"
#include "gopt/plan/plan.h"
#include "python/bindings/errors.h"

namespace gopt::python {

// Enumerations are lower-case words in Python. Each throws InvalidArgument that lists the words.
template <typename E>
E EnumFromName(std::string_view name, std::string_view noun, int count) {
  std::string known;
  for (int i = 0; i < count; ++i) {
    const E value = static_cast<E>(i);
    if (ToString(value) == name) return value;
    known += (known.empty() ? "" : ", ") + std::string(ToString(value));
  }
  throw StatusError(absl::InvalidArgumentError("no " + std::string(noun) + " is named '" +
                                               std::string(name) + "'; known: " + known));
}

inline Phase PhaseFromName(std::string_view name) {
  return EnumFromName<Phase>(name, "phase", kNumPhases);
}
inline OpKind OpKindFromName(std::string_view name) {
  return EnumFromName<OpKind>(name, "op kind", kNumOpKinds);
}
inline FusionClass FusionClassFromName(std::string_view name) {
  return EnumFromName<FusionClass>(name, "fusion class", kNumFusionClasses);
}
inline DType DTypeFromName(std::string_view name) {
  return EnumFromName<DType>(name, "dtype", kNumDTypes);
}

inline Dispatch DispatchFromName(std::string_view name) {
  for (Dispatch dispatch : {Dispatch::kPriority, Dispatch::kFifo, Dispatch::kSequence}) {
    if (ToString(dispatch) == name) return dispatch;
  }
  throw StatusError(absl::InvalidArgumentError("no dispatch rule is named '" + std::string(name) +
                                               "'; known: PRIORITY, FIFO, SEQUENCE"));
}

inline Outcome OutcomeFromName(std::string_view name) {
  for (Outcome outcome : {Outcome::kOk, Outcome::kInfeasible, Outcome::kFailed}) {
    if (ToString(outcome) == name) return outcome;
  }
  throw StatusError(absl::InvalidArgumentError("no outcome is named '" + std::string(name) +
                                               "'; known: OK, INFEASIBLE, FAILED"));
}

}  // namespace gopt::python

#endif  // GOPT_PYTHON_BINDINGS_NAMES_H_
