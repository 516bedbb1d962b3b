#ifndef GOPT_SRC_PLAN_GROUP_TABLE_H_
#define GOPT_SRC_PLAN_GROUP_TABLE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/graph/graph.h"
#include "gopt/plan/kernels.h"

namespace gopt {

// Which op is in which group; groups are named by their lowest op. Groups of one op take no memory
// of their own.
class GroupTable {
 public:
  explicit GroupTable(const Graph& graph);  // One group per op that runs in kernels.

  int size() const { return size_; }
  OpId group(OpId op) const { return group_[op]; }
  std::span<const OpId> ops(OpId group) const {
    return slot_[group] == kNone ? std::span<const OpId>(&identity_[group], 1)
                                 : std::span<const OpId>(lists_[slot_[group]]);
  }

  void Clear();                         // As after construction.
  void Assign(const Kernels& kernels);  // Without clones.
  void Join(OpId a, OpId b);
  // Takes the ops (ascending, some but not all of one group's) out into a group of their own.
  void TakeOut(std::span<const OpId> ops);

 private:
  void Drop(OpId group);
  void Set(std::span<const OpId> ops);

  const Graph& graph_;
  int size_ = 0;
  std::vector<OpId> group_, identity_;
  std::vector<int32_t> slot_;  // Per group: its list; kNone for one op.
  std::vector<std::vector<OpId>> lists_;
  std::vector<int32_t> free_slots_;
  std::vector<OpId> union_, rest_, taken_;
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_GROUP_TABLE_H_
