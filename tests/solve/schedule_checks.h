#ifndef TESTS_SOLVE_SCHEDULE_CHECKS_H_
#define TESTS_SOLVE_SCHEDULE_CHECKS_H_

#include "gopt/plan/plan.h"
#include "gopt/solve/task_graph.h"
#include "gopt/solve/task_schedule.h"

namespace gopt::testing {

Nanoseconds Makespan(const TaskSchedule& schedule);

// Every dependency and every device's order is part of the sequence, no two tasks overlap on a
// device, and no task starts before its predecessors end and their tensors could have arrived.
void ExpectLegalSchedule(const TaskGraph& tasks, const TaskSchedule& schedule);

// The plan that solvers make of it: dispatch SEQUENCE, ranks in the same order.
Plan SequencePlan(const TaskGraph& tasks, const TaskSchedule& schedule);

}  // namespace gopt::testing

#endif  // TESTS_SOLVE_SCHEDULE_CHECKS_H_
