#ifndef GOPT_SRC_PLAN_DESCRIBE_H_
#define GOPT_SRC_PLAN_DESCRIBE_H_

#include <span>
#include <string>

#include "gopt/plan/kernels.h"

namespace gopt {

// "kernel 3 (op 7 'conv1' and 2 more)", for messages.
std::string DescribeKernel(const Kernels& kernels, KernelId kernel);

// "kernel 0 (op 0 'a') -> kernel 1 (op 1 'b') -> kernel 0 (op 0 'a')"; the middle of a cycle of
// more than 16 kernels is left out.
std::string DescribeCycle(const Kernels& kernels, std::span<const KernelId> cycle);

// " (reason)", or nothing.
std::string WithReason(const std::string& reason);

// Whether the op is on a device at all: kernel ops and parameters are.
bool LivesOnDevice(const Graph& graph, OpId op);

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_DESCRIBE_H_
