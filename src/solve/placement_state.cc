#include "src/solve/placement_state.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace gopt {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

PlacementState::PlacementState(const TaskGraph& tasks, int width) : tasks_(tasks) {
  const KernelGraph& graph = tasks.kernel_graph();
  const int n = tasks.num_tasks();
  self_.resize(n);
  std::iota(self_.begin(), self_.end(), 0);
  is_special_.assign(n, 0);
  parameter_begin_.reserve(n + 1);
  for (KernelId task = 0; task < n; ++task) {
    parameter_begin_.push_back(static_cast<int32_t>(parameters_.size()));
    for (int32_t e = graph.input_begin[task]; e < graph.input_begin[task + 1]; ++e) {
      if (graph.inputs[e].source != kNone) continue;
      parameters_.push_back(tasks.edge_tensor(e) - static_cast<int>(graph.outputs.size()));
      is_special_[task] = 1;
    }
    if (tasks.group(task) != kNone || tasks.persistent_bytes(task) > 0 ||
        static_cast<int>(tasks.allowed(task).size()) < tasks.num_devices()) {
      is_special_[task] = 1;
    }
  }
  parameter_begin_.push_back(static_cast<int32_t>(parameters_.size()));
  // The optimizer op may read the parameter only through its update: still follows its readers.
  for (int p = 0; p < tasks.num_parameters(); ++p) {
    if (tasks.home_task(p) != kNone) is_special_[tasks.home_task(p)] = 1;
  }
  bias_.assign(width, kInfinity);
}

void PlacementState::Reset(const PlacementOptions& options) {
  options_ = options;
  is_free_.resize(is_special_.size());
  const bool all_special = options.activation_weight > 0.0 || !options.fixed.empty();
  for (size_t i = 0; i < is_free_.size(); ++i) is_free_[i] = !all_special && is_special_[i] == 0;
  fixed_.assign(tasks_.num_groups() + is_special_.size(), kNone);
  unit_bytes_.resize(fixed_.size());
  for (size_t unit = 0; unit < fixed_.size(); ++unit) {
    const bool empty = unit >= static_cast<size_t>(tasks_.num_groups()) &&
                       is_free_[unit - tasks_.num_groups()] != 0;
    unit_bytes_[unit] = empty ? 0 : ComputeUnitBytes(static_cast<int32_t>(unit));
  }
  reserved_.assign(tasks_.num_devices(), 0.0);
  room_.resize(tasks_.num_devices());
  for (DeviceId d = 0; d < tasks_.num_devices(); ++d) {
    room_[d] = std::min(tasks_.problem().memory_limit(d), options.byte_limit);
  }
  for (size_t task = 0; task < options.fixed.size(); ++task) {
    const int32_t unit = Unit(static_cast<KernelId>(task));
    if (options.fixed[task] != kNone && fixed_[unit] == kNone) FixUnit(unit, options.fixed[task]);
  }
}

std::span<const KernelId> PlacementState::Members(int32_t unit) const {
  if (unit < tasks_.num_groups()) return tasks_.group_tasks(unit);
  return {&self_[unit - tasks_.num_groups()], 1};
}

int64_t PlacementState::ComputeUnitBytes(int32_t unit) const {
  int64_t bytes = 0;
  for (KernelId task : Members(unit)) {
    bytes = SaturatingAdd(bytes, tasks_.persistent_bytes(task));
    if (options_.activation_weight <= 0.0) continue;
    bytes =
        SaturatingAdd(bytes, SaturatingCeil(options_.activation_weight *
                                            static_cast<double>(tasks_.activation_bytes(task))));
  }
  return bytes;
}

bool PlacementState::CanFollow(int32_t unit, DeviceId device) const {
  return fixed_[unit] == kNone && tasks_.is_allowed(Members(unit).front(), device);
}

bool PlacementState::FitsWithParameters(KernelId task, DeviceId device) const {
  const int32_t own = Unit(task);
  int64_t bytes = unit_bytes_[own];
  int32_t previous = own;
  for (int parameter : ParametersOf(task)) {
    const KernelId decider = tasks_.home_task(parameter);
    if (decider == kNone || Unit(decider) == previous) continue;
    previous = Unit(decider);
    if (CanFollow(previous, device)) bytes = SaturatingAdd(bytes, unit_bytes_[previous]);
  }
  return bytes <= room_[device];
}

const double* PlacementState::FillBias(KernelId task) {
  std::fill(bias_.begin(), bias_.end(), kInfinity);
  const int32_t unit = Unit(task);
  if (fixed_[unit] != kNone) {
    bias_[fixed_[unit]] = 0.0;
    return bias_.data();
  }
  bool some = false;
  DeviceId roomiest = tasks_.allowed(task).front();
  for (DeviceId d : tasks_.allowed(task)) {
    if (FitsWithParameters(task, d)) bias_[d] = 0.0, some = true;
    if (room_[d] > room_[roomiest]) roomiest = d;
  }
  if (!some) bias_[roomiest] = 0.0;
  if (unit < tasks_.num_groups()) AddGroupWork(task);
  return bias_.data();
}

// The group brings all its work, and finds there the work that earlier groups will still bring.
void PlacementState::AddGroupWork(KernelId task) {
  for (DeviceId d = 0; d < tasks_.num_devices(); ++d) bias_[d] += reserved_[d];
  for (KernelId member : tasks_.group_tasks(tasks_.group(task))) {
    if (member == task) continue;
    for (DeviceId d = 0; d < tasks_.num_devices(); ++d) {
      bias_[d] += static_cast<double>(tasks_.time(member, d));
    }
  }
}

void PlacementState::Fix(KernelId task, DeviceId device) {
  if (fixed_[Unit(task)] == kNone) FixUnit(Unit(task), device);
  if (tasks_.group(task) != kNone)
    reserved_[device] -= static_cast<double>(tasks_.time(task, device));
  for (int parameter : ParametersOf(task)) {
    const KernelId decider = tasks_.home_task(parameter);
    if (decider == kNone) continue;
    const int32_t unit = Unit(decider);
    if (CanFollow(unit, device) && unit_bytes_[unit] <= room_[device]) FixUnit(unit, device);
  }
}

void PlacementState::FixUnit(int32_t unit, DeviceId device) {
  fixed_[unit] = device;
  room_[device] = std::max(room_[device] - unit_bytes_[unit], -kSaturated);
  if (unit >= tasks_.num_groups()) return;
  for (KernelId task : Members(unit)) {
    reserved_[device] += static_cast<double>(tasks_.time(task, device));
  }
}

}  // namespace gopt
