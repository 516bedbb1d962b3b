#ifndef GOPT_SRC_PLAN_GROUP_JUDGE_H_
#define GOPT_SRC_PLAN_GROUP_JUDGE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/plan/problem.h"
#include "src/plan/device_ties.h"
#include "src/plan/fusion_verdict.h"

namespace gopt {

// Sums over the ops of a group that rule on it where they are small.
struct GroupSums {
  int64_t ops = 0;
  int64_t operands = 0;
  int64_t on_chip = 0;  // Of all ports.
  bool plain = true;    // Neither contractions nor reductions that must be last.

  void Add(const GroupSums& other) {
    ops += other.ops;
    operands += other.operands;
    on_chip = SaturatingAdd(on_chip, other.on_chip);
    plain = plain && other.plain;
  }
};

// Judges many groups of one problem's ops, convexity aside: CheckFusible, never_fuse and devices.
// What is known of single ops is looked up, so that a group costs what its ops and their operands
// cost. One thread uses it.
class GroupJudge {
 public:
  // device: as for DeviceTies. The problem must outlive this.
  GroupJudge(const Problem& problem, std::span<const DeviceId> device);

  // Never shares a kernel.
  bool IsAlone(OpId op) const { return members_.Alone(op) != FusionFault::kNone; }
  // ops: ascending, distinct.
  bool MayFuse(std::span<const OpId> ops);
  // The same where each op may fuse and tensors connect them all, as the caller knows; quick where
  // the sums over these ops decide.
  bool MayFuseConnected(std::span<const OpId> ops, const GroupSums& sums);

  GroupSums SumsOf(OpId op) const;

 private:
  // The ops of the group in hand, by stamps.
  class Members {
   public:
    explicit Members(const Problem& problem);
    void Load(std::span<const OpId> ops);
    int IndexOf(OpId op) const { return op_[op].stamp == stamp_ ? op_[op].index : kNone; }
    bool FirstTime(PortId port) {
      if (port_stamp_[port] == stamp_) return false;
      port_stamp_[port] = stamp_;
      return true;
    }
    FusionFault Alone(OpId op) const { return alone_[op]; }
    bool MustBeLast(OpId op) const { return must_be_last_[op] != 0; }
    int64_t OnChip(PortId port) const { return on_chip_[port]; }

   private:
    struct Op {
      uint32_t stamp = 0;
      int32_t index = 0;
    };

    std::vector<FusionFault> alone_;  // Per op; ops never to fuse count as opaque.
    std::vector<uint8_t> must_be_last_;
    std::vector<int64_t> on_chip_;  // Per port.
    uint32_t stamp_ = 0;
    std::vector<Op> op_;
    std::vector<uint32_t> port_stamp_;
  };

  bool Fits(const GroupSums& sums) const;

  const Graph& graph_;
  const FusionLimits limits_;
  Members members_;
  FusionJudge<Members> judge_;
  DeviceTies ties_;
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_GROUP_JUDGE_H_
