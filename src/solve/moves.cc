#include "src/solve/moves.h"

#include <algorithm>
#include <cmath>

namespace gopt {
namespace {

constexpr int kMostPicks = 16;
// Priorities shift by up to 2^-4 ... 2^-10 of the number of tasks.
constexpr int kLeastJitterOctave = 4;
constexpr int kJitterOctaves = 7;

// The kernels that begin with one of the ops.
void MoveAll(std::span<const OpId> ops, DeviceId device, SearchState* state) {
  const Kernels& kernels = *state->plan().kernels;
  for (const OpId op : ops) {
    for (const KernelId kernel : kernels.kernels_of(op)) {
      if (kernels.ops(kernel).front() == op) state->MoveTask(kernel, device);
    }
  }
}

}  // namespace

Moves::Moves(double critical_share, Random* random)
    : random_(random), picks_(critical_share, random) {}

bool Moves::PickTarget(const SearchState& state, Target* target) {
  const TaskGraph& tasks = state.tasks();
  const bool copy_neighbour = random_->Below(2) == 0;
  for (int i = 0; i < kMostPicks; ++i) {
    const KernelId task = picks_.Pick(tasks);
    const KernelId neighbour = copy_neighbour ? picks_.Neighbour(tasks, task) : kNone;
    if (copy_neighbour && neighbour == kNone) continue;
    const auto allowed = tasks.allowed(task);
    const DeviceId device = copy_neighbour
                                ? state.device(neighbour)
                                : allowed[random_->Below(static_cast<int64_t>(allowed.size()))];
    if (device == state.device(task) || !tasks.is_allowed(task, device)) continue;
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
  const KernelId neighbour = picks_.Neighbour(state->tasks(), target.task);
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
  const Kernels& kernels = *state->plan().kernels;
  const int32_t group = grouping.GroupOf(kernels, target.task);
  if (group == kNone) return true;
  MoveAll(grouping.members(group), target.device, state);
  return true;
}

bool Moves::SwapGroups(std::span<const Grouping> groupings, SearchState* state) {
  if (groupings.empty()) return false;
  const Grouping& grouping = PickGrouping(groupings);
  const Kernels& kernels = *state->plan().kernels;
  const KernelId task = picks_.Pick(state->tasks());
  const int32_t one = grouping.GroupOf(kernels, task);
  if (one == kNone) return false;
  const auto other = static_cast<int32_t>(random_->Below(grouping.num_groups()));
  const DeviceId here = state->device(task);
  const DeviceId there = state->device(kernels.kernel_of(grouping.members(other).front()));
  if (other == one || here == there) return false;
  MoveAll(grouping.members(one), there, state);
  MoveAll(grouping.members(other), here, state);
  return state->changed();
}

bool Moves::Jitter(SearchState* state) {
  const KernelId task = picks_.Pick(state->tasks());
  const int octave = kLeastJitterOctave + static_cast<int>(random_->Below(kJitterOctaves));
  const double scale = std::ldexp(static_cast<double>(state->tasks().num_tasks()), -octave);
  const double shift = (2.0 * random_->Uniform() - 1.0) * std::max(2.0, scale);
  return state->SetPriority(task, state->priority(task) + shift);
}

bool Moves::Any(std::span<const Grouping> groupings, SearchState* state) {
  const Tasks& open = state->tasks().problem().tasks();
  if (!open.placement) return Jitter(state);
  const double pick = random_->Uniform();
  const bool may_order = open.scheduling && state->plan().dispatch != Dispatch::kFifo;
  if (pick < 0.25 && may_order) return Jitter(state);
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
