#ifndef GOPT_SRC_PLAN_FUSION_VERDICT_H_
#define GOPT_SRC_PLAN_FUSION_VERDICT_H_

#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/graph/graph.h"
#include "gopt/plan/fusion_rules.h"

namespace gopt {

// What the ops of one class may do in a kernel of several.
struct FusionClassRule {
  bool alone = false;        // Nothing: they run alone.
  bool contracts = false;    // At most one, of which all others take the shape, reads nothing here.
  bool follows = false;      // May share a kernel with a contraction.
  bool keeps_count = false;  // Only with one operand and as many elements out as in.
  bool reduces = false;      // Along the last dimension, or with no reader in the kernel.
};

// The table of docs/simulator.md, "What may fuse".
constexpr FusionClassRule FusionRuleOf(FusionClass fusion_class) {
  switch (fusion_class) {
    case FusionClass::kElementwise:
    case FusionClass::kBroadcast:
      return {.follows = true};
    case FusionClass::kDataMovement:
      return {.follows = true, .keeps_count = true};
    case FusionClass::kReduction:
      return {.reduces = true};
    case FusionClass::kContraction:
      return {.contracts = true};
    case FusionClass::kUnspecified:
    case FusionClass::kOpaque:
      break;
  }
  return {.alone = true};
}

enum class FusionFault : uint8_t {
  kNone,
  kTooManyOps,
  kRunsNowhere,
  kCollective,
  kOptimizer,
  kSideEffect,
  kOpaque,
  kSeveralOperands,
  kElementCount,
  kTwoContractions,
  kNoOutput,
  kNoFollower,
  kOtherShape,
  kContractionReads,
  kReducesInside,
  kApart,
  kTooManyOperands,
  kTooManyBytes,
};

// Why ops may not be one kernel.
struct FusionVerdict {
  FusionFault fault = FusionFault::kNone;
  OpId op = kNone;     // Where the rule is broken,
  OpId other = kNone;  // and the kernel's contraction, or its first op, if the rule speaks of it.
  int64_t amount = 0;  // What is too much.

  bool ok() const { return fault == FusionFault::kNone; }
};

// Rules that one op breaks in any company; kNone: it may fuse.
FusionFault AloneFault(const Graph& graph, OpId op);
// Whether the op may share a kernel with the contraction, tensors aside.
FusionFault FollowerFault(const Graph& graph, OpId op, OpId contraction);
// Whether the op is a reduction that nobody in its kernel may read.
bool MustBeLast(const Graph& graph, OpId op);

// Judges whether ops may be one kernel, rule by rule in the order of docs/simulator.md. Keeps its
// buffers from one to the next. `Members` knows what is in the kernel in hand:
//   int IndexOf(OpId op) const     its position among the ops, kNone for an outsider;
//   bool FirstTime(PortId port)    true once per port;
//   FusionFault Alone(OpId op)     AloneFault, or what is known of it;
//   bool MustBeLast(OpId op)       as above;
//   int64_t OnChip(PortId port)    OnChipBytes.
template <typename Members>
class FusionJudge {
 public:
  FusionJudge(const Graph& graph, const FusionLimits& limits) : graph_(graph), limits_(limits) {}

  // ops: ascending, distinct, more than one.
  FusionVerdict Judge(std::span<const OpId> ops, Members& members) {
    if (ops.size() > static_cast<size_t>(limits_.max_ops)) {
      return {.fault = FusionFault::kTooManyOps, .op = ops.front(), .amount = Size(ops)};
    }
    for (const OpId op : ops) {
      const FusionFault fault = members.Alone(op);
      if (fault != FusionFault::kNone) return {.fault = fault, .op = op};
    }
    if (const FusionVerdict verdict = JudgeContraction(ops); !verdict.ok()) return verdict;
    return JudgeTensors(ops, members);
  }

 private:
  static int64_t Size(std::span<const OpId> ops) { return static_cast<int64_t>(ops.size()); }

  FusionVerdict JudgeContraction(std::span<const OpId> ops) {
    contraction_ = kNone;
    for (const OpId op : ops) {
      if (!FusionRuleOf(graph_.fusion_class(op)).contracts) continue;
      if (contraction_ != kNone) {
        return {.fault = FusionFault::kTwoContractions, .op = op, .other = contraction_};
      }
      contraction_ = op;
    }
    if (contraction_ == kNone) return {};
    if (graph_.num_ports(contraction_) == 0) {
      return {.fault = FusionFault::kNoOutput, .op = contraction_};
    }
    for (const OpId op : ops) {
      if (op == contraction_) continue;
      const FusionFault fault = FollowerFault(graph_, op, contraction_);
      if (fault != FusionFault::kNone) return {.fault = fault, .op = op, .other = contraction_};
    }
    return {};
  }

  FusionVerdict JudgeTensors(std::span<const OpId> ops, Members& members) {
    int64_t operands = 0, on_chip = 0;
    OpId reduction = kNone;  // The lowest that is read though it must be last.
    bool contraction_reads = false;
    part_.resize(ops.size());
    std::iota(part_.begin(), part_.end(), 0);
    for (size_t i = 0; i < ops.size(); ++i) {
      for (const PortId port : graph_.operands(ops[i])) {
        const OpId producer = graph_.producer(port);
        const int maker = members.IndexOf(producer);
        const bool first = members.FirstTime(port);
        if (maker == kNone) {
          operands += first ? 1 : 0;
          continue;
        }
        contraction_reads |= ops[i] == contraction_;
        part_[Root(static_cast<int>(i))] = Root(maker);
        if (!first) continue;
        on_chip = SaturatingAdd(on_chip, members.OnChip(port));
        if (members.MustBeLast(producer) && (reduction == kNone || producer < reduction)) {
          reduction = producer;
        }
      }
    }
    if (contraction_reads) return {.fault = FusionFault::kContractionReads, .op = contraction_};
    if (reduction != kNone) return {.fault = FusionFault::kReducesInside, .op = reduction};
    for (size_t i = 1; i < ops.size(); ++i) {
      if (Root(static_cast<int>(i)) == Root(0)) continue;
      return {.fault = FusionFault::kApart, .op = ops[i], .other = ops.front()};
    }
    if (operands > limits_.max_operands) {
      return {.fault = FusionFault::kTooManyOperands, .op = ops.front(), .amount = operands};
    }
    if (on_chip > limits_.on_chip_bytes) {
      return {.fault = FusionFault::kTooManyBytes, .op = ops.front(), .amount = on_chip};
    }
    return {};
  }

  int Root(int i) {
    while (part_[i] != i) i = part_[i] = part_[part_[i]];
    return i;
  }

  const Graph& graph_;
  const FusionLimits limits_;
  OpId contraction_ = kNone;
  std::vector<int> part_;  // Union-find: what hangs together by tensors made here.
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_FUSION_VERDICT_H_
