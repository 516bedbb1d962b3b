#include "src/solve/search_state.h"

#include <algorithm>
#include <utility>

#include "src/solve/carry.h"

namespace gopt {

SearchState::SearchState(std::shared_ptr<const TaskGraph> tasks, std::span<const DeviceId> device,
                         std::span<const KernelId> order, Dispatch dispatch) {
  Assign(std::move(tasks), device, order, dispatch);
}

void SearchState::Assign(std::shared_ptr<const TaskGraph> tasks, std::span<const DeviceId> device,
                         std::span<const KernelId> order, Dispatch dispatch) {
  Keep();
  if (tasks_ != tasks) {
    tasks_ = std::move(tasks);
    plan_.kernels = tasks_->kernels();
  }
  sequence_ = dispatch == Dispatch::kSequence;
  order_.assign(order.begin(), order.end());
  plan_.device.assign(device.begin(), device.end());
  plan_.rank.resize(order_.size());
  priority_.resize(order_.size());
  for (size_t i = 0; i < order_.size(); ++i) {
    plan_.rank[order_[i]] = static_cast<int32_t>(i);
    priority_[order_[i]] = static_cast<double>(i);
  }
  plan_.dispatch = dispatch;
  plan_.sequence.assign(order_.begin(), sequence_ ? order_.end() : order_.begin());
}

bool SearchState::MoveTask(KernelId task, DeviceId device) {
  if (plan_.device[task] == device || !tasks_->is_allowed(task, device)) return false;
  const int32_t group = tasks_->group(task);
  const auto unit =
      group == kNone ? std::span<const KernelId>(&task, 1) : tasks_->group_tasks(group);
  for (KernelId member : unit) {
    moves_.push_back({member, plan_.device[member]});
    plan_.device[member] = device;
  }
  return true;
}

bool SearchState::SetPriority(KernelId task, double priority) {
  const int32_t from = plan_.rank[task];
  const int32_t wanted = PositionFor(task, priority);
  const int32_t to = sequence_ ? ClampToNeighbours(task, wanted) : wanted;
  shifts_.push_back({task, priority_[task], from});
  ShiftTo(task, to);
  priority_[task] = to == wanted ? priority : PriorityBetweenNeighbours(to);
  return to != from;
}

// The others stay sorted around the gap that the task leaves.
int32_t SearchState::PositionFor(KernelId task, double priority) const {
  const int32_t from = plan_.rank[task];
  const auto lower = [&](KernelId other, double value) { return priority_[other] < value; };
  const auto begin = order_.begin();
  if (priority > priority_[task]) {
    const auto after = std::lower_bound(begin + from + 1, order_.end(), priority, lower);
    return static_cast<int32_t>(after - begin) - 1;
  }
  return static_cast<int32_t>(std::lower_bound(begin, begin + from, priority, lower) - begin);
}

int32_t SearchState::ClampToNeighbours(KernelId task, int32_t position) const {
  const KernelGraph& graph = tasks_->kernel_graph();
  for (KernelId k : KernelGraph::Row(graph.predecessors, graph.predecessor_begin, task)) {
    position = std::max(position, plan_.rank[k] + 1);
  }
  for (KernelId k : KernelGraph::Row(graph.successors, graph.successor_begin, task)) {
    position = std::min(position, plan_.rank[k] - 1);
  }
  return position;
}

double SearchState::PriorityBetweenNeighbours(int32_t position) const {
  const auto last = static_cast<int32_t>(order_.size()) - 1;
  if (position == 0) return last == 0 ? 0.0 : priority_[order_[1]] - 1.0;
  if (position == last) return priority_[order_[last - 1]] + 1.0;
  return 0.5 * (priority_[order_[position - 1]] + priority_[order_[position + 1]]);
}

void SearchState::Refuse(std::shared_ptr<const TaskGraph> tasks) {
  const Kernels& from = *tasks_->kernels();
  const std::vector<DeviceId> device = CarryDevices(from, plan_.device, *tasks);
  const auto carry = sequence_ ? CarrySequence : CarryOrder;
  const std::vector<KernelId> order =
      carry(from, plan_.rank, *tasks->kernels(), tasks->kernel_graph());
  std::vector<Before> before = std::move(before_);
  before.push_back({.tasks = std::move(tasks_),
                    .plan = plan_,
                    .priority = priority_,
                    .order = order_,
                    .moves = std::move(moves_),
                    .shifts = std::move(shifts_)});
  Assign(std::move(tasks), device, order, plan_.dispatch);
  before_ = std::move(before);
}

void SearchState::Keep() {
  moves_.clear();
  shifts_.clear();
  before_.clear();
}

void SearchState::Undo() {
  UndoSteps();
  for (; !before_.empty(); before_.pop_back()) {
    Before& before = before_.back();
    tasks_ = std::move(before.tasks);
    plan_ = std::move(before.plan);
    priority_ = std::move(before.priority);
    order_ = std::move(before.order);
    moves_ = std::move(before.moves);
    shifts_ = std::move(before.shifts);
    UndoSteps();
  }
}

void SearchState::UndoSteps() {
  for (auto it = moves_.rbegin(); it != moves_.rend(); ++it) plan_.device[it->task] = it->before;
  for (auto it = shifts_.rbegin(); it != shifts_.rend(); ++it) {
    ShiftTo(it->task, it->position);
    priority_[it->task] = it->before;
  }
  moves_.clear();
  shifts_.clear();
}

void SearchState::ShiftTo(KernelId task, int32_t position) {
  const auto put = [this](int32_t at, KernelId k) {
    order_[at] = k;
    plan_.rank[k] = at;
    if (sequence_) plan_.sequence[at] = k;
  };
  int32_t at = plan_.rank[task];
  for (; at < position; ++at) put(at, order_[at + 1]);
  for (; at > position; --at) put(at, order_[at - 1]);
  put(position, task);
}

}  // namespace gopt
