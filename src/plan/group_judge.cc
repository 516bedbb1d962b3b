#include "src/plan/group_judge.h"

#include <algorithm>

namespace gopt {
namespace {

// Whether the op reads from so many others that not enough of them can be with it in one kernel.
// Judging it would cost its many operands each time.
bool IsHub(const Graph& graph, OpId op, const FusionLimits& limits) {
  const int64_t most = int64_t{limits.max_ops} - 1 + limits.max_operands;
  const std::span<const PortId> operands = graph.operands(op);
  if (std::ssize(operands) <= most) return false;
  std::vector<OpId> makers;
  for (const PortId port : operands) makers.push_back(graph.producer(port));
  std::sort(makers.begin(), makers.end());
  return std::unique(makers.begin(), makers.end()) - makers.begin() > most;
}

}  // namespace

GroupJudge::GroupJudge(const Problem& problem, std::span<const DeviceId> device)
    : graph_(problem.graph()),
      limits_(problem.fusion_limits()),
      members_(problem),
      judge_(problem.graph(), problem.fusion_limits()),
      ties_(problem, device) {}

bool GroupJudge::MayFuse(std::span<const OpId> ops) {
  if (ops.size() <= 1) return true;
  if (ops.size() > static_cast<size_t>(limits_.max_ops) || !ties_.MayShare(ops)) return false;
  members_.Load(ops);
  return judge_.Judge(ops, members_).ok();
}

bool GroupJudge::MayFuseConnected(std::span<const OpId> ops, const GroupSums& sums) {
  return Fits(sums) ? ties_.MayShare(ops) : MayFuse(ops);
}

GroupSums GroupJudge::SumsOf(OpId op) const {
  GroupSums sums = {
      .ops = 1,
      .operands = std::ssize(graph_.operands(op)),
      .plain = !FusionRuleOf(graph_.fusion_class(op)).contracts && !members_.MustBeLast(op)};
  const PortId first = graph_.first_port(op);
  for (PortId port = first; port < first + graph_.num_ports(op); ++port) {
    sums.on_chip = SaturatingAdd(sums.on_chip, members_.OnChip(port));
  }
  return sums;
}

// Whether a connected group is within all limits for sure: to connect n ops takes n - 1 operands
// that are made in the group.
bool GroupJudge::Fits(const GroupSums& sums) const {
  return sums.plain && sums.ops <= limits_.max_ops &&
         sums.operands - (sums.ops - 1) <= limits_.max_operands &&
         sums.on_chip <= limits_.on_chip_bytes;
}

GroupJudge::Members::Members(const Problem& problem)
    : op_(problem.graph().num_ops()), port_stamp_(problem.graph().num_ports(), 0) {
  const Graph& graph = problem.graph();
  alone_.reserve(graph.num_ops());
  must_be_last_.reserve(graph.num_ops());
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    const bool hub = IsHub(graph, op, problem.fusion_limits());
    alone_.push_back(hub ? FusionFault::kTooManyOperands : AloneFault(graph, op));
    must_be_last_.push_back(gopt::MustBeLast(graph, op) ? 1 : 0);
  }
  on_chip_.reserve(graph.num_ports());
  for (PortId port = 0; port < graph.num_ports(); ++port) {
    on_chip_.push_back(OnChipBytes(graph, port));
  }
  for (const Constraints::Group& group : problem.constraints().never_fuse) {
    for (const OpId op : group.ops) alone_[op] = FusionFault::kOpaque;
  }
}

void GroupJudge::Members::Load(std::span<const OpId> ops) {
  if (++stamp_ == 0) {  // All stamps have been used.
    std::fill(op_.begin(), op_.end(), Op{});
    std::fill(port_stamp_.begin(), port_stamp_.end(), 0);
    stamp_ = 1;
  }
  for (size_t i = 0; i < ops.size(); ++i) {
    op_[ops[i]] = {.stamp = stamp_, .index = static_cast<int32_t>(i)};
  }
}

}  // namespace gopt
