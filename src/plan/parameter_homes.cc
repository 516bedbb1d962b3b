#include "gopt/plan/validate.h"

namespace gopt {
namespace {

// The kernel whose device is the parameter's home by default, or kNone.
KernelId DefaultHomeKernel(const Graph& graph, const Kernels& kernels, int parameter) {
  const OpId optimizer = graph.optimizer_op(parameter);
  if (optimizer != kNone) return kernels.kernel_of(optimizer);
  const OpId op = graph.parameters()[parameter];
  OpId lowest = kNone;
  const PortId first = graph.first_port(op);
  for (PortId port = first; port < first + graph.num_ports(op); ++port) {
    for (const OpId reader : graph.readers(port)) {
      if (!graph.in_kernel(reader)) continue;
      if (lowest == kNone || reader < lowest) lowest = reader;
      break;
    }
  }
  return lowest == kNone ? kNone : kernels.kernel_of(lowest);
}

}  // namespace

std::vector<DeviceId> ParameterHomes(const Graph& graph, const Plan& plan) {
  const int num_parameters = static_cast<int>(graph.parameters().size());
  std::vector<DeviceId> homes = plan.parameter_home;
  homes.resize(num_parameters, kNone);
  for (int i = 0; i < num_parameters; ++i) {
    if (homes[i] != kNone) continue;
    const KernelId kernel = DefaultHomeKernel(graph, *plan.kernels, i);
    homes[i] = kernel == kNone ? 0 : plan.device[kernel];
  }
  return homes;
}

}  // namespace gopt
