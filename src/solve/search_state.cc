#include "src/solve/search_state.h"

#include <algorithm>
#include <utility>

namespace gopt {

SearchState::SearchState(const TaskGraph& tasks, std::vector<DeviceId> device,
                         std::span<const KernelId> order)
    : tasks_(tasks), priority_(order.size()), order_(order.begin(), order.end()) {
  std::vector<int32_t> rank(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    rank[order[i]] = static_cast<int32_t>(i);
    priority_[order[i]] = static_cast<double>(i);
  }
  plan_ = tasks.MakePlan(std::move(device), std::move(rank), "");
}

bool SearchState::MoveTask(KernelId task, DeviceId device) {
  if (plan_.device[task] == device || !tasks_.is_allowed(task, device)) return false;
  const int32_t group = tasks_.group(task);
  const auto unit =
      group == kNone ? std::span<const KernelId>(&task, 1) : tasks_.group_tasks(group);
  for (KernelId member : unit) {
    moves_.push_back({member, plan_.device[member]});
    plan_.device[member] = device;
  }
  return true;
}

bool SearchState::SetPriority(KernelId task, double priority) {
  const int32_t from = plan_.rank[task];
  const auto lower = [&](KernelId other, double value) { return priority_[other] < value; };
  // The others stay sorted around the gap that the task leaves.
  const auto begin = order_.begin();
  int32_t to;
  if (priority > priority_[task]) {
    to = static_cast<int32_t>(std::lower_bound(begin + from + 1, order_.end(), priority, lower) -
                              begin) -
         1;
  } else {
    to = static_cast<int32_t>(std::lower_bound(begin, begin + from, priority, lower) - begin);
  }
  shifts_.push_back({task, priority_[task], from});
  priority_[task] = priority;
  if (to == from) return false;
  ShiftTo(task, to);
  return true;
}

void SearchState::Keep() {
  moves_.clear();
  shifts_.clear();
}

void SearchState::Undo() {
  for (auto it = moves_.rbegin(); it != moves_.rend(); ++it) plan_.device[it->task] = it->before;
  for (auto it = shifts_.rbegin(); it != shifts_.rend(); ++it) {
    ShiftTo(it->task, it->position);
    priority_[it->task] = it->before;
  }
  Keep();
}

void SearchState::ShiftTo(KernelId task, int32_t position) {
  int32_t at = plan_.rank[task];
  for (; at < position; ++at) {
    order_[at] = order_[at + 1];
    plan_.rank[order_[at]] = at;
  }
  for (; at > position; --at) {
    order_[at] = order_[at - 1];
    plan_.rank[order_[at]] = at;
  }
  order_[position] = task;
  plan_.rank[task] = position;
}

}  // namespace gopt
