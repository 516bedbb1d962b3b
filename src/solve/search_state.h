#ifndef GOPT_SRC_SOLVE_SEARCH_STATE_H_
#define GOPT_SRC_SOLVE_SEARCH_STATE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// A plan under change: kernels, their placements and an order of them, with what was changed since
// the last Keep() or Undo(). Every step but Refuse() costs as much as it changes, never as much as
// the graph.
class GOPT_API SearchState {
 public:
  // order: all tasks, first to last; they get the ranks 0 .. n-1. kSequence: the plan is dispatched
  // as SEQUENCE in this order, which must then be topological and stays so; else by PRIORITY.
  SearchState(std::shared_ptr<const TaskGraph> tasks, std::span<const DeviceId> device,
              std::span<const KernelId> order, Dispatch dispatch = Dispatch::kPriority);

  // Becomes this plan, as if made by the constructor; keeps its buffers.
  void Assign(std::shared_ptr<const TaskGraph> tasks, std::span<const DeviceId> device,
              std::span<const KernelId> order, Dispatch dispatch);

  const TaskGraph& tasks() const { return *tasks_; }
  std::shared_ptr<const TaskGraph> shared_tasks() const { return tasks_; }
  const Plan& plan() const { return plan_; }
  DeviceId device(KernelId task) const { return plan_.device[task]; }
  int32_t position(KernelId task) const { return plan_.rank[task]; }
  std::span<const KernelId> order() const { return order_; }  // First to last.

  // Moves the task, and with it its colocation group. False if it is there or may not be.
  bool MoveTask(KernelId task, DeviceId device);
  // Gives the task this priority, lower first; each task begins with its position. In a sequence it
  // stops short of its predecessors and successors. False if its position is the same.
  bool SetPriority(KernelId task, double priority);
  double priority(KernelId task) const { return priority_[task]; }

  // Other kernels of the same ops: these keep their devices and their order, as CarryDevices and
  // CarryOrder (CarrySequence) say. Costs as much as the graph.
  void Refuse(std::shared_ptr<const TaskGraph> tasks);

  bool changed() const { return !moves_.empty() || !shifts_.empty() || !before_.empty(); }
  void Keep();
  void Undo();

 private:
  struct Move {
    KernelId task;
    DeviceId before;
  };
  struct Shift {
    KernelId task;
    double before;
    int32_t position;
  };

  int32_t PositionFor(KernelId task, double priority) const;
  int32_t ClampToNeighbours(KernelId task, int32_t position) const;
  double PriorityBetweenNeighbours(int32_t position) const;
  void ShiftTo(KernelId task, int32_t position);

  // All there was before kernels changed.
  struct Before {
    std::shared_ptr<const TaskGraph> tasks;
    Plan plan;
    std::vector<double> priority;
    std::vector<KernelId> order;
    std::vector<Move> moves;
    std::vector<Shift> shifts;
  };
  void UndoSteps();

  std::shared_ptr<const TaskGraph> tasks_;
  Plan plan_;
  std::vector<double> priority_;
  bool sequence_ = false;        // plan_.dispatch is kSequence.
  std::vector<KernelId> order_;  // By priority; plan_.rank is its inverse.
  std::vector<Move> moves_;
  std::vector<Shift> shifts_;
  std::vector<Before> before_;  // Since the last Keep() or Undo(), oldest first.
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_SEARCH_STATE_H_
