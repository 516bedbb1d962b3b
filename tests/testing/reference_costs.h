#ifndef TESTS_TESTING_REFERENCE_COSTS_H_
#define TESTS_TESTING_REFERENCE_COSTS_H_

#include <compare>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt::testing {

// A tensor as a reader sees it: a port of one copy of its op. source kNone: a parameter.
struct Tensor {
  PortId port;
  KernelId source;
  auto operator<=>(const Tensor&) const = default;
};

// Who reads what from whom, after every reader has chosen its copy.
struct Reads {
  std::vector<std::set<Tensor>> inputs;      // Per kernel: tensors made elsewhere.
  std::vector<std::set<KernelId>> controls;  // Per kernel: kernels that must finish first.
  std::vector<std::set<KernelId>> control_readers;
  std::vector<std::map<PortId, std::set<KernelId>>> readers;  // Per kernel and port.
  std::map<PortId, std::set<KernelId>> parameter_readers;
};
Reads ResolveReads(const Kernels& kernels, std::span<const DeviceId> device);

// Home of each parameter by the plan and the default rule.
std::vector<DeviceId> ReferenceHomes(const Plan& plan);

// Time of a kernel on a device by docs/simulator.md, "Time of a kernel on a device".
Nanoseconds ReferenceKernelTime(const Problem& problem, const Kernels& kernels, const Reads& reads,
                                KernelId kernel, DeviceId device);

}  // namespace gopt::testing

#endif  // TESTS_TESTING_REFERENCE_COSTS_H_
