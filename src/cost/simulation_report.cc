#include "src/cost/simulation_report.h"

#include <algorithm>
#include <vector>

#include "gopt/base/check.h"

namespace gopt {
namespace {

class ChainWalker {
 public:
  ChainWalker(const CompiledKernels& kernels, const Simulation& simulation, const Plan& plan)
      : kernels_(kernels), graph_(kernels.graph), simulation_(simulation), plan_(plan) {
    previous_.assign(kernels.num_kernels, kNone);
    std::vector<KernelId> last;  // Per device.
    for (KernelId kernel : simulation.started()) {
      const size_t device = static_cast<size_t>(plan.device[kernel]);
      if (device >= last.size()) last.resize(device + 1, kNone);
      previous_[kernel] = std::exchange(last[device], kernel);
    }
  }

  void Walk(std::vector<CriticalStep>* chain) {
    KernelId kernel = LastKernel();
    while (kernel != kNone) {
      const Nanoseconds start = simulation_.start(kernel);
      if (start == 0) {
        chain->push_back({kernel, CriticalStep::Reason::kStart, kNone});
        break;
      }
      const Transfer* parameter = nullptr;
      chain->push_back(Cause(kernel, start, &parameter));
      kernel = chain->back().cause;
      if (parameter == nullptr || parameter->request == 0) continue;
      // A parameter: go on with what its first reader waited for before it asked.
      const Transfer* none = nullptr;
      kernel = Cause(parameter->requester, parameter->request, &none).cause;
    }
    std::reverse(chain->begin(), chain->end());
  }

 private:
  KernelId LastKernel() const {
    for (KernelId kernel = 0; kernel < kernels_.num_kernels; ++kernel) {
      if (simulation_.end(kernel) == simulation_.makespan()) return kernel;
    }
    return kNone;
  }

  // What came for the kernel just then: inputs by (port, source), then control edges, then arrivals
  // by (port, source), then parameters, then the kernel before it.
  CriticalStep Cause(KernelId kernel, Nanoseconds then, const Transfer** parameter) const {
    const auto inputs = KernelGraph::Row(graph_.inputs, graph_.input_begin, kernel);
    for (const KernelGraph::Input& input : inputs) {
      if (input.source == kNone || plan_.device[input.source] != plan_.device[kernel]) continue;
      if (simulation_.end(input.source) == then) {
        return {kernel, CriticalStep::Reason::kDependency, input.source};
      }
    }
    for (KernelId source : KernelGraph::Row(graph_.controls, graph_.control_begin, kernel)) {
      if (simulation_.end(source) == then) {
        return {kernel, CriticalStep::Reason::kDependency, source};
      }
    }
    for (const KernelGraph::Input& input : inputs) {
      if (input.source == kNone || plan_.device[input.source] == plan_.device[kernel]) continue;
      if (Arrival(input, plan_.device[kernel]) == then) {
        return {kernel, CriticalStep::Reason::kTransfer, input.source};
      }
    }
    for (int32_t read : kernels_.ParameterReads(kernel)) {
      const int32_t pair = simulation_.ParameterPairOf(read);
      if (pair == kNone) continue;
      const Transfer& transfer = simulation_.ParameterTransfer(pair);
      if (simulation_.Arrival(transfer) != then) continue;
      *parameter = &transfer;
      return {kernel, CriticalStep::Reason::kTransfer, kNone};
    }
    GOPT_CHECK(previous_[kernel] != kNone && simulation_.end(previous_[kernel]) == then);
    return {kernel, CriticalStep::Reason::kDevice, previous_[kernel]};
  }

  Nanoseconds Arrival(const KernelGraph::Input& input, DeviceId to) const {
    const auto row = kernels_.Outputs(input.source);
    const auto at = std::lower_bound(row.begin(), row.end(), input.port);
    const int32_t entry =
        graph_.output_begin[input.source] + static_cast<int32_t>(at - row.begin());
    for (const Transfer& transfer : simulation_.TransfersOf(entry)) {
      if (transfer.to == to) return simulation_.Arrival(transfer);
    }
    GOPT_CHECK(false);
    return 0;
  }

  const CompiledKernels& kernels_;
  const KernelGraph& graph_;
  const Simulation& simulation_;
  const Plan& plan_;
  std::vector<KernelId> previous_;  // On the same device.
};

}  // namespace

void FillStartOrder(const Simulation& simulation, const Plan& plan, CostReport* report) {
  std::vector<KernelId>& order = report->start_order;
  order.assign(simulation.started().begin(), simulation.started().end());
  for (auto begin = order.begin(); begin != order.end();) {
    const Nanoseconds start = simulation.start(*begin);
    const auto end = std::find_if(
        begin, order.end(), [&](KernelId kernel) { return simulation.start(kernel) != start; });
    if (end - begin > 1) {
      std::stable_sort(begin, end,
                       [&](KernelId a, KernelId b) { return plan.device[a] < plan.device[b]; });
    }
    begin = end;
  }
}

void FillTimeline(const CompiledKernels& kernels, const Simulation& simulation,
                  const Problem& problem, const Plan& plan, CostReport* report) {
  const Graph& graph = problem.graph();
  for (KernelId kernel = 0; kernel < kernels.num_kernels; ++kernel) {
    report->kernel_spans.push_back(
        {kernel, plan.device[kernel], simulation.start(kernel), simulation.end(kernel)});
  }
  for (const Transfer& transfer : simulation.transfers()) {
    const bool parameter = transfer.entry == kNone;
    const PortId port = parameter ? graph.first_port(graph.parameters()[transfer.parameter])
                                  : kernels.graph.outputs[transfer.entry];
    report->transfer_spans.push_back({.port = port,
                                      .producer = parameter ? kNone : transfer.requester,
                                      .from = transfer.from,
                                      .to = transfer.to,
                                      .bytes = graph.port_bytes(port),
                                      .request = transfer.request,
                                      .start = transfer.start,
                                      .end = transfer.end,
                                      .arrival = simulation.Arrival(transfer)});
  }
}

void FillCriticalChain(const CompiledKernels& kernels, const Simulation& simulation,
                       const Plan& plan, CostReport* report) {
  ChainWalker(kernels, simulation, plan).Walk(&report->critical_chain);
}

}  // namespace gopt
