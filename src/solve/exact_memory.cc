#include "src/solve/exact_memory.h"

#include <algorithm>
#include <map>

namespace gopt {

ExactMemory::ExactMemory(const ExactInstance& instance, int64_t byte_limit)
    : instance_(instance),
      storages_(instance.num_tasks),
      run_bytes_(instance.num_tasks, 0),
      live_(instance.num_devices, 0) {
  const Problem& problem = instance.tasks->problem();
  for (DeviceId d = 0; d < instance.num_devices; ++d) {
    limit_.push_back(std::min(problem.memory_limit(d), byte_limit));
  }
  for (PortId port : instance.tasks->kernel_graph().outputs) {
    output_bytes_.push_back(problem.graph().port_bytes(port));
  }
  for (KernelId k = 0; k < instance.num_tasks; ++k) AddStorages(k);
}

void ExactMemory::AddStorages(KernelId k) {
  const Graph& graph = instance_.tasks->problem().graph();
  const auto ops = instance_.tasks->kernels()->ops(k);
  std::map<StorageId, Storage> found;
  for (OpId op : ops) {
    run_bytes_[k] = SaturatingAdd(run_bytes_[k], graph.scratch_bytes(op));
    for (int i = 0; i < graph.num_ports(op); ++i) {
      const PortId port = graph.first_port(op) + i;
      const StorageId id = graph.storage(port);
      Storage& storage =
          found.try_emplace(id, Storage{graph.storage_bytes(id), 0, false}).first->second;
      storage.is_output = storage.is_output || graph.is_output(port);
    }
  }
  for (int32_t i = instance_.output_begin[k]; i < instance_.output_begin[k + 1]; ++i) {
    const PortId port = instance_.tasks->kernel_graph().outputs[i];
    found.at(graph.storage(port)).readers |= instance_.outputs[i].readers;
  }
  for (const auto& [id, storage] : found) {
    if (storage.readers != 0 || storage.is_output) {
      storages_[k].push_back(storage);
    } else if (ops.size() == 1) {
      run_bytes_[k] = SaturatingAdd(run_bytes_[k], storage.bytes);
    }
  }
}

bool ExactMemory::Overflows(const ExactState& state) {
  if (state.makespan <= state.now) return false;  // The step might end now.
  std::fill(live_.begin(), live_.end(), 0);
  CountParameters(state);
  for (int k : Each(state.started)) CountLocal(state, k);
  for (int32_t i = 0; i < static_cast<int32_t>(instance_.outputs.size()); ++i) {
    if (Has(state.done & ~state.finished, instance_.outputs[i].producer)) CountReceived(state, i);
  }
  for (DeviceId d = 0; d < instance_.num_devices; ++d) {
    if (live_[d] > limit_[d]) return true;
  }
  return false;
}

// At home, and copies elsewhere that somebody still reads.
void ExactMemory::CountParameters(const ExactState& state) {
  const Graph& graph = instance_.tasks->problem().graph();
  for (int32_t p = 0; p < instance_.num_parameters; ++p) {
    if (state.home[p] == kNone) continue;
    Count(state.home[p], instance_.tasks->parameter_bytes(p));
    Bits devices = 0;
    for (int k : Each(instance_.parameters[p].readers)) {
      if (state.placed(k) && EndsLater(state, k)) devices |= Bit(state.place(k));
    }
    for (int d : Each(devices & ~Bit(state.home[p]))) {
      const Nanoseconds arrival = state.arrival[instance_.pair(p, d)];
      if (arrival == ExactState::kNotBooked || arrival > state.now) continue;
      Count(d, graph.port_bytes(graph.first_port(graph.parameters()[p])));
    }
  }
}

void ExactMemory::CountLocal(const ExactState& state, KernelId k) {
  const DeviceId here = state.place(k);
  const bool runs = !Has(state.done, k) && state.free[here] > state.now;
  if (runs) Count(here, run_bytes_[k]);
  for (const Storage& storage : storages_[k]) {
    bool alive = runs || (storage.is_output && Has(state.done, k));
    for (int reader : Each(alive ? 0 : storage.readers)) {
      alive = alive ||
              (Has(state.done, k) && state.open[reader] == Bit(here) && EndsLater(state, reader));
    }
    if (alive) Count(here, storage.bytes);
  }
}

void ExactMemory::CountReceived(const ExactState& state, int32_t output) {
  const DeviceId from = state.place(instance_.outputs[output].producer);
  Bits devices = 0;
  for (int reader : Each(instance_.outputs[output].readers)) {
    if (state.placed(reader) && EndsLater(state, reader) && HasInputs(state, reader)) {
      devices |= Bit(state.place(reader));
    }
  }
  for (int d : Each(devices & ~Bit(from))) Count(d, output_bytes_[output]);
}

bool ExactMemory::EndsLater(const ExactState& state, KernelId k) const {
  if (Has(state.done, k)) return false;
  if (Has(state.started, k)) return state.free[state.place(k)] > state.now;
  return instance_.time(k, state.place(k)) > 0;
}

// Whether all tensors that it reads have arrived.
bool ExactMemory::HasInputs(const ExactState& state, KernelId k) const {
  return Has(state.started, k) ||
         ((instance_.before[k] & ~(state.done & ~state.finished)) == 0 &&
          state.ready[k * instance_.num_devices + state.place(k)] <= state.now);
}

}  // namespace gopt
