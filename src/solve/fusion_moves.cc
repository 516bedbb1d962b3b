#include "src/solve/fusion_moves.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

constexpr double kSingleShare = 0.3, kPatternShare = 0.6;  // The rest: regions.
constexpr double kMergeShare = 0.5, kSplitShare = 0.3;     // The rest: shifts.
constexpr int kMostSteps = 8;                              // Of one Single.
constexpr double kMoveShare = 0.25;                        // Patterns that merge across devices.
constexpr double kEqualShare = 0.3;                        // Regions without priorities.
constexpr double kNeverShare = 0.2;                        // Looks that do not try in a region.

bool SameKernels(const Kernels& a, const Kernels& b) {
  return a.columns().begin == b.columns().begin && a.columns().ops == b.columns().ops;
}

}  // namespace

FusionMoves::FusionMoves(const Problem& problem, const OpCostModel& costs, double critical_share,
                         Random* random)
    : problem_(problem),
      costs_(costs),
      random_(random),
      picks_(critical_share, random),
      may_place_(problem.tasks().placement),
      groups_(problem),
      signatures_(problem.graph()) {}

bool FusionMoves::Any(std::span<const Grouping> groupings, SearchState* state) {
  const double pick = random_->Uniform();
  if (pick < kSingleShare) return Single(state);
  return pick < kSingleShare + kPatternShare ? Pattern(groupings, state) : Region(groupings, state);
}

bool FusionMoves::Single(SearchState* state) {
  if (!Follow(*state)) return false;
  int steps = 1;
  while (steps < kMostSteps && random_->Below(2) == 0) ++steps;
  for (; steps > 0; --steps) SingleStep(state);
  return Install(state);
}

void FusionMoves::SingleStep(SearchState* state) {
  const KernelId kernel = picks_.Pick(state->tasks());
  const Scope only = [kernel](KernelId k) { return k == kernel; };
  const double pick = random_->Uniform();
  if (pick < kMergeShare) {
    const KernelId other = picks_.Neighbour(state->tasks(), kernel);
    if (other != kNone) Merge(GroupOf(*state, kernel), GroupOf(*state, other), true, state);
  } else if (pick < kMergeShare + kSplitShare) {
    SplitPattern(kernel, only, *state);
  } else {
    ShiftPattern(kernel, only, state);
  }
}

bool FusionMoves::Pattern(std::span<const Grouping> groupings, SearchState* state) {
  if (!Follow(*state)) return false;
  const KernelId kernel = picks_.Pick(state->tasks());
  const Scope scope = PickScope(groupings, kernel, *state);
  const double pick = random_->Uniform();
  if (pick < kMergeShare) {
    MergePattern(kernel, scope, state);
  } else if (pick < kMergeShare + kSplitShare) {
    SplitPattern(kernel, scope, *state);
  } else {
    ShiftPattern(kernel, scope, state);
  }
  return Install(state);
}

bool FusionMoves::Region(std::span<const Grouping> groupings, SearchState* state) {
  if (!Follow(*state)) return false;
  const Scope scope = PickScope(groupings, picks_.Pick(state->tasks()), *state);
  const Kernels& kernels = *kept_;
  std::vector<OpId> ops;
  for (KernelId k = 0; k < kernels.size(); ++k) {
    if (!scope(k)) continue;
    Apply({.all = true}, k, *state);
    ops.insert(ops.end(), kernels.ops(k).begin(), kernels.ops(k).end());
  }
  std::sort(ops.begin(), ops.end());
  FuseAnew(ops, state);
  return Install(state);
}

bool FusionMoves::Inherit(const Kernels& other, const std::function<bool(KernelId)>& takes,
                          SearchState* state) {
  if (!Follow(*state)) return false;
  for (KernelId k = 0; k < kept_->size(); ++k) {
    if (takes(k)) Apply({.all = true}, k, *state);
  }
  for (KernelId k = 0; k < other.size(); ++k) {
    const std::span<const OpId> ops = other.ops(k);
    for (size_t i = 1; i < ops.size(); ++i) {
      if (!takes(kept_->kernel_of(ops[i]))) continue;
      for (size_t j = i; j-- > 0;) {
        if (!takes(kept_->kernel_of(ops[j]))) continue;
        if (Merge(groups_.group(ops[i]), groups_.group(ops[j]), false, state)) break;
      }
    }
  }
  return Install(state);
}

// Makes groups_ the state's kernels. False where that cannot be: they hold clones.
bool FusionMoves::Follow(const SearchState& state) {
  const std::shared_ptr<const Kernels>& now = state.plan().kernels;
  if (made_ != nullptr && now == made_) {
    groups_.Keep();
    kept_ = std::move(made_);
  } else if (now == kept_) {
    groups_.Undo();
  } else {
    kept_ = groups_.Assign(*now).ok() ? now : nullptr;
  }
  made_ = nullptr;
  return kept_ != nullptr;
}

// Gives the state the kernels that groups_ is now, or leaves both as they were.
bool FusionMoves::Install(SearchState* state) {
  if (groups_.changed()) {
    made_ = groups_.MakeKernels();
    if (!SameKernels(*made_, *kept_)) {
      auto tasks = ShareTasks(problem_, made_, costs_, &state->tasks());
      if (tasks.ok()) return state->Refuse(*std::move(tasks)), true;
    }
    made_ = nullptr;
    groups_.Undo();
  }
  state->Undo();
  return false;
}

// A third each: the whole graph, the kernel's device, its group.
FusionMoves::Scope FusionMoves::PickScope(std::span<const Grouping> groupings, KernelId kernel,
                                          const SearchState& state) {
  const int64_t pick = random_->Below(3);
  if (pick == 0) return [](KernelId) { return true; };
  if (pick == 1 || groupings.empty()) {
    return
        [&state, device = state.device(kernel)](KernelId k) { return state.device(k) == device; };
  }
  const Grouping& grouping = groupings[random_->Below(static_cast<int64_t>(groupings.size()))];
  const int32_t group = grouping.GroupOf(*kept_, kernel);
  return [&grouping, group, kernels = kept_](KernelId k) {
    return grouping.GroupOf(*kernels, k) == group;
  };
}

// A third each: all ops apart, the first few from the rest, one from the rest.
FusionMoves::Cut FusionMoves::PickCut(size_t num_ops) {
  const int64_t pick = random_->Below(3);
  if (pick == 0) return {.all = true};
  const auto at = static_cast<size_t>(random_->Below(static_cast<int64_t>(num_ops)));
  if (pick == 1) return {.begin = 0, .end = std::max<size_t>(1, at)};
  return {.begin = at, .end = at + 1};
}

void FusionMoves::MergePattern(KernelId kernel, const Scope& scope, SearchState* state) {
  const KernelId other = picks_.Neighbour(state->tasks(), kernel);
  if (other == kNone) return;
  const KernelGraph& graph = state->tasks().kernel_graph();
  const auto successors = [&](KernelId k) {
    return KernelGraph::Row(graph.successors, graph.successor_begin, k);
  };
  const auto after = successors(kernel);
  const bool forward = std::binary_search(after.begin(), after.end(), other);
  const std::vector<uint64_t>& look = signatures_.OfKernels(kept_);
  const uint64_t maker = look[forward ? kernel : other], reader = look[forward ? other : kernel];
  const bool may_move = random_->Uniform() < kMoveShare;
  const bool all_readers = random_->Below(2) == 0;
  for (KernelId k = 0; k < kept_->size(); ++k) {
    if (look[k] != maker || !scope(k)) continue;
    for (const KernelId next : successors(k)) {
      if (look[next] != reader || next == k) continue;
      const bool merged = Merge(GroupOf(*state, k), GroupOf(*state, next), may_move, state);
      if (merged && !all_readers) break;
    }
  }
}

void FusionMoves::SplitPattern(KernelId kernel, const Scope& scope, const SearchState& state) {
  const size_t num_ops = kept_->ops(kernel).size();
  if (num_ops < 2) return;
  const Cut cut = PickCut(num_ops);
  const std::vector<uint64_t>& look = signatures_.OfKernels(kept_);
  for (KernelId k = 0; k < kept_->size(); ++k) {
    if (look[k] == look[kernel] && scope(k)) Apply(cut, k, state);
  }
}

void FusionMoves::ShiftPattern(KernelId kernel, const Scope& scope, SearchState* state) {
  const KernelId other = picks_.Neighbour(state->tasks(), kernel);
  const std::span<const OpId> ops = kept_->ops(kernel);
  if (other == kNone || ops.size() < 2) return;
  const auto position = static_cast<size_t>(random_->Below(static_cast<int64_t>(ops.size())));
  const std::vector<uint64_t>& look = signatures_.OfKernels(kept_);
  const KernelGraph& graph = state->tasks().kernel_graph();
  for (KernelId k = 0; k < kept_->size(); ++k) {
    if (look[k] != look[kernel] || !scope(k)) continue;
    for (const auto& row : {KernelGraph::Row(graph.predecessors, graph.predecessor_begin, k),
                            KernelGraph::Row(graph.successors, graph.successor_begin, k)}) {
      const auto like = std::find_if(row.begin(), row.end(),
                                     [&](KernelId next) { return look[next] == look[other]; });
      if (like == row.end()) continue;
      ShiftOne(k, position, *like, state);
      break;
    }
  }
}

// Of one kernel an op goes over to a neighbour, or at least leaves.
void FusionMoves::ShiftOne(KernelId kernel, size_t position, KernelId neighbour,
                           SearchState* state) {
  const OpId op = kept_->ops(kernel)[position];
  if (!groups_.Detach(op)) return;
  Merge(groups_.group(op), GroupOf(*state, neighbour), false, state);
}

void FusionMoves::Apply(const Cut& cut, KernelId kernel, const SearchState& state) {
  const std::span<const OpId> ops = kept_->ops(kernel);
  if (ops.size() < 2) return;
  if (!cut.all) {
    const OpId group = GroupOf(state, kernel);
    const std::span<const OpId> now = groups_.ops(group);
    const bool untouched = std::equal(ops.begin(), ops.end(), now.begin(), now.end());
    if (untouched) groups_.Split(group, ops.subspan(cut.begin, cut.end - cut.begin));
    return;
  }
  for (const OpId op : ops) groups_.Detach(op);
}

// GO's order: forward ops try what makes their inputs, backward ops what reads their outputs.
void FusionMoves::FuseAnew(std::span<const OpId> ops, SearchState* state) {
  const Graph& graph = problem_.graph();
  std::vector<double> pick(signatures_.num_op_looks(), 1.0);
  const bool equal = random_->Uniform() < kEqualShare;
  for (double& p : pick) p = equal ? 1.0 : random_->Uniform();
  std::vector<OpId> order(ops.begin(), ops.end());
  const auto pick_of = [&](OpId op) { return pick[signatures_.of_op(op)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](OpId a, OpId b) { return pick_of(a) > pick_of(b); });
  for (const OpId op : order) {
    if (pick_of(op) < kNeverShare) break;
    const bool backward = graph.phase(op) == Phase::kBackward;
    for (const OpId other : backward ? graph.successors(op) : graph.predecessors(op)) {
      if (!std::binary_search(ops.begin(), ops.end(), other)) continue;
      Merge(groups_.group(op), groups_.group(other), false, state);
    }
  }
}

OpId FusionMoves::GroupOf(const SearchState& state, KernelId kernel) const {
  return groups_.group(state.plan().kernels->ops(kernel).front());
}

// may_move: also across devices, where one of the two moves.
bool FusionMoves::Merge(OpId a, OpId b, bool may_move, SearchState* state) {
  if (a == b || !groups_.CanMerge(a, b)) return false;
  const auto device = [&](OpId group) { return state->device(kept_->kernel_of(group)); };
  if (device(a) != device(b)) {
    if (!may_move || !may_place_) return false;
    if (random_->Below(2) == 0) std::swap(a, b);
    if (!Gather(b, device(a), state)) return false;
  }
  return groups_.Merge(a, b);
}

// Moves all kernels of a group to the device, or none.
bool FusionMoves::Gather(OpId group, DeviceId device, SearchState* state) {
  const std::span<const OpId> ops = groups_.ops(group);
  const auto allowed = [&](OpId op) {
    return state->tasks().is_allowed(kept_->kernel_of(op), device);
  };
  if (!std::all_of(ops.begin(), ops.end(), allowed)) return false;
  for (const OpId op : ops) state->MoveTask(kept_->kernel_of(op), device);
  return true;
}

}  // namespace gopt
