#include "src/plan/group_table.h"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace gopt {

GroupTable::GroupTable(const Graph& graph)
    : graph_(graph), group_(graph.num_ops()), identity_(graph.num_ops()), slot_(graph.num_ops()) {
  std::iota(identity_.begin(), identity_.end(), 0);
  Clear();
}

void GroupTable::Clear() {
  std::fill(group_.begin(), group_.end(), kNone);
  for (const OpId op : graph_.kernel_ops()) group_[op] = op;
  std::fill(slot_.begin(), slot_.end(), kNone);
  lists_.clear();
  free_slots_.clear();
  size_ = static_cast<int>(graph_.kernel_ops().size());
}

void GroupTable::Assign(const Kernels& kernels) {
  Clear();
  for (KernelId k = 0; k < kernels.size(); ++k) Set(kernels.ops(k));
  size_ = kernels.size();
}

void GroupTable::Join(OpId a, OpId b) {
  const std::span<const OpId> left = ops(a), right = ops(b);
  union_.clear();
  std::merge(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(union_));
  Drop(a);
  Drop(b);
  Set(union_);
  --size_;
}

void GroupTable::TakeOut(std::span<const OpId> ops_out) {
  taken_.assign(ops_out.begin(), ops_out.end());  // May be a view of the group's own list.
  const OpId from = group_[taken_.front()];
  const std::span<const OpId> all = ops(from);
  rest_.clear();
  std::set_difference(all.begin(), all.end(), taken_.begin(), taken_.end(),
                      std::back_inserter(rest_));
  Drop(from);
  Set(rest_);
  Set(taken_);
  ++size_;
}

void GroupTable::Drop(OpId group) {
  if (slot_[group] == kNone) return;
  free_slots_.push_back(slot_[group]);
  slot_[group] = kNone;
}

void GroupTable::Set(std::span<const OpId> ops) {
  for (const OpId op : ops) group_[op] = ops.front();
  if (ops.size() == 1) return;
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<int32_t>(lists_.size()));
    lists_.emplace_back();
  }
  slot_[ops.front()] = free_slots_.back();
  free_slots_.pop_back();
  lists_[slot_[ops.front()]].assign(ops.begin(), ops.end());
}

}  // namespace gopt
