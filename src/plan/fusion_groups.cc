#include "gopt/plan/fusion_groups.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"
#include "gopt/base/status_macros.h"
#include "gopt/plan/kernel_graph.h"
#include "src/plan/describe.h"
#include "src/plan/fused_bytes.h"
#include "src/plan/given_devices.h"
#include "src/plan/group_judge.h"
#include "src/plan/group_paths.h"
#include "src/plan/group_pieces.h"
#include "src/plan/group_table.h"
#include "src/plan/kernel_rules.h"

namespace gopt {

class FusionGroups::Impl {
 public:
  Impl(const Problem& problem, std::span<const DeviceId> device)
      : problem_(problem),
        graph_(problem.graph()),
        bytes_(ResolveOpBytes(graph_)),
        table_(graph_),
        paths_(graph_, table_),
        judge_(problem, GivenDevices(problem, device)),
        pieces_(graph_),
        sums_(graph_.num_ops()) {
    Sum();
  }

  const GroupTable& table() const { return table_; }
  bool MayShare(OpId group) const { return !judge_.IsAlone(group); }

  absl::Status Assign(const Kernels& kernels);
  void Neighbours(OpId group, std::vector<OpId>* neighbours) const;
  int64_t SavedBytes(OpId a, OpId b);
  bool CanMerge(OpId a, OpId b);
  bool Merge(OpId a, OpId b);
  bool Split(OpId group, std::span<const OpId> part);
  bool changed() const { return !changes_.empty(); }
  void Keep();
  void Undo();
  std::shared_ptr<const Kernels> MakeKernels() const;

 private:
  // Undone in reverse. A merge: the ops of the group that came second. A split: the names of its
  // pieces.
  struct Change {
    bool merge;
    size_t begin;  // In undo_ops_.
  };

  absl::Status CheckKernels(const Kernels& kernels);
  void Sum();
  void Unite(OpId a, OpId b);
  template <typename Visit>
  bool AnyEdge(OpId a, OpId b, Visit visit) const;
  void Join(OpId a, OpId b);
  int64_t SavedByOp(OpId op, OpId a, OpId b) const;
  void TakeApart(OpId group, std::span<const std::vector<OpId>> pieces);
  void UndoMerge(std::span<const OpId> second);
  void UndoSplit(std::span<const OpId> pieces);

  const Problem& problem_;
  const Graph& graph_;
  const OpBytes bytes_;
  GroupTable table_;
  GroupPaths paths_;
  GroupJudge judge_;
  GroupPieces pieces_;
  std::vector<GroupSums> sums_;  // Per group.
  std::vector<OpId> union_, touched_;
  std::vector<Change> changes_;
  std::vector<OpId> undo_ops_;
};

absl::Status FusionGroups::Impl::CheckKernels(const Kernels& kernels) {
  if (!SameGraph(graph_, kernels.graph())) {
    return absl::InvalidArgumentError("fusion groups: the kernels are of another graph");
  }
  if (kernels.has_clones()) {
    return absl::InvalidArgumentError("fusion groups: the kernels hold clones");
  }
  for (KernelId k = 0; k < kernels.size(); ++k) {
    const std::span<const OpId> ops = kernels.ops(k);
    if (ops.size() == 1) continue;
    GOPT_RETURN_IF_ERROR(CheckFusible(graph_, ops, problem_.fusion_limits()));
    const auto alone =
        std::find_if(ops.begin(), ops.end(), [&](OpId op) { return judge_.IsAlone(op); });
    if (alone == ops.end() && judge_.MayFuse(ops)) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        DescribeKernel(kernels, k), ": ",
        alone != ops.end() ? absl::StrCat(graph_.Describe(*alone), " must never fuse")
                           : "its ops may not share a device, or would narrow that of others"));
  }
  return absl::OkStatus();
}

absl::Status FusionGroups::Impl::Assign(const Kernels& kernels) {
  GOPT_RETURN_IF_ERROR(CheckKernels(kernels));
  GOPT_ASSIGN_OR_RETURN(const KernelGraph dag, KernelGraph::Create(kernels, {}));
  Keep();
  table_.Assign(kernels);
  std::vector<OpId> order;
  order.reserve(dag.topological_order.size());
  for (const KernelId k : dag.topological_order) order.push_back(kernels.ops(k).front());
  paths_.Assign(order);
  Sum();
  return absl::OkStatus();
}

void FusionGroups::Impl::Sum() {
  for (const OpId op : graph_.kernel_ops()) sums_[op] = judge_.SumsOf(op);
  for (const OpId op : graph_.kernel_ops()) {
    if (const OpId group = table_.group(op); group != op) sums_[group].Add(judge_.SumsOf(op));
  }
}

void FusionGroups::Impl::Neighbours(OpId group, std::vector<OpId>* neighbours) const {
  neighbours->clear();
  const auto add = [&](OpId op) {
    const OpId other = table_.group(op);
    if (other != kNone && other != group) neighbours->push_back(other);
  };
  for (const OpId op : table_.ops(group)) {
    for (const PortId port : graph_.operands(op)) add(graph_.producer(port));
    const PortId first = graph_.first_port(op);
    for (PortId port = first; port < first + graph_.num_ports(op); ++port) {
      for (const OpId reader : graph_.readers(port)) add(reader);
    }
  }
  std::sort(neighbours->begin(), neighbours->end());
  neighbours->erase(std::unique(neighbours->begin(), neighbours->end()), neighbours->end());
}

// What the op saves in the kernel of the groups a and b; nothing in a kernel of its own.
int64_t FusionGroups::Impl::SavedByOp(OpId op, OpId a, OpId b) const {
  if (a == b && table_.ops(a).size() == 1) return 0;
  const auto holds = [&](OpId other) {
    const OpId group = table_.group(other);
    return group == a || group == b;
  };
  const auto leaves = [&](PortId port) {
    const std::span<const OpId> readers = graph_.readers(port);
    return !std::all_of(readers.begin(), readers.end(), holds);
  };
  return CountSavedByOp(graph_, bytes_, op, holds, leaves);
}

// Calls visit(op) with ops of b that a reads from or that read from a, some of them more than once,
// until one is true; whether one was. Best where a is the smaller: costs what its edges cost, but
// for tensors of many readers.
template <typename Visit>
bool FusionGroups::Impl::AnyEdge(OpId a, OpId b, Visit visit) const {
  const std::span<const OpId> others = table_.ops(b);
  const auto reads = [&](OpId op, PortId port) {
    const std::span<const PortId> operands = graph_.operands(op);
    return std::find(operands.begin(), operands.end(), port) != operands.end();
  };
  for (const OpId op : table_.ops(a)) {
    for (const PortId port : graph_.operands(op)) {
      const OpId maker = graph_.producer(port);
      if (table_.group(maker) == b && visit(maker)) return true;
    }
    const PortId first = graph_.first_port(op);
    for (PortId port = first; port < first + graph_.num_ports(op); ++port) {
      const std::span<const OpId> readers = graph_.readers(port);
      const bool few = readers.size() <= 2 * others.size();
      for (const OpId reader : few ? readers : others) {
        const bool edge = few ? table_.group(reader) == b : reads(reader, port);
        if (edge && visit(reader)) return true;
      }
    }
  }
  return false;
}

// Only ops that read from the other group, or that it reads from, save other than before; and those
// that were alone.
int64_t FusionGroups::Impl::SavedBytes(OpId a, OpId b) {
  if (table_.ops(a).size() > table_.ops(b).size()) std::swap(a, b);
  touched_.clear();
  int64_t before = 0, after = 0;
  const auto count = [&](OpId op, OpId own) {
    before = SaturatingAdd(before, SavedByOp(op, own, own));
    after = SaturatingAdd(after, SavedByOp(op, a, b));
  };
  for (const OpId op : table_.ops(a)) count(op, a);
  AnyEdge(a, b, [&](OpId op) {
    touched_.push_back(op);
    return false;
  });
  if (table_.ops(b).size() == 1) touched_.push_back(b);
  std::sort(touched_.begin(), touched_.end());
  touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
  for (const OpId op : touched_) count(op, b);
  return after - before;
}

void FusionGroups::Impl::Unite(OpId a, OpId b) {
  const std::span<const OpId> left = table_.ops(a), right = table_.ops(b);
  union_.clear();
  std::merge(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(union_));
}

bool FusionGroups::Impl::CanMerge(OpId a, OpId b) {
  GOPT_CHECK(a != b);
  if (judge_.IsAlone(a) || judge_.IsAlone(b)) return false;
  const size_t size = table_.ops(a).size() + table_.ops(b).size();
  if (size > static_cast<size_t>(problem_.fusion_limits().max_ops)) return false;
  const auto [small, large] =
      table_.ops(a).size() <= table_.ops(b).size() ? std::pair(a, b) : std::pair(b, a);
  if (!AnyEdge(small, large, [](OpId) { return true; })) return false;
  Unite(a, b);
  GroupSums sums = sums_[a];
  sums.Add(sums_[b]);
  return judge_.MayFuseConnected(union_, sums) && !paths_.Joined(a, b);
}

bool FusionGroups::Impl::Merge(OpId a, OpId b) {
  if (!CanMerge(a, b)) return false;
  changes_.push_back({.merge = true, .begin = undo_ops_.size()});
  const OpId first = paths_.Join(a, b);
  const std::span<const OpId> second = table_.ops(first == a ? b : a);
  undo_ops_.insert(undo_ops_.end(), second.begin(), second.end());
  Join(a, b);
  return true;
}

void FusionGroups::Impl::Join(OpId a, OpId b) {
  table_.Join(a, b);
  sums_[std::min(a, b)].Add(sums_[std::max(a, b)]);
}

bool FusionGroups::Impl::Split(OpId group, std::span<const OpId> part) {
  if (!pieces_.Find(table_.ops(group), part)) return false;
  for (const std::vector<OpId>& piece : pieces_.pieces()) {
    if (!judge_.MayFuse(piece)) return false;
  }
  changes_.push_back({.merge = false, .begin = undo_ops_.size()});
  for (const std::vector<OpId>& piece : pieces_.pieces()) undo_ops_.push_back(piece.front());
  TakeApart(group, pieces_.pieces());
  return true;
}

void FusionGroups::Impl::TakeApart(OpId group, std::span<const std::vector<OpId>> pieces) {
  std::vector<OpId> names;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (i + 1 < pieces.size()) table_.TakeOut(pieces[i]);
    names.push_back(pieces[i].front());
    GroupSums& sums = sums_[names.back()] = {};
    for (const OpId op : pieces[i]) sums.Add(judge_.SumsOf(op));
  }
  paths_.Split(group, names);
}

void FusionGroups::Impl::Keep() {
  changes_.clear();
  undo_ops_.clear();
}

void FusionGroups::Impl::Undo() {
  while (!changes_.empty()) {
    const Change change = changes_.back();
    changes_.pop_back();
    const std::vector<OpId> ops(undo_ops_.begin() + static_cast<ptrdiff_t>(change.begin),
                                undo_ops_.end());
    undo_ops_.resize(change.begin);
    change.merge ? UndoMerge(ops) : UndoSplit(ops);
  }
}

// Nothing stands between the halves, which take the place of the union one after the other.
void FusionGroups::Impl::UndoMerge(std::span<const OpId> second) {
  const OpId group = table_.group(second.front());
  const std::span<const OpId> all = table_.ops(group);
  std::vector<std::vector<OpId>> halves(2);
  std::set_difference(all.begin(), all.end(), second.begin(), second.end(),
                      std::back_inserter(halves[0]));
  halves[1].assign(second.begin(), second.end());
  TakeApart(group, halves);
}

// The pieces were neighbours in a topological order, so they can be joined one by one; other groups
// may stand between them by now, which Join() moves aside.
void FusionGroups::Impl::UndoSplit(std::span<const OpId> pieces) {
  OpId group = pieces.front();
  for (const OpId piece : pieces.subspan(1)) {
    GOPT_CHECK(!paths_.Joined(group, piece, /*patient=*/true));
    paths_.Join(group, piece);
    Join(group, piece);
    group = std::min(group, piece);
  }
}

std::shared_ptr<const Kernels> FusionGroups::Impl::MakeKernels() const {
  Kernels::Columns columns;
  columns.begin.reserve(table_.size() + 1);
  columns.begin.push_back(0);
  columns.ops.reserve(graph_.kernel_ops().size());
  for (const OpId op : graph_.kernel_ops()) {
    if (table_.group(op) != op) continue;
    const std::span<const OpId> ops = table_.ops(op);
    columns.ops.insert(columns.ops.end(), ops.begin(), ops.end());
    columns.begin.push_back(static_cast<int32_t>(columns.ops.size()));
  }
  auto kernels = Kernels::Create(problem_.shared_graph(), std::move(columns));
  GOPT_CHECK(kernels.ok());
  return *std::move(kernels);
}

FusionGroups::FusionGroups(const Problem& problem, std::span<const DeviceId> device)
    : impl_(std::make_unique<Impl>(problem, device)) {}
FusionGroups::FusionGroups(FusionGroups&&) noexcept = default;
FusionGroups& FusionGroups::operator=(FusionGroups&&) noexcept = default;
FusionGroups::~FusionGroups() = default;

absl::Status FusionGroups::Assign(const Kernels& kernels) { return impl_->Assign(kernels); }
int FusionGroups::size() const { return impl_->table().size(); }
OpId FusionGroups::group(OpId op) const { return impl_->table().group(op); }
std::span<const OpId> FusionGroups::ops(OpId group) const { return impl_->table().ops(group); }
void FusionGroups::Neighbours(OpId group, std::vector<OpId>* neighbours) const {
  impl_->Neighbours(group, neighbours);
}
bool FusionGroups::MayShare(OpId group) const { return impl_->MayShare(group); }
int64_t FusionGroups::SavedBytes(OpId a, OpId b) const { return impl_->SavedBytes(a, b); }
bool FusionGroups::CanMerge(OpId a, OpId b) const { return impl_->CanMerge(a, b); }
bool FusionGroups::Merge(OpId a, OpId b) { return impl_->Merge(a, b); }
bool FusionGroups::Split(OpId group, std::span<const OpId> part) {
  return impl_->Split(group, part);
}
bool FusionGroups::Detach(OpId op) {
  const OpId group = impl_->table().group(op);
  return impl_->table().ops(group).size() > 1 && impl_->Split(group, {&op, 1});
}
bool FusionGroups::changed() const { return impl_->changed(); }
void FusionGroups::Keep() { impl_->Keep(); }
void FusionGroups::Undo() { impl_->Undo(); }
std::shared_ptr<const Kernels> FusionGroups::MakeKernels() const { return impl_->MakeKernels(); }

}  // namespace gopt
