#ifndef GOPT_SRC_COST_RELAXED_SCHEDULE_H_
#define GOPT_SRC_COST_RELAXED_SCHEDULE_H_

#include <cstdint>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/plan/problem.h"

namespace gopt {

// A scheduling problem without communication that every legal plan also solves, so that its bounds
// are bounds of the plan. Items are kernels where the kernels are fixed; else ops, each with a time
// such that the times of any kernel's ops sum to at most the kernel's: then a kernel's interval can
// be cut into one interval per op, in topological order, and the cut schedule obeys all edges.
struct RelaxedSchedule {
  // Devices that price all items alike and may be exchanged.
  struct DeviceClass {
    DeviceId first;  // One of them.
    int count;
  };
  static constexpr Nanoseconds kForbidden = -1;

  int num_items = 0;
  std::vector<DeviceClass> classes;
  std::vector<Nanoseconds> time;       // [item, class]; kForbidden where it may not run.
  std::vector<Nanoseconds> best_time;  // Per item, over its classes.
  std::vector<int32_t> order;          // Items in topological order.
  std::vector<int32_t> predecessor_begin;
  std::vector<int32_t> predecessors;

  int num_classes() const { return static_cast<int>(classes.size()); }
  Nanoseconds time_on(int32_t item, int c) const {
    return time[static_cast<size_t>(item) * classes.size() + static_cast<size_t>(c)];
  }
};

// One relaxation where kernels are fixed. With fusion open several, none stronger than all others:
// each is valid, the largest bound counts. Empty when no plan is legal (a cycle among kernels).
GOPT_API std::vector<RelaxedSchedule> RelaxedSchedules(const Problem& problem,
                                                       const OpCostModel& costs);

// Fernandez and Bussell, "Bounds on the number of processors and time for multiprocessor optimal
// schedules", IEEE Trans. Computers C-22(8), 1973. At least the critical path, which is passed in;
// near-linear time. Valid for unequal devices, with best times.
GOPT_API Nanoseconds FernandezBussellBound(const RelaxedSchedule& schedule, int num_devices);

}  // namespace gopt

#endif  // GOPT_SRC_COST_RELAXED_SCHEDULE_H_
