#include "src/solve/recompute_model.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "gopt/base/status_macros.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/recompute.h"

namespace gopt {
namespace {

constexpr int32_t kNowhere = std::numeric_limits<int32_t>::max();

int64_t ParameterBytes(const Graph& graph, OpId parameter) {
  const PortId port = graph.first_port(parameter);
  int64_t bytes = 0;
  for (int copy = 0; copy <= graph.optimizer_copies(port); ++copy) {
    bytes = SaturatingAdd(bytes, graph.port_bytes(port));
  }
  return bytes;
}

}  // namespace

absl::StatusOr<RecomputeModel> RecomputeModel::Create(const Problem& problem, const Plan& plan,
                                                      std::span<const KernelId> order,
                                                      const OpCostModel& costs) {
  RecomputeModel model;
  model.kernels_ = plan.kernels;
  model.order_.assign(order.begin(), order.end());
  GOPT_ASSIGN_OR_RETURN(const KernelGraph graph, KernelGraph::Create(*plan.kernels, plan.device));
  model.FillKernels(problem, plan, costs, graph);
  model.FillStorages(problem.graph(), graph);
  model.FillReads();
  model.FillPersistent(problem, plan);
  model.FillUpdates(problem.graph(), graph);
  model.FillChoices(problem.graph());
  if (model.MostBytes() >= kSaturated) {
    return absl::OutOfRangeError("recompute: the plan's bytes add up to 2^62 or more");
  }
  return model;
}

// No place can hold more: every storage and its copy, on every device.
int64_t RecomputeModel::MostBytes() const {
  int64_t once = 0;
  for (const Storage& storage : storages_) once = SaturatingAdd(once, storage.bytes);
  for (const int64_t bytes : run_bytes_) once = SaturatingAdd(once, bytes);
  int64_t most = 0;
  for (const int64_t bytes : persistent_) {
    most = SaturatingAdd(most, SaturatingAdd(bytes, SaturatingAdd(once, once)));
  }
  return most;
}

void RecomputeModel::FillKernels(const Problem& problem, const Plan& plan, const OpCostModel& costs,
                                 const KernelGraph& graph) {
  spot_.resize(order_.size());
  for (int32_t spot = 0; spot < size(); ++spot) spot_[order_[spot]] = spot;
  successor_begin_.assign(1, 0);
  persistent_.assign(problem.machine().num_devices(), 0);
  for (const KernelId kernel : order_) {
    device_.push_back(plan.device[kernel]);
    is_backward_.push_back(kernels_->is_backward(kernel) ? 1 : 0);
    const auto outputs = KernelGraph::Row(graph.outputs, graph.output_begin, kernel);
    time_.push_back(costs.KernelTime(kernels_->ops(kernel), outputs, plan.device[kernel]));
    for (KernelId next : KernelGraph::Row(graph.successors, graph.successor_begin, kernel)) {
      successors_.push_back(spot_[next]);
    }
    std::sort(successors_.begin() + successor_begin_.back(), successors_.end());
    successor_begin_.push_back(static_cast<int32_t>(successors_.size()));
  }
}

void RecomputeModel::FillStorages(const Graph& ops, const KernelGraph& graph) {
  made_begin_.assign(1, 0);
  for (int32_t spot = 0; spot < size(); ++spot) {
    AddStoragesOf(ops, graph, spot);
    made_begin_.push_back(static_cast<int32_t>(storages_.size()));
  }
}

// Storages that live on after the kernel, and what it holds while it runs.
void RecomputeModel::AddStoragesOf(const Graph& ops, const KernelGraph& graph, int32_t spot) {
  const KernelId kernel = order_[spot];
  const std::span<const OpId> members = kernels_->ops(kernel);
  int64_t run_bytes = 0;
  int32_t entry = graph.output_begin[kernel];
  for (const OpId op : members) {
    run_bytes = SaturatingAdd(run_bytes, ops.scratch_bytes(op));
    const PortId end = ops.first_port(op) + ops.num_ports(op);
    std::vector<std::pair<StorageId, PortId>> ports;
    for (PortId port = ops.first_port(op); port < end; ++port) {
      ports.push_back({ops.storage(port), port});
    }
    std::sort(ports.begin(), ports.end());
    const int32_t first_entry = entry;
    while (entry < graph.output_begin[kernel + 1] && graph.outputs[entry] < end) ++entry;
    for (size_t i = 0; i < ports.size();) {
      const StorageId id = ports[i].first;
      Storage storage = {ops.storage_bytes(id), spot, false, static_cast<int32_t>(readers_.size()),
                         0};
      for (; i < ports.size() && ports[i].first == id; ++i) {
        storage.is_output = storage.is_output || ops.is_output(ports[i].second);
        for (int32_t e = first_entry; e < entry; ++e) {
          if (graph.outputs[e] != ports[i].second) continue;
          for (KernelId reader : KernelGraph::Row(graph.readers, graph.reader_begin, e)) {
            readers_.push_back(spot_[reader]);
          }
        }
      }
      const auto row = readers_.begin() + storage.reader_begin;
      std::sort(row, readers_.end());
      readers_.erase(std::unique(row, readers_.end()), readers_.end());
      storage.reader_end = static_cast<int32_t>(readers_.size());
      const bool lives_on = storage.is_output || storage.reader_end > storage.reader_begin;
      if (lives_on) storages_.push_back(storage);
      if (!lives_on && members.size() == 1) run_bytes = SaturatingAdd(run_bytes, storage.bytes);
    }
  }
  run_bytes_.push_back(run_bytes);
}

void RecomputeModel::FillReads() {
  read_begin_.assign(size() + 1, 0);
  for (const int32_t reader : readers_) ++read_begin_[reader + 1];
  std::partial_sum(read_begin_.begin(), read_begin_.end(), read_begin_.begin());
  read_.resize(readers_.size());
  std::vector<int32_t> next(read_begin_.begin(), read_begin_.end() - 1);
  for (const Storage& storage : storages_) {
    for (const int32_t reader : readers(storage)) read_[next[reader]++] = storage_index(storage);
  }
}

void RecomputeModel::FillPersistent(const Problem& problem, const Plan& plan) {
  const std::vector<DeviceId> homes = ParameterHomes(problem.graph(), plan);
  for (size_t i = 0; i < homes.size(); ++i) {
    const int64_t bytes = ParameterBytes(problem.graph(), problem.graph().parameters()[i]);
    persistent_[homes[i]] = SaturatingAdd(persistent_[homes[i]], bytes);
  }
}

void RecomputeModel::FillUpdates(const Graph& ops, const KernelGraph& graph) {
  update_.assign(size(), kNowhere);
  for (size_t p = 0; p < ops.parameters().size(); ++p) {
    const OpId update = ops.optimizer_op(static_cast<int>(p));
    if (update == kNone) continue;
    const int32_t first = spot_[kernels_->kernel_of(update)];
    for (KernelId reader : KernelGraph::Row(graph.parameter_readers, graph.parameter_reader_begin,
                                            static_cast<int32_t>(p))) {
      int32_t& known = update_[spot_[reader]];
      if (first > spot_[reader]) known = std::min(known, first);
    }
  }
}

void RecomputeModel::FillChoices(const Graph& ops) {
  may_choose_.assign(size(), 0);
  for (int32_t spot = size() - 1; spot >= 0; --spot) {
    if (is_backward(spot)) continue;
    const auto row = successors(spot);
    const bool needed = std::any_of(row.begin(), row.end(), [&](int32_t next) {
      return is_backward(next) || may_choose(next);
    });
    const std::span<const OpId> members = kernels_->ops(order_[spot]);
    may_choose_[spot] = needed && std::all_of(members.begin(), members.end(), [&](OpId op) {
                          return kernels_->kernels_of(op).size() == 1 && IsRecomputable(ops, op);
                        });
  }
}

int64_t RecomputeModel::bytes(int32_t spot) const {
  int64_t sum = 0;
  for (const Storage& storage : made(spot)) sum = SaturatingAdd(sum, storage.bytes);
  return sum;
}

std::vector<OpId> RecomputeModel::Ops(const State& state) const {
  std::vector<OpId> ops;
  for (int32_t spot = 0; spot < size(); ++spot) {
    if (state.chosen[spot] == 0) continue;
    const std::span<const OpId> members = kernels_->ops(order_[spot]);
    ops.insert(ops.end(), members.begin(), members.end());
  }
  return ops;
}

RecomputeModel::State RecomputeModel::MakeState() const {
  State state;
  state.chosen.assign(size(), 0);
  state.change.resize(num_devices());
  return state;
}

void RecomputeModel::Evaluate(State* state) const {
  FindCopies(state);
  FindMoved(state);
  FindPlaces(state);
  AddLifetimes(state);
  FindPeaks(state);
}

void RecomputeModel::FindCopies(State* state) const {
  state->copied.assign(size(), 0);
  state->slot.assign(size(), kNowhere);
  for (int32_t spot = size() - 1; spot >= 0; --spot) {
    if (state->chosen[spot] == 0) continue;
    int32_t slot = kNowhere;
    for (const int32_t next : successors(spot)) {
      if (is_backward(next)) slot = std::min(slot, next);
      if (state->copied[next] != 0) slot = std::min(slot, state->slot[next]);
    }
    if (slot == kNowhere) continue;
    state->copied[spot] = 1;
    state->slot[spot] = std::min(slot, update_[spot]);
  }
}

void RecomputeModel::FindMoved(State* state) const {
  state->moved.assign(size(), 0);
  state->added = 0;
  for (int32_t spot = size() - 1; spot >= 0; --spot) {
    if (state->copied[spot] == 0) continue;
    const auto row = successors(spot);
    const bool unread = std::all_of(row.begin(), row.end(), [&](int32_t next) {
      return is_backward(next) || state->moved[next] != 0;
    });
    state->moved[spot] = unread ? 1 : 0;
    if (!unread) state->added = SaturatingAdd(state->added, time_[spot]);
  }
}

void RecomputeModel::FindPlaces(State* state) const {
  std::vector<int32_t>& before = state->copies_before;  // Copies put before spots 0 .. i.
  before.assign(size() + 1, 0);
  for (int32_t spot = 0; spot < size(); ++spot) {
    if (state->copied[spot] != 0) ++before[state->slot[spot] + 1];
  }
  std::partial_sum(before.begin(), before.end(), before.begin());
  state->place.resize(size());
  state->copy_place.assign(size(), kNone);
  for (int32_t spot = 0; spot < size(); ++spot) state->place[spot] = spot + before[spot + 1];
  for (int32_t spot = 0; spot < size(); ++spot) {
    if (state->copied[spot] == 0) continue;
    const int32_t slot = state->slot[spot];
    state->copy_place[spot] = slot + before[slot]++;  // What the slot before ended with.
  }
}

void RecomputeModel::AddLifetimes(State* state) const {
  size_t places = static_cast<size_t>(size()) + 2;
  for (int32_t spot = 0; spot < size(); ++spot) places += state->copied[spot];
  for (std::vector<int64_t>& row : state->change) row.assign(places, 0);
  state->last.resize(storages_.size());
  for (int32_t spot = 0; spot < size(); ++spot) {
    std::vector<int64_t>& row = state->change[device(spot)];
    for (const bool of_copy : {false, true}) {
      if (of_copy ? state->copied[spot] == 0 : state->moved[spot] != 0) continue;
      const int32_t place = of_copy ? state->copy_place[spot] : state->place[spot];
      row[place] += run_bytes_[spot];
      row[place + 1] -= run_bytes_[spot];
      for (const Storage& storage : made(spot)) AddLifetime(storage, of_copy, state);
    }
  }
}

void RecomputeModel::AddLifetime(const Storage& storage, bool of_copy, State* state) const {
  const int32_t maker = storage.maker;
  const int32_t start = of_copy ? state->copy_place[maker] : state->place[maker];
  const auto end = static_cast<int32_t>(state->change[0].size()) - 2;
  const bool copied = state->copied[maker] != 0;
  int32_t last = storage.is_output ? end : start;
  state->last_on.assign(num_devices(), kNone);
  const auto use = [&](int32_t place, DeviceId where) {
    last = std::max(last, place);
    state->last_on[where] = std::max(state->last_on[where], place);
  };
  for (const int32_t reader : readers(storage)) {
    // Backward kernels and copies read the copy where there is one.
    if (state->copied[reader] != 0 && copied == of_copy) {
      use(state->copy_place[reader], device(reader));
    }
    const bool reads_this = is_backward(reader) ? copied == of_copy : !of_copy;
    if (reads_this && state->moved[reader] == 0) use(state->place[reader], device(reader));
  }
  if (!of_copy) state->last[storage_index(storage)] = last;
  state->last_on[device(maker)] = last;
  for (DeviceId d = 0; d < num_devices(); ++d) {
    if (state->last_on[d] == kNone) continue;
    state->change[d][start] += storage.bytes;
    state->change[d][state->last_on[d] + 1] -= storage.bytes;
  }
}

void RecomputeModel::FindPeaks(State* state) const {
  state->peak = persistent_;
  state->peak_place.assign(num_devices(), 0);
  for (DeviceId d = 0; d < num_devices(); ++d) {
    int64_t live = persistent_[d];
    const std::vector<int64_t>& change = state->change[d];
    for (size_t place = 0; place < change.size(); ++place) {
      live += change[place];
      if (live <= state->peak[d]) continue;
      state->peak[d] = live;
      state->peak_place[d] = static_cast<int32_t>(place);
    }
  }
}

}  // namespace gopt
