#include "src/plan/into_consumers.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "gopt/base/check.h"
#include "gopt/plan/clone_rules.h"
#include "src/plan/given_devices.h"
#include "src/plan/group_judge.h"

namespace gopt {
namespace {

// Ops from the last to the first; those decided are in the kernels made so far, all others alone.
//
// No step makes a cycle. An op goes into all kernels that wait for it, by data or control, so its
// own kernel is gone, and what each of those kernels waits for in its place, the op waited for: a
// path that is new went through the op before. Its own operands are made by ops not yet decided,
// of which there is one copy each; so no choice of copies depends on devices: a reader has its own
// copy, or there is but one.
class ConsumerFuser {
 public:
  ConsumerFuser(const Problem& problem, std::span<const DeviceId> device)
      : problem_(problem),
        graph_(problem.graph()),
        judge_(problem, GivenDevices(problem, device)),
        rows_(graph_.num_ops()) {
    members_.reserve(2 * graph_.kernel_ops().size());
  }

  std::shared_ptr<const Kernels> Fuse(std::span<const int32_t> picks) {
    const std::span<const OpId> ops = graph_.kernel_ops();
    for (auto op = ops.rbegin(); op != ops.rend(); ++op) {
      const bool wanted = picks.empty() || picks[*op] != 0;
      if (!wanted || !FindConsumers(*op) || !AllTake(*op)) {
        consumers_.assign(1, static_cast<int32_t>(kernels_.size()));
        kernels_.emplace_back();
      }
      Add(*op);
    }
    return MakeKernels();
  }

 private:
  // An op in a kernel.
  struct Member {
    OpId op;
    int32_t kernel;
    int32_t next;  // The kernel's next higher op; kNone: it is the highest.
  };
  struct Kernel {
    int32_t lowest = kNone;  // Its member.
    GroupSums sums;
  };
  // Members of one op.
  struct Row {
    int32_t begin = 0, end = 0;
  };

  bool MayBeCloned(OpId op) const {
    const PortId first = graph_.first_port(op);
    for (PortId port = first; port < first + graph_.num_ports(op); ++port) {
      if (graph_.is_output(port)) return false;
    }
    return WhyItRunsOnce(graph_, op).empty();
  }

  void AddKernelsOf(OpId op, std::vector<int32_t>* kernels) const {
    for (int32_t i = rows_[op].begin; i < rows_[op].end; ++i) {
      kernels->push_back(members_[i].kernel);
    }
  }

  static void Normalize(std::vector<int32_t>* kernels) {
    std::sort(kernels->begin(), kernels->end());
    kernels->erase(std::unique(kernels->begin(), kernels->end()), kernels->end());
  }

  // The kernels that read the op; false if there are none or if others wait for it.
  bool FindConsumers(OpId op) {
    consumers_.clear();
    waiting_.clear();
    if (judge_.IsAlone(op)) return false;
    const PortId first = graph_.first_port(op);
    for (PortId port = first; port < first + graph_.num_ports(op); ++port) {
      for (const OpId reader : graph_.readers(port)) AddKernelsOf(reader, &consumers_);
    }
    Normalize(&consumers_);
    for (const OpId after : graph_.successors(op)) AddKernelsOf(after, &waiting_);
    Normalize(&waiting_);
    return !consumers_.empty() && consumers_ == waiting_;
  }

  bool AllTake(OpId op) {
    if (consumers_.size() > 1 && !MayBeCloned(op)) return false;
    const GroupSums own = judge_.SumsOf(op);
    return std::all_of(consumers_.begin(), consumers_.end(), [&](int32_t kernel) {
      const Member& lowest = members_[kernels_[kernel].lowest];
      if (lowest.next == kNone && judge_.IsAlone(lowest.op)) return false;
      candidate_.assign(1, op);
      AddOps(kernel, &candidate_);
      GroupSums sums = kernels_[kernel].sums;
      sums.Add(own);
      return judge_.MayFuseConnected(candidate_, sums);
    });
  }

  // Ascending.
  void AddOps(int32_t kernel, std::vector<OpId>* ops) const {
    for (int32_t i = kernels_[kernel].lowest; i != kNone; i = members_[i].next) {
      ops->push_back(members_[i].op);
    }
  }

  // Into the kernels in hand.
  void Add(OpId op) {
    const GroupSums own = judge_.SumsOf(op);
    rows_[op].begin = static_cast<int32_t>(members_.size());
    for (const int32_t kernel : consumers_) {
      const auto member = static_cast<int32_t>(members_.size());
      members_.push_back({.op = op, .kernel = kernel, .next = kernels_[kernel].lowest});
      kernels_[kernel].lowest = member;
      kernels_[kernel].sums.Add(own);
    }
    rows_[op].end = static_cast<int32_t>(members_.size());
  }

  // Whether the kernel comes before the other: by their ops, from the lowest up.
  bool Before(int32_t kernel, int32_t other) const {
    int32_t a = kernels_[kernel].lowest, b = kernels_[other].lowest;
    while (a != kNone && b != kNone && members_[a].op == members_[b].op) {
      a = members_[a].next;
      b = members_[b].next;
    }
    if (a == kNone || b == kNone) return a == kNone && b != kNone;
    return members_[a].op < members_[b].op;
  }

  std::shared_ptr<const Kernels> MakeKernels() const {
    std::vector<int32_t> order(kernels_.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return Before(a, b); });
    Kernels::Columns columns;
    columns.ops.reserve(members_.size());
    columns.begin.reserve(kernels_.size() + 1);
    columns.begin.push_back(0);
    for (const int32_t kernel : order) {
      AddOps(kernel, &columns.ops);
      columns.begin.push_back(static_cast<int32_t>(columns.ops.size()));
    }
    auto kernels = Kernels::Create(problem_.shared_graph(), std::move(columns));
    GOPT_CHECK(kernels.ok());
    return *std::move(kernels);
  }

  const Problem& problem_;
  const Graph& graph_;
  GroupJudge judge_;
  std::vector<Member> members_;  // By op, from the last.
  std::vector<Kernel> kernels_;
  std::vector<Row> rows_;  // Per op.
  std::vector<int32_t> consumers_, waiting_;
  std::vector<OpId> candidate_;
};

}  // namespace

std::shared_ptr<const Kernels> FuseIntoConsumers(const Problem& problem,
                                                 std::span<const int32_t> picks,
                                                 std::span<const DeviceId> device) {
  return ConsumerFuser(problem, device).Fuse(picks);
}

}  // namespace gopt
