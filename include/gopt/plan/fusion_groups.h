#ifndef GOPT_PLAN_FUSION_GROUPS_H_
#define GOPT_PLAN_FUSION_GROUPS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/plan/kernels.h"
#include "gopt/plan/problem.h"

namespace gopt {

// A partition of a problem's ops into legal kernels, under change: the state in which searches
// move. Every group obeys CheckFusible, never_fuse and devices (its ops share an allowed one, and
// leave theirs to ops that others are colocated with or kept apart from), and the groups have no
// cycle, by data and by control: what MakeKernels() gives is always legal and can always be placed,
// except for rules on pairs of devices. A step costs what it changes and a search among the groups
// that run between the two in question, never as much as the graph.
//
// A group is named by its lowest op: the name depends on what is in it and on nothing else. No
// clones. One thread uses an object.
class GOPT_API FusionGroups {
 public:
  // Begins with one group per op. device: empty, or one per op of the graph; then only ops of one
  // device share a group. Empty with placement closed: the base plan's devices. The problem must
  // outlive this.
  explicit FusionGroups(const Problem& problem, std::span<const DeviceId> device = {});
  FusionGroups(FusionGroups&&) noexcept;
  FusionGroups& operator=(FusionGroups&&) noexcept;
  ~FusionGroups();

  // Becomes these kernels and forgets what could be undone. InvalidArgument for clones, another
  // graph's kernels or a cycle, FailedPrecondition for a kernel that breaks a rule (all groups are
  // then as they were).
  absl::Status Assign(const Kernels& kernels);

  int size() const;           // Number of groups.
  OpId group(OpId op) const;  // kNone for ops that run in no kernel.
  // Ascending. Valid until the next change of the group.
  std::span<const OpId> ops(OpId group) const;
  // Distinct groups that hold a producer of its operands or a reader of its tensors, ascending.
  void Neighbours(OpId group, std::vector<OpId>* neighbours) const;

  // Whether the group can ever share a kernel: false for an op that must run alone.
  bool MayShare(OpId group) const;
  // Bytes that the two groups as one kernel save against two, by the rule of docs/simulator.md for
  // fused kernels; whether they may merge is not asked.
  int64_t SavedBytes(OpId a, OpId b) const;

  // Whether the union of two distinct groups is legal; also false where it is too much work to find
  // out, thousands of edges from both (in tangles of that size only). Merge: makes it so and
  // returns true, or changes nothing; the union is called min(a, b).
  bool CanMerge(OpId a, OpId b) const;
  bool Merge(OpId a, OpId b);

  // Splits the group into `part` (some of its ops, ascending, not all) and the rest, each of which
  // falls apart into what its tensors connect. Returns false and changes nothing if a piece would
  // break a rule or pieces wait for each other. `part` must be of this group: else a failed CHECK.
  bool Split(OpId group, std::span<const OpId> part);
  // Split of one op. False if the op is alone already.
  bool Detach(OpId op);

  // Merges and splits since the last Keep() or Undo() are final, or undone.
  bool changed() const;
  void Keep();
  void Undo();

  // The groups as kernels, by lowest op.
  std::shared_ptr<const Kernels> MakeKernels() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gopt

#endif  // GOPT_PLAN_FUSION_GROUPS_H_
