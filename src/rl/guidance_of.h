#ifndef GOPT_SRC_RL_GUIDANCE_OF_H_
#define GOPT_SRC_RL_GUIDANCE_OF_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "gopt/nn/kernel_set.h"
#include "gopt/rl/decision_pass.h"
#include "gopt/rl/head_actions.h"
#include "gopt/rl/policy_problem.h"
#include "gopt/solve/guidance.h"
#include "gopt/solve/task_graph.h"
#include "gopt/training/config.h"

namespace gopt {

// What actions mean.

// A fusion pick per op from the fusion head's action, [ops].
std::vector<int32_t> PicksOf(const NetworkOptions& options, const at::Tensor& action);

// Of one sample of a round, for the kernels that its picks made.
Guidance GuidanceOf(const NetworkOptions& options, const PolicyProblem& problem,
                    const DecisionTrace::Round& round, int64_t sample, const TaskGraph& tasks);

// For PolicyNetworkImpl::Condition: all samples' actions on rows of ops or kernels, [samples,
// rows], or one sequence after the other. Stickiness, which is on edges, as the mean over each
// kernel's inputs.
at::Tensor OpActions(const HeadActions& actions);
at::Tensor KernelActions(const HeadActions& actions, const PackedKernels& kernels);

}  // namespace gopt

#endif  // GOPT_SRC_RL_GUIDANCE_OF_H_
