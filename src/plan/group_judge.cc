#include "src/plan/group_judge.h"

namespace gopt {

GroupJudge::GroupJudge(const Problem& problem, std::span<const DeviceId> device)
    : max_ops_(problem.fusion_limits().max_ops),
      members_(problem),
      judge_(problem.graph(), problem.fusion_limits()),
      ties_(problem, device) {}

bool GroupJudge::MayFuse(std::span<const OpId> ops) {
  if (ops.size() <= 1) return true;
  if (ops.size() > static_cast<size_t>(max_ops_) || !ties_.MayShare(ops)) return false;
  members_.Load(ops);
  return judge_.Judge(ops, members_).ok();
}

GroupJudge::Members::Members(const Problem& problem)
    : op_stamp_(problem.graph().num_ops(), 0),
      port_stamp_(problem.graph().num_ports(), 0),
      index_(problem.graph().num_ops(), 0) {
  const Graph& graph = problem.graph();
  alone_.reserve(graph.num_ops());
  must_be_last_.reserve(graph.num_ops());
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    alone_.push_back(AloneFault(graph, op));
    must_be_last_.push_back(gopt::MustBeLast(graph, op) ? 1 : 0);
  }
  for (const Constraints::Group& group : problem.constraints().never_fuse) {
    for (const OpId op : group.ops) alone_[op] = FusionFault::kOpaque;
  }
}

void GroupJudge::Members::Load(std::span<const OpId> ops) {
  ++stamp_;
  for (size_t i = 0; i < ops.size(); ++i) {
    op_stamp_[ops[i]] = stamp_;
    index_[ops[i]] = static_cast<int32_t>(i);
  }
}

}  // namespace gopt
