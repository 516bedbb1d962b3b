#ifndef GOPT_SRC_RL_TRACE_TENSORS_H_
#define GOPT_SRC_RL_TRACE_TENSORS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "gopt/io/bundle.h"
#include "gopt/rl/decision_pass.h"
#include "gopt/rl/trained_problem.h"

namespace gopt {

// A trace of one sample as tensors named "<prefix><round>.<task>.<field>".
void AddTrace(const DecisionTrace& trace, const std::string& prefix, Bundle* bundle);

// Null where the bundle has none of this prefix. Kernels are made of the picks again.
// InvalidArgument where its parts do not fit the problem.
absl::StatusOr<std::shared_ptr<const DecisionTrace>> FindTrace(const Bundle& bundle,
                                                               const std::string& prefix,
                                                               TrainedProblem* problem);

}  // namespace gopt

#endif  // GOPT_SRC_RL_TRACE_TENSORS_H_
