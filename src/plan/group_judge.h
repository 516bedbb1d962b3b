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
    int IndexOf(OpId op) const { return op_stamp_[op] == stamp_ ? index_[op] : kNone; }
    bool FirstTime(PortId port) {
      if (port_stamp_[port] == stamp_) return false;
      port_stamp_[port] = stamp_;
      return true;
    }
    FusionFault Alone(OpId op) const { return alone_[op]; }
    bool MustBeLast(OpId op) const { return must_be_last_[op] != 0; }

   private:
    std::vector<FusionFault> alone_;  // Per op; ops never to fuse count as opaque.
    std::vector<uint8_t> must_be_last_;
    int64_t stamp_ = 0;
    std::vector<int64_t> op_stamp_, port_stamp_;
    std::vector<int32_t> index_;
  };

  const int max_ops_;
  Members members_;
  FusionJudge<Members> judge_;
  DeviceTies ties_;
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_GROUP_JUDGE_H_
