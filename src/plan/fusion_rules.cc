#include "gopt/plan/fusion_rules.h"

#include <algorithm>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "src/plan/fusion_verdict.h"

namespace gopt {
namespace {

constexpr int64_t kTileRows = 128;
constexpr int64_t kTileColumns = 128;

// a * b for non-negative values, at most 2^62.
int64_t SaturatingMultiply(int64_t a, int64_t b) {
  const auto product = static_cast<__int128>(a) * b;
  return product >= kSaturated ? kSaturated : static_cast<int64_t>(product);
}

int64_t CeilDivide(int64_t a, int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

// Elements of the tensor; from its bytes when the shape is unknown or a scalar's.
int64_t ElementCount(const Graph& graph, PortId port) {
  const std::span<const int64_t> dims = graph.dims(port);
  if (dims.empty()) {
    return graph.port_bytes(port) / std::max(1, ElementSize(graph.dtype(port)));
  }
  int64_t count = 1;
  for (const int64_t dim : dims) count = SaturatingMultiply(count, dim);
  return count;
}

// Equal dimensions; where neither has any (a scalar, or not known), equal bytes.
bool SameShape(const Graph& graph, PortId a, PortId b) {
  const std::span<const int64_t> dims_a = graph.dims(a), dims_b = graph.dims(b);
  if (!std::equal(dims_a.begin(), dims_a.end(), dims_b.begin(), dims_b.end())) return false;
  return !dims_a.empty() || graph.port_bytes(a) == graph.port_bytes(b);
}

// Whether `out` is what a reduction of `in` along its last dimension leaves: the shape of `in`
// (softmax, norm), or that without the last dimension, or with 1 there.
bool IsRowWise(std::span<const int64_t> in, std::span<const int64_t> out) {
  if (in.empty()) return false;
  const std::span<const int64_t> rows = in.first(in.size() - 1);
  if (out.size() < rows.size() || out.size() > in.size()) return false;
  if (!std::equal(rows.begin(), rows.end(), out.begin())) return false;
  return out.size() == rows.size() || out.back() == in.back() || out.back() == 1;
}

// Elementwise: one tensor in, as many elements out.
FusionFault DataMovementFault(const Graph& graph, OpId op) {
  const std::span<const PortId> operands = graph.operands(op);
  if (operands.empty() || std::any_of(operands.begin(), operands.end(),
                                      [&](PortId port) { return port != operands[0]; })) {
    return FusionFault::kSeveralOperands;
  }
  const int64_t count = ElementCount(graph, operands[0]);
  const PortId first = graph.first_port(op);
  for (PortId port = first; port < first + graph.num_ports(op); ++port) {
    if (ElementCount(graph, port) != count) return FusionFault::kElementCount;
  }
  return FusionFault::kNone;
}

// The ops of one kernel, looked up.
class SearchedMembers {
 public:
  SearchedMembers(const Graph& graph, std::span<const OpId> ops) : graph_(graph), ops_(ops) {}

  int IndexOf(OpId op) const {
    const auto it = std::lower_bound(ops_.begin(), ops_.end(), op);
    return it != ops_.end() && *it == op ? static_cast<int>(it - ops_.begin()) : kNone;
  }
  bool FirstTime(PortId port) { return seen_.insert(port).second; }
  FusionFault Alone(OpId op) const { return AloneFault(graph_, op); }
  bool MustBeLast(OpId op) const { return gopt::MustBeLast(graph_, op); }
  int64_t OnChip(PortId port) const { return OnChipBytes(graph_, port); }

 private:
  const Graph& graph_;
  std::span<const OpId> ops_;
  absl::flat_hash_set<PortId> seen_;
};

std::string RuleText(const Graph& graph, const FusionVerdict& verdict, const FusionLimits& limits) {
  switch (verdict.fault) {
    case FusionFault::kTooManyOps:
      return absl::StrCat("kernel of ", verdict.amount, " ops, at most ", limits.max_ops,
                          " may fuse");
    case FusionFault::kRunsNowhere:
      return "it runs in no kernel";
    case FusionFault::kCollective:
      return "collectives run alone";
    case FusionFault::kOptimizer:
      return "optimizer ops run alone";
    case FusionFault::kSideEffect:
      return "it has a side effect";
    case FusionFault::kOpaque:
      return "opaque ops run alone";
    case FusionFault::kSeveralOperands:
      return "data movement fuses only with exactly one operand";
    case FusionFault::kElementCount:
      return "data movement fuses only where the element count stays equal";
    case FusionFault::kTwoContractions:
      return absl::StrCat("a kernel holds at most one contraction, and ",
                          graph.Describe(verdict.other), " is one");
    case FusionFault::kNoOutput:
      return "it has no output";
    case FusionFault::kNoFollower:
      return absl::StrCat("only elementwise and broadcast ops fuse with contraction ",
                          graph.Describe(verdict.other));
    case FusionFault::kOtherShape:
      return absl::StrCat("its shape is not that of contraction ", graph.Describe(verdict.other));
    case FusionFault::kContractionReads:
      return "a contraction reads nothing made in its kernel";
    case FusionFault::kReducesInside:
      return "a reduction fuses only row-wise (along the last dimension) or last";
    case FusionFault::kApart:
      return absl::StrCat("no tensor of the kernel connects it to ", graph.Describe(verdict.other));
    case FusionFault::kTooManyOperands:
      return absl::StrCat("the kernel reads ", verdict.amount, " tensors from outside, at most ",
                          limits.max_operands, " may be");
    case FusionFault::kTooManyBytes:
      return absl::StrCat("the kernel keeps ", verdict.amount, " bytes on chip, at most ",
                          limits.on_chip_bytes, " fit");
    case FusionFault::kNone:
      break;
  }
  return "";
}

}  // namespace

FusionFault AloneFault(const Graph& graph, OpId op) {
  if (!graph.in_kernel(op)) return FusionFault::kRunsNowhere;
  if (graph.kind(op) == OpKind::kCollective) return FusionFault::kCollective;
  if (graph.phase(op) == Phase::kOptimizer) return FusionFault::kOptimizer;
  if (graph.has_side_effect(op)) return FusionFault::kSideEffect;
  const FusionClassRule rule = FusionRuleOf(graph.fusion_class(op));
  if (rule.alone) return FusionFault::kOpaque;
  return rule.keeps_count ? DataMovementFault(graph, op) : FusionFault::kNone;
}

FusionFault FollowerFault(const Graph& graph, OpId op, OpId contraction) {
  if (!FusionRuleOf(graph.fusion_class(op)).follows) return FusionFault::kNoFollower;
  const PortId result = graph.first_port(contraction);
  const PortId first = graph.first_port(op);
  for (PortId port = first; port < first + graph.num_ports(op); ++port) {
    if (!SameShape(graph, port, result)) return FusionFault::kOtherShape;
  }
  return FusionFault::kNone;
}

bool MustBeLast(const Graph& graph, OpId op) {
  if (!FusionRuleOf(graph.fusion_class(op)).reduces) return false;
  const std::span<const PortId> operands = graph.operands(op);
  const PortId first = graph.first_port(op);
  for (PortId port = first; port < first + graph.num_ports(op); ++port) {
    if (operands.empty() || !IsRowWise(graph.dims(operands[0]), graph.dims(port))) return true;
  }
  return false;
}

int64_t OnChipBytes(const Graph& graph, PortId port) {
  const std::span<const int64_t> dims = graph.dims(port);
  if (dims.empty()) return graph.port_bytes(port);  // A scalar, or a shape that is not known.
  const bool tile = graph.fusion_class(graph.producer(port)) == FusionClass::kContraction;
  int64_t columns = dims.back();
  if (tile) columns = std::min(columns, kTileColumns);
  const int64_t elements = SaturatingMultiply(columns, tile ? kTileRows : 1);
  const int size = ElementSize(graph.dtype(port));
  if (size > 0) return SaturatingMultiply(elements, size);
  const int64_t count = std::max<int64_t>(1, ElementCount(graph, port));
  return SaturatingMultiply(elements, CeilDivide(graph.port_bytes(port), count));
}

absl::Status CheckFusible(const Graph& graph, std::span<const OpId> ops,
                          const FusionLimits& limits) {
  if (ops.size() <= 1) return absl::OkStatus();
  SearchedMembers members(graph, ops);
  const FusionVerdict verdict = FusionJudge<SearchedMembers>(graph, limits).Judge(ops, members);
  if (verdict.ok()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("cannot fuse ", graph.Describe(verdict.op),
                                                    ": ", RuleText(graph, verdict, limits)));
}

}  // namespace gopt
