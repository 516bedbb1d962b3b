#include "src/plan/device_ties.h"

#include <algorithm>
#include <iterator>

namespace gopt {

DeviceTies::DeviceTies(const Problem& problem, std::span<const DeviceId> device)
    : problem_(problem), device_(device.begin(), device.end()) {
  if (!device_.empty()) return;
  const int num_devices = problem.machine().num_devices();
  const auto& keep_apart = problem.constraints().keep_apart;
  const std::span<const OpId> ops = problem.graph().kernel_ops();
  restricted_ = !keep_apart.empty() || std::any_of(ops.begin(), ops.end(), [&](OpId op) {
    return static_cast<int>(problem.allowed_devices(op).size()) < num_devices;
  });
  if (!restricted_) return;
  tie_.assign(problem.colocation_group().begin(), problem.colocation_group().end());
  kept_apart_.assign(problem.num_colocation_groups(), 0);
  for (const Constraints::Group& group : keep_apart) {
    for (const OpId op : group.ops) {
      if (tie_[op] == kNone) {
        tie_[op] = static_cast<int32_t>(kept_apart_.size());
        kept_apart_.push_back(0);
      }
      kept_apart_[tie_[op]] = 1;
    }
  }
}

bool DeviceTies::MayShare(std::span<const OpId> ops) const {
  if (!device_.empty()) return SameDevice(ops);
  return !restricted_ || (LeavesDevices(ops) && KeepsApart(ops));
}

bool DeviceTies::SameDevice(std::span<const OpId> ops) const {
  return std::all_of(ops.begin(), ops.end(),
                     [&](OpId op) { return device_[op] == device_[ops.front()]; });
}

bool DeviceTies::LeavesDevices(std::span<const OpId> ops) const {
  const auto first = problem_.allowed_devices(ops.front());
  shared_.assign(first.begin(), first.end());
  for (const OpId op : ops) {
    const auto allowed = problem_.allowed_devices(op);
    if (allowed.data() == first.data()) continue;
    scratch_.clear();
    std::set_intersection(shared_.begin(), shared_.end(), allowed.begin(), allowed.end(),
                          std::back_inserter(scratch_));
    shared_.swap(scratch_);
  }
  if (shared_.empty()) return false;
  return std::all_of(ops.begin(), ops.end(), [&](OpId op) {
    return tie_[op] == kNone || problem_.allowed_devices(op).size() == shared_.size();
  });
}

bool DeviceTies::KeepsApart(std::span<const OpId> ops) const {
  const auto kept = std::find_if(ops.begin(), ops.end(), [&](OpId op) {
    return tie_[op] != kNone && kept_apart_[tie_[op]] != 0;
  });
  if (kept == ops.end()) return true;
  return std::all_of(ops.begin(), ops.end(),
                     [&](OpId op) { return tie_[op] == kNone || tie_[op] == tie_[*kept]; });
}

}  // namespace gopt
