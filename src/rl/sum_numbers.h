#ifndef GOPT_SRC_RL_SUM_NUMBERS_H_
#define GOPT_SRC_RL_SUM_NUMBERS_H_

#include <vector>

#include "absl/status/status.h"
#include "gopt/rl/ppo.h"

namespace gopt {

// Each number becomes its sum over the processes, in one exchange. Without `sum` nothing changes.
absl::Status SumNumbers(const SumOverProcesses& sum, const std::vector<double*>& numbers);

}  // namespace gopt

#endif  // GOPT_SRC_RL_SUM_NUMBERS_H_
