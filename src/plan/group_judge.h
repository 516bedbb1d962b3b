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

  const int max_ops_;
  Members members_;
  FusionJudge<Members> judge_;
  DeviceTies ties_;
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_GROUP_JUDGE_H_
