#include "tests/testing/reference_memory.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace gopt::testing {
namespace {

// After the end of everything: parameters stay.
constexpr Nanoseconds kForever = std::numeric_limits<Nanoseconds>::max();

class Collector {
 public:
  Collector(const Problem& problem, const Plan& plan, const Reads& reads,
            std::span<const DeviceId> homes, const ReferenceRun& run)
      : graph_(problem.graph()),
        plan_(plan),
        reads_(reads),
        homes_(homes),
        run_(run),
        intervals_(problem.machine().num_devices()) {
    for (const ReferenceTransfer& transfer : run.transfers()) {
      if (transfer.tensor.source != kNone) transfers_[transfer.tensor].push_back(&transfer);
    }
  }

  std::vector<std::vector<MemoryInterval>> Collect() {
    AddParameters();
    for (KernelId kernel = 0; kernel < plan_.kernels->size(); ++kernel) {
      for (OpId op : plan_.kernels->ops(kernel)) AddOp(kernel, op);
    }
    for (const ReferenceTransfer& transfer : run_.transfers()) AddReceived(transfer);
    return std::move(intervals_);
  }

 private:
  void Add(DeviceId device, Nanoseconds start, Nanoseconds end, LiveTensor tensor) {
    if (start < end) intervals_[device].push_back({start, end, tensor});
  }

  void AddParameters() {
    for (size_t i = 0; i < graph_.parameters().size(); ++i) {
      const OpId op = graph_.parameters()[i];
      const PortId port = graph_.first_port(op);
      const __int128 bytes =
          static_cast<__int128>(graph_.port_bytes(port)) * (1 + graph_.optimizer_copies(port));
      Add(homes_[i], 0, kForever,
          {.bytes = bytes > kSaturated ? kSaturated : static_cast<int64_t>(bytes),
           .kind = LiveTensor::Kind::kParameter,
           .port = port,
           .op = op});
    }
  }

  void AddOp(KernelId kernel, OpId op) {
    const DeviceId device = plan_.device[kernel];
    Add(device, run_.start()[kernel], run_.end()[kernel],
        {.bytes = graph_.scratch_bytes(op),
         .kind = LiveTensor::Kind::kScratch,
         .op = op,
         .kernel = kernel});
    std::map<StorageId, std::vector<PortId>> ports_of;
    for (int i = 0; i < graph_.num_ports(op); ++i) {
      const PortId port = graph_.first_port(op) + i;
      ports_of[graph_.storage(port)].push_back(port);
    }
    for (const auto& [storage, ports] : ports_of) {
      Add(device, run_.start()[kernel], LastUse(kernel, ports),
          {.bytes = graph_.storage_bytes(storage),
           .kind = LiveTensor::Kind::kTensor,
           .port = ports.front(),
           .op = op,
           .kernel = kernel});
    }
  }

  // Of the kernel's copy of a storage with these ports.
  Nanoseconds LastUse(KernelId kernel, const std::vector<PortId>& ports) {
    Nanoseconds last = -1;
    for (PortId port : ports) {
      if (graph_.is_output(port)) return run_.makespan();
      const auto readers = reads_.readers[kernel].find(port);
      if (readers == reads_.readers[kernel].end()) continue;
      for (KernelId reader : readers->second) {
        if (plan_.device[reader] == plan_.device[kernel]) {
          last = std::max(last, run_.end()[reader]);
        }
      }
      for (const ReferenceTransfer* transfer : transfers_[{port, kernel}]) {
        last = std::max(last, transfer->span.end);
      }
    }
    if (last >= 0) return last;
    // Nobody uses it outside the kernel.
    const bool fused = plan_.kernels->ops(kernel).size() > 1;
    return fused ? run_.start()[kernel] : run_.end()[kernel];
  }

  void AddReceived(const ReferenceTransfer& transfer) {
    const auto& [port, source] = transfer.tensor;
    const auto& readers =
        source == kNone ? reads_.parameter_readers.at(port) : reads_.readers[source].at(port);
    Nanoseconds last = 0;
    for (KernelId reader : readers) {
      if (plan_.device[reader] == transfer.span.to) last = std::max(last, run_.end()[reader]);
    }
    Add(transfer.span.to, transfer.span.start, last,
        {.bytes = transfer.span.bytes,
         .kind = LiveTensor::Kind::kReceived,
         .port = port,
         .op = graph_.producer(port),
         .kernel = source});
  }

  const Graph& graph_;
  const Plan& plan_;
  const Reads& reads_;
  std::span<const DeviceId> homes_;
  const ReferenceRun& run_;
  std::map<Tensor, std::vector<const ReferenceTransfer*>> transfers_;
  std::vector<std::vector<MemoryInterval>> intervals_;
};

}  // namespace

std::vector<std::vector<MemoryInterval>> MemoryIntervals(const Problem& problem, const Plan& plan,
                                                         const Reads& reads,
                                                         std::span<const DeviceId> homes,
                                                         const ReferenceRun& run) {
  return Collector(problem, plan, reads, homes, run).Collect();
}

std::vector<MemorySample> SweepMemory(std::span<const MemoryInterval> intervals) {
  std::vector<std::pair<Nanoseconds, __int128>> changes = {{0, 0}};
  for (const MemoryInterval& interval : intervals) {
    changes.emplace_back(interval.start, interval.tensor.bytes);
    if (interval.end != kForever) changes.emplace_back(interval.end, -interval.tensor.bytes);
  }
  std::sort(changes.begin(), changes.end());
  std::vector<MemorySample> samples;
  __int128 live = 0;
  for (size_t i = 0; i < changes.size(); ++i) {
    live += changes[i].second;
    if (i + 1 < changes.size() && changes[i + 1].first == changes[i].first) continue;
    const int64_t bytes = live > kSaturated ? kSaturated : static_cast<int64_t>(live);
    if (!samples.empty() && samples.back().bytes == bytes) continue;
    samples.push_back({changes[i].first, bytes});
  }
  return samples;
}

}  // namespace gopt::testing
