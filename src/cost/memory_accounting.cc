#include "src/cost/memory_accounting.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_set.h"

namespace gopt {

// Turns every tensor's interval into changes of its device's live bytes.
class MemoryAccounting::Collector {
 public:
  explicit Collector(MemoryAccounting* out) : out_(*out) {}

  void Running(KernelId kernel) {
    const int64_t bytes = out_.kernels_->run_bytes[kernel];
    if (out_.wide_) Take(out_.device_[kernel], out_.simulation_->start(kernel), bytes);
    GiveBack(out_.device_[kernel], bytes,
             {.time = out_.simulation_->end(kernel), .kernel = kernel});
  }
  void Held(KernelId kernel, const CompiledKernels::Storage& storage, const LastUse& last) {
    const DeviceId device = out_.device_[kernel];
    if (out_.wide_) Take(device, out_.simulation_->start(kernel), storage.bytes);
    if (storage.is_output) {
      GiveBack(device, storage.bytes, {.time = out_.simulation_->makespan(), .kernel = kNone});
    } else {
      GiveBack(device, storage.bytes, last);
    }
  }
  void Received(const Transfer& transfer, PortId port, const LastUse& last) {
    const int64_t bytes = out_.problem_.graph().port_bytes(port);
    Take(transfer.to, transfer.start, bytes);
    GiveBack(transfer.to, bytes, last);
  }

 private:
  void Take(DeviceId device, Nanoseconds time, int64_t bytes) {
    if (bytes != 0) out_.changes_[device].push_back({time, bytes});
  }
  void GiveBack(DeviceId device, int64_t bytes, const LastUse& last) {
    if (bytes == 0) return;
    if (last.kernel != kNone && !out_.wide_) {
      out_.end_bytes_[last.kernel] += bytes;
    } else {
      out_.changes_[device].push_back({last.time, -bytes});
    }
  }

  MemoryAccounting& out_;
};

// Collects what is live on one device at one instant.
class MemoryAccounting::Finder {
 public:
  Finder(const MemoryAccounting& from, DeviceId device)
      : from_(from), device_(device), time_(from.peak_time(device)) {}

  void Running(KernelId kernel) {
    if (!Covers(from_.device_[kernel], from_.simulation_->start(kernel),
                from_.simulation_->end(kernel))) {
      return;
    }
    AddScratchAndUnused(kernel);
  }
  void Held(KernelId kernel, const CompiledKernels::Storage& storage, const LastUse& last) {
    const Nanoseconds end = storage.is_output ? from_.simulation_->makespan() : last.time;
    if (!Covers(from_.device_[kernel], from_.simulation_->start(kernel), end)) return;
    Add(storage.bytes, LiveTensor::Kind::kTensor, storage.port, storage.op, kernel);
  }
  void Received(const Transfer& transfer, PortId port, const LastUse& last) {
    if (!Covers(transfer.to, transfer.start, last.time)) return;
    Add(graph().port_bytes(port), LiveTensor::Kind::kReceived, port, graph().producer(port),
        transfer.entry == kNone ? kNone : transfer.requester);
  }
  void AddParameters() {
    for (size_t i = 0; i < graph().parameters().size(); ++i) {
      if (from_.homes_[i] != device_) continue;
      const OpId op = graph().parameters()[i];
      Add(PersistentBytes(graph(), static_cast<int>(i)), LiveTensor::Kind::kParameter,
          graph().first_port(op), op, kNone);
    }
  }

  std::vector<LiveTensor> Take() { return std::move(live_); }

 private:
  const Graph& graph() const { return from_.problem_.graph(); }
  bool Covers(DeviceId device, Nanoseconds start, Nanoseconds end) const {
    return device == device_ && start <= time_ && time_ < end;
  }
  void Add(int64_t bytes, LiveTensor::Kind kind, PortId port, OpId op, KernelId kernel) {
    live_.push_back({.bytes = bytes, .kind = kind, .port = port, .op = op, .kernel = kernel});
  }
  void AddScratchAndUnused(KernelId kernel);

  const MemoryAccounting& from_;
  const DeviceId device_;
  const Nanoseconds time_;
  std::vector<LiveTensor> live_;
};

// What `run_bytes` of the kernel consists of.
void MemoryAccounting::Finder::AddScratchAndUnused(KernelId kernel) {
  const std::span<const OpId> ops = from_.kernels_->Ops(kernel);
  for (OpId op : ops) {
    Add(graph().scratch_bytes(op), LiveTensor::Kind::kScratch, kNone, op, kernel);
  }
  if (ops.size() > 1) return;
  const std::span<const CompiledKernels::Storage> held = from_.kernels_->Storages(kernel);
  absl::flat_hash_set<StorageId> seen;
  for (const CompiledKernels::Storage& storage : held) seen.insert(graph().storage(storage.port));
  for (int i = 0; i < graph().num_ports(ops[0]); ++i) {
    const PortId port = graph().first_port(ops[0]) + i;
    if (!seen.insert(graph().storage(port)).second) continue;
    Add(graph().storage_bytes(graph().storage(port)), LiveTensor::Kind::kTensor, port, ops[0],
        kernel);
  }
}

void MemoryAccounting::Run(const CompiledKernels& kernels, const Simulation& simulation,
                           const Plan& plan, std::span<const DeviceId> homes, bool samples,
                           CostReport* report) {
  kernels_ = &kernels;
  simulation_ = &simulation;
  device_ = plan.device;
  homes_ = homes;
  const int devices = problem_.machine().num_devices();
  end_bytes_.assign(kernels.num_kernels, 0);
  wide_ = kernels.most_bytes >= kSaturated;
  changes_.resize(devices);
  for (std::vector<Change>& changes : changes_) changes.clear();
  peak_time_.assign(devices, 0);
  Collector collector(this);
  VisitTensors(collector);
  SplitByDevice();
  for (size_t i = 0; i < homes.size(); ++i) {
    report->peak_bytes[homes[i]] = SaturatingAdd(
        report->peak_bytes[homes[i]], PersistentBytes(problem_.graph(), static_cast<int>(i)));
  }
  for (DeviceId device = 0; device < devices; ++device) {
    SortChanges(&changes_[device]);
    if (wide_) {
      Sweep<__int128>(device, samples, report);
    } else {
      Sweep<int64_t>(device, samples, report);
    }
  }
}

std::vector<LiveTensor> MemoryAccounting::LiveAtPeak(DeviceId device) {
  Finder finder(*this, device);
  finder.AddParameters();
  VisitTensors(finder);
  return finder.Take();
}

// Running(kernel), Held(kernel, storage, last use) and Received(transfer, port, last use) for
// everything but the parameters at home.
template <typename Visitor>
void MemoryAccounting::VisitTensors(Visitor& visitor) {
  device_use_.resize(problem_.machine().num_devices());
  for (KernelId kernel = 0; kernel < kernels_->num_kernels; ++kernel) {
    visitor.Running(kernel);
    const int32_t storages = kernels_->storage_begin[kernel + 1] - kernels_->storage_begin[kernel];
    if (storages == 0) continue;
    storage_use_.assign(static_cast<size_t>(storages), {});
    VisitOutputs(kernel, visitor);
    for (int32_t i = 0; i < storages; ++i) {
      visitor.Held(kernel, kernels_->storages[kernels_->storage_begin[kernel] + i],
                   storage_use_[i]);
    }
  }
  VisitParameters(visitor);
}

template <typename Visitor>
void MemoryAccounting::VisitOutputs(KernelId kernel, Visitor& visitor) {
  const KernelGraph& graph = kernels_->graph;
  const DeviceId here = device_[kernel];
  for (int32_t entry = graph.output_begin[kernel]; entry < graph.output_begin[kernel + 1];
       ++entry) {
    LastUse last;
    bool remote = false;
    for (KernelId reader : KernelGraph::Row(graph.readers, graph.reader_begin, entry)) {
      const Nanoseconds end = simulation_->end(reader);
      const DeviceId there = device_[reader];
      LastUse& use = there == here ? last : device_use_[there];
      if (end > use.time) use = {.time = end, .kernel = reader};
      remote = remote || there != here;
    }
    if (remote) {
      for (const Transfer& transfer : simulation_->TransfersOf(entry)) {
        visitor.Received(transfer, graph.outputs[entry], device_use_[transfer.to]);
        device_use_[transfer.to] = {};
        if (transfer.end > last.time) last = {.time = transfer.end, .kernel = kNone};
      }
    }
    LastUse& storage =
        storage_use_[kernels_->output_storage[entry] - kernels_->storage_begin[kernel]];
    if (last.time > storage.time) storage = last;
  }
}

template <typename Visitor>
void MemoryAccounting::VisitParameters(Visitor& visitor) {
  const KernelGraph& graph = kernels_->graph;
  pair_use_.assign(static_cast<size_t>(simulation_->num_parameter_pairs()), {});
  for (size_t read = 0; read < graph.parameter_readers.size(); ++read) {
    const int32_t pair = simulation_->ParameterPairOf(static_cast<int32_t>(read));
    if (pair == kNone) continue;
    const KernelId reader = graph.parameter_readers[read];
    const Nanoseconds end = simulation_->end(reader);
    if (end > pair_use_[pair].time) pair_use_[pair] = {.time = end, .kernel = reader};
  }
  for (size_t pair = 0; pair < pair_use_.size(); ++pair) {
    const Transfer& transfer = simulation_->ParameterTransfer(static_cast<int32_t>(pair));
    const OpId op = problem_.graph().parameters()[transfer.parameter];
    visitor.Received(transfer, problem_.graph().first_port(op), pair_use_[pair]);
  }
}

void MemoryAccounting::SplitByDevice() {
  started_.resize(changes_.size());
  for (std::vector<KernelId>& kernels : started_) kernels.clear();
  if (wide_) return;
  for (KernelId kernel : simulation_->started()) started_[device_[kernel]].push_back(kernel);
}

// By time. One bucket per change, spread evenly over the step, then a sort within each.
void MemoryAccounting::SortChanges(std::vector<Change>* changes) {
  const size_t count = changes->size();
  if (count < 2) return;
  const double scale = static_cast<double>(count - 1) /
                       static_cast<double>(std::max<Nanoseconds>(simulation_->makespan(), 1));
  const auto bucket_of = [&](const Change& change) {
    return std::min(count - 1, static_cast<size_t>(static_cast<double>(change.time) * scale));
  };
  bucket_.assign(count + 1, 0);
  for (const Change& change : *changes) ++bucket_[bucket_of(change) + 1];
  for (size_t i = 0; i < count; ++i) bucket_[i + 1] += bucket_[i];
  sorted_.resize(count);
  for (const Change& change : *changes) sorted_[bucket_[bucket_of(change)]++] = change;
  changes->swap(sorted_);
  const auto earlier = [](const Change& a, const Change& b) { return a.time < b.time; };
  int32_t begin = 0;
  for (size_t i = 0; i < count; ++i) {  // bucket_[i] is where bucket i ends now.
    const int32_t end = bucket_[i];
    if (end - begin > 1) {
      std::sort(changes->begin() + begin, changes->begin() + end, earlier);
    }
    begin = end;
  }
}

// Walks the device's changes in order of time. All those of one instant are one: what ends there
// makes room for what starts there.
template <typename Sum>
void MemoryAccounting::Sweep(DeviceId device, bool samples, CostReport* report) {
  Sum live = report->peak_bytes[device];  // The parameters, still.
  int64_t peak = -1;
  Nanoseconds now = 0;
  std::vector<MemorySample>* const out = samples ? &report->memory_samples[device] : nullptr;
  const auto settle = [&] {
    const int64_t bytes = live > kSaturated ? kSaturated : static_cast<int64_t>(live);
    if (out != nullptr && (out->empty() || out->back().bytes != bytes))
      out->push_back({now, bytes});
    if (bytes <= peak) return;
    peak = bytes;
    peak_time_[device] = now;
  };
  const auto change = [&](Nanoseconds time, int64_t bytes) {
    if (time != now) {
      settle();
      now = time;
    }
    live += bytes;
  };
  auto next = changes_[device].begin();
  const auto changes_until = [&](Nanoseconds time) {
    for (; next != changes_[device].end() && next->time <= time; ++next) {
      change(next->time, next->bytes);
    }
  };
  for (KernelId kernel : started_[device]) {
    changes_until(simulation_->start(kernel));
    change(simulation_->start(kernel), kernels_->start_bytes[kernel]);
    changes_until(simulation_->end(kernel));
    change(simulation_->end(kernel), -end_bytes_[kernel]);
  }
  changes_until(kNever);
  settle();
  report->peak_bytes[device] = peak;
}

}  // namespace gopt
