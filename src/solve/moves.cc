#include "src/solve/moves.h"

#include <algorithm>
#include <cmath>

namespace gopt {
namespace {

constexpr int kMostPicks = 16;
// Priorities shift by up to 2^-4 ... 2^-10 of the number of tasks.
constexpr int kLeastJitterOctave = 4;
constexpr int kJitterOctaves = 7;

}  // namespace

Moves::Moves(const TaskGraph& tasks, double critical_share, Random* random)
    : tasks_(tasks), critical_share_(critical_share), random_(random) {}

KernelId Moves::Pick() {
  if (!chain_.empty() && random_->Uniform() < critical_share_) {
    return chain_[random_->Below(static_cast<int64_t>(chain_.size()))];
  }
  return static_cast<KernelId>(random_->Below(tasks_.num_tasks()));
}

KernelId Moves::Neighbour(KernelId task) {
  const KernelGraph& graph = tasks_.kernel_graph();
  const auto before = KernelGraph::Row(graph.predecessors, graph.predecessor_begin, task);
  const auto after = KernelGraph::Row(graph.successors, graph.successor_begin, task);
  const auto count = static_cast<int64_t>(before.size() + after.size());
  if (count == 0) return kNone;
  const auto i = static_cast<size_t>(random_->Below(count));
  return i < before.size() ? before[i] : after[i - before.size()];
}

bool Moves::PickTarget(const SearchState& state, Target* target) {
  const bool copy_neighbour = random_->Below(2) == 0;
  for (int i = 0; i < kMostPicks; ++i) {
    const KernelId task = Pick();
    const KernelId neighbour = copy_neighbour ? Neighbour(task) : kNone;
    if (copy_neighbour && neighbour == kNone) continue;
    const auto allowed = tasks_.allowed(task);
    const DeviceId device = copy_neighbour
                                ? state.device(neighbour)
                                : allowed[random_->Below(static_cast<int64_t>(allowed.size()))];
    if (device == state.device(task) || !tasks_.is_allowed(task, device)) continue;
    *target = {task, device};
    return true;
  }
  return false;
}

const Grouping& Moves::PickGrouping(std::span<const Grouping> groupings) {
  return groupings[random_->Below(static_cast<int64_t>(groupings.size()))];
}

bool Moves::MoveOne(SearchState* state) {
  Target target;
  return PickTarget(*state, &target) && state->MoveTask(target.task, target.device);
}

bool Moves::MoveTwo(SearchState* state) {
  Target target;
  if (!PickTarget(*state, &target)) return false;
  const KernelId neighbour = Neighbour(target.task);
  state->MoveTask(target.task, target.device);
  if (neighbour != kNone) state->MoveTask(neighbour, target.device);
  return state->changed();
}

bool Moves::MoveGroup(std::span<const Grouping> groupings, SearchState* state) {
  Target target;
  if (!PickTarget(*state, &target)) return false;
  state->MoveTask(target.task, target.device);
  if (groupings.empty()) return true;
  const Grouping& grouping = PickGrouping(groupings);
  const int32_t group = grouping.group_of[target.task];
  if (group == kNone) return true;
  for (KernelId member : grouping.members(group)) state->MoveTask(member, target.device);
  return true;
}

bool Moves::SwapGroups(std::span<const Grouping> groupings, SearchState* state) {
  if (groupings.empty()) return false;
  const Grouping& grouping = PickGrouping(groupings);
  const KernelId task = Pick();
  const int32_t one = grouping.group_of[task];
  if (one == kNone) return false;
  const auto other = static_cast<int32_t>(random_->Below(grouping.num_groups()));
  const DeviceId here = state->device(task);
  const DeviceId there = state->device(grouping.members(other).front());
  if (other == one || here == there) return false;
  for (KernelId member : grouping.members(one)) state->MoveTask(member, there);
  for (KernelId member : grouping.members(other)) state->MoveTask(member, here);
  return state->changed();
}

bool Moves::Jitter(SearchState* state) {
  const KernelId task = Pick();
  const int octave = kLeastJitterOctave + static_cast<int>(random_->Below(kJitterOctaves));
  const double scale = std::ldexp(static_cast<double>(tasks_.num_tasks()), -octave);
  const double shift = (2.0 * random_->Uniform() - 1.0) * std::max(2.0, scale);
  return state->SetPriority(task, state->priority(task) + shift);
}

bool Moves::Any(std::span<const Grouping> groupings, SearchState* state) {
  const Tasks& open = tasks_.problem().tasks();
  if (!open.placement) return Jitter(state);
  const double pick = random_->Uniform();
  if (pick < 0.25 && open.scheduling) return Jitter(state);
  if (pick < 0.30) return SwapGroups(groupings, state);
  if (pick < 0.60) return MoveGroup(groupings, state);
  return pick < 0.80 ? MoveOne(state) : MoveTwo(state);
}

std::vector<KernelId> ChainKernels(const CostReport& report, int num_tasks) {
  std::vector<KernelId> kernels;
  kernels.reserve(report.critical_chain.size());
  for (const CriticalStep& step : report.critical_chain) {
    if (step.kernel >= 0 && step.kernel < num_tasks) kernels.push_back(step.kernel);
  }
  return kernels;
}

}  // namespace gopt
