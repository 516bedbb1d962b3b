#ifndef GOPT_SRC_PLAN_KERNEL_RULES_H_
#define GOPT_SRC_PLAN_KERNEL_RULES_H_

#include "absl/status/status.h"
#include "gopt/plan/problem.h"

namespace gopt {

// Rules that kernels obey wherever they are placed: what may fuse, what must never, what must not
// be cloned. InvalidArgument names the kernel.
absl::Status CheckKernelRules(const Problem& problem, const Kernels& kernels);

// "plan: kernel 3 (op 7 'conv1'): <rule>"
absl::Status KernelError(const Kernels& kernels, KernelId kernel, const std::string& rule);

// Whether both are the same graph, by identity or by size and fingerprint.
bool SameGraph(const Graph& a, const Graph& b);

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_KERNEL_RULES_H_
