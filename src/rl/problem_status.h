#ifndef GOPT_SRC_RL_PROBLEM_STATUS_H_
#define GOPT_SRC_RL_PROBLEM_STATUS_H_

#include "absl/status/status.h"
#include "gopt/training/config.h"

namespace gopt {

// The error with the problem's name before its message; payloads stay, which stand for a backend's
// own exceptions.
absl::Status InProblem(const TrainingProblem& problem, const absl::Status& status);

}  // namespace gopt

#endif  // GOPT_SRC_RL_PROBLEM_STATUS_H_
