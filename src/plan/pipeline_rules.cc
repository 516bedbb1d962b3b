#include "src/plan/pipeline_rules.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "src/plan/copy_chooser.h"
#include "src/plan/describe.h"

namespace gopt {
namespace {

// A tensor that some forward op makes on one device and another reads on a different one.
struct Flow {
  OpId producer;
  KernelId reader;
  DeviceId from, to;
};

// Flows, one for each pair of devices.
class DeviceFlows {
 public:
  DeviceFlows(const Problem& problem, const Plan& plan)
      : num_devices_(problem.machine().num_devices()),
        flow_of_pair_(static_cast<size_t>(num_devices_) * num_devices_, kNone) {
    const Graph& graph = problem.graph();
    CopyChooser chooser(*plan.kernels, plan.device);
    for (const OpId producer : graph.kernel_ops()) {
      if (graph.phase(producer) == Phase::kForward) Collect(graph, plan, producer, &chooser);
    }
  }

  const std::vector<Flow>& flows() const { return flows_; }
  bool Joins(DeviceId from, DeviceId to) const { return flow_of_pair_[Pair(from, to)] != kNone; }
  const Flow& Between(DeviceId from, DeviceId to) const {
    return flows_[flow_of_pair_[Pair(from, to)]];
  }

 private:
  size_t Pair(DeviceId from, DeviceId to) const {
    return static_cast<size_t>(from) * num_devices_ + static_cast<size_t>(to);
  }

  void Collect(const Graph& graph, const Plan& plan, OpId producer, CopyChooser* chooser) {
    chooser->Load(producer);
    const PortId first = graph.first_port(producer);
    for (PortId port = first; port < first + graph.num_ports(producer); ++port) {
      for (const OpId reader : graph.readers(port)) {
        if (graph.phase(reader) != Phase::kForward) continue;
        for (const KernelId kernel : plan.kernels->kernels_of(reader)) {
          Add({producer, kernel, plan.device[chooser->Choose(kernel)], plan.device[kernel]});
        }
      }
    }
  }

  void Add(const Flow& flow) {
    if (flow.from == flow.to || Joins(flow.from, flow.to)) return;
    flow_of_pair_[Pair(flow.from, flow.to)] = static_cast<int32_t>(flows_.size());
    flows_.push_back(flow);
  }

  int num_devices_;
  std::vector<int32_t> flow_of_pair_;
  std::vector<Flow> flows_;
};

std::string Describe(const Problem& problem, const Plan& plan, const Flow& flow) {
  return absl::StrCat(problem.graph().Describe(flow.producer), " on device ", flow.from, " to ",
                      DescribeKernel(*plan.kernels, flow.reader), " on device ", flow.to);
}

absl::Status CheckForwardOnly(const Problem& problem, const Plan& plan, const DeviceFlows& flows) {
  for (const Flow& flow : flows.flows()) {
    if (flow.from <= flow.to) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "plan: forward_only_devices: data goes back from ", Describe(problem, plan, flow)));
  }
  return absl::OkStatus();
}

absl::Status CheckNoSkippedDevices(const Problem& problem, const Plan& plan) {
  std::vector<KernelId> kernel_on(problem.machine().num_devices(), kNone);
  for (KernelId k = 0; k < plan.kernels->size(); ++k) kernel_on[plan.device[k]] = k;
  DeviceId skipped = kNone;
  for (DeviceId d = 0; d < static_cast<DeviceId>(kernel_on.size()); ++d) {
    if (kernel_on[d] == kNone) {
      if (skipped == kNone) skipped = d;
    } else if (skipped != kNone) {
      return absl::InvalidArgumentError(
          absl::StrCat("plan: no_skipped_devices: device ", skipped, " is unused, but ",
                       DescribeKernel(*plan.kernels, kernel_on[d]), " is on device ", d));
    }
  }
  return absl::OkStatus();
}

// Searches ways of two or more device edges beside a direct one.
class DetourSearch {
 public:
  explicit DetourSearch(const DeviceFlows& flows, int num_devices)
      : flows_(flows), next_(num_devices), seen_by_(num_devices, kNone) {
    for (const Flow& flow : flows.flows()) next_[flow.from].push_back(flow.to);
  }

  // The device before `flow.to` on such a way, or kNone.
  DeviceId Find(const Flow& flow) {
    ++search_;
    seen_by_[flow.from] = seen_by_[flow.to] = search_;
    std::vector<DeviceId> queue;
    Visit(flow.from, &queue);
    for (size_t i = 0; i < queue.size(); ++i) {
      if (flows_.Joins(queue[i], flow.to)) return queue[i];
      Visit(queue[i], &queue);
    }
    return kNone;
  }

 private:
  void Visit(DeviceId device, std::vector<DeviceId>* queue) {
    for (const DeviceId next : next_[device]) {
      if (seen_by_[next] == search_) continue;
      seen_by_[next] = search_;
      queue->push_back(next);
    }
  }

  const DeviceFlows& flows_;
  std::vector<std::vector<DeviceId>> next_;
  std::vector<int32_t> seen_by_;
  int32_t search_ = 0;
};

absl::Status CheckTriangleFree(const Problem& problem, const Plan& plan, const DeviceFlows& flows) {
  DetourSearch search(flows, problem.machine().num_devices());
  for (const Flow& flow : flows.flows()) {
    const DeviceId before = search.Find(flow);
    if (before == kNone) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "plan: triangle_free_devices: data goes straight from ", Describe(problem, plan, flow),
        ", and also by way of ", Describe(problem, plan, flows.Between(before, flow.to))));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckPipelineRules(const Problem& problem, const Plan& plan) {
  const Constraints& constraints = problem.constraints();
  if (constraints.no_skipped_devices) GOPT_RETURN_IF_ERROR(CheckNoSkippedDevices(problem, plan));
  if (!constraints.forward_only_devices && !constraints.triangle_free_devices) {
    return absl::OkStatus();
  }
  const DeviceFlows flows(problem, plan);
  if (constraints.forward_only_devices) {
    GOPT_RETURN_IF_ERROR(CheckForwardOnly(problem, plan, flows));
  }
  if (!constraints.triangle_free_devices) return absl::OkStatus();
  return CheckTriangleFree(problem, plan, flows);
}

}  // namespace gopt
