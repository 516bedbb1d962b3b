#ifndef GOPT_SRC_SOLVE_ORDERS_H_
#define GOPT_SRC_SOLVE_ORDERS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/types.h"
#include "gopt/plan/plan.h"
#include "gopt/solve/solver.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// In which order the tasks of a placement run, by the names that options of solvers use:
// - critical_path: longest path to the end first, transfers of the placement included (Kelley,
//   Walker 1959; as priorities of lists: Adam, Chandy, Dickson, CACM 17(12), 1974);
// - program: as in the graph; - upward_rank: as HEFT; - fifo: first ready, first run;
// - shortest: least time first; - slack: longest path through the task first;
// - random: any ranks, by the seed;
// - peak_memory: a sequence, made by list for a small peak of each device (OrderForPeak).

// The orders that placers try: the first four.
std::vector<std::string> PlacerOrders();
// All of them.
std::vector<std::string> OrderNames();

// `order` must be one of OrderNames(). Errors: OrderForPeak's.
absl::StatusOr<Plan> PlanInOrder(const TaskGraph& tasks, const std::vector<DeviceId>& device,
                                 std::string_view order, uint64_t seed);

// The devices of the base plan, else of the first start plan with the same kernels, or with other
// legal ones where fusion is open; empty if there is none.
std::vector<DeviceId> GivenPlacement(const SolveRequest& request, const TaskGraph& tasks);

// GivenPlacement as far as allowed devices and groups permit, or everything on the fastest device.
std::vector<DeviceId> GivenOrSinglePlacement(const SolveRequest& request, const TaskGraph& tasks);

// OK, or an InvalidArgument that names the solver, the key and the values that it may have.
absl::Status CheckChoice(const std::string& solver, const std::string& key,
                         const std::string& value, const std::vector<std::string>& known);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_ORDERS_H_
