#ifndef GOPT_SRC_SOLVE_CLASSICAL_PLANS_H_
#define GOPT_SRC_SOLVE_CLASSICAL_PLANS_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/types.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/search_context.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// A placement, and the order in which its maker meant to start the tasks (empty: it had none).
struct ClassicalPlacement {
  std::vector<DeviceId> device;
  std::vector<KernelId> order;
};

// One way to place all tasks at once.
struct PlacementMaker {
  std::string solver;  // The registered solver that this is a variant of, or "chunks".
  std::string variant;
  std::function<absl::StatusOr<ClassicalPlacement>(const TaskGraph&, const PlacementOptions&)> make;
};

enum class ClassicalSet {
  // single_device (the fastest), heft and list with their defaults: where searches begin.
  kListSchedulers,
  // Version 1 of the portfolio: these, HEFT without insertion, list scheduling with several
  // stickinesses and priorities, METIS twice, expert, contiguous chunks.
  kPortfolio,
};

// The quickest and most promising first.
std::vector<PlacementMaker> PlacementMakers(ClassicalSet set, uint64_t seed);

// Where a search begins: the best plan so far as a placement and an order of the base kernels.
struct StartPoint {
  std::vector<DeviceId> device;
  std::vector<KernelId> order;
  bool sequence = false;  // The plan keeps to the order, SEQUENCE; else it is a priority.
  double score = 0.0;     // SearchContext::Score of the plan; infinite if none was priced.
};

// Prices the request's start plans and the set's placements, each under four orders (upward rank,
// critical path at the placement, the maker's own or else topological, first in first out) and as
// the sequence that the maker meant where there is one, as far as `most_evaluations` and the budget
// go; the first plan always. While no plan fits in memory, makers are run again with a stricter
// view of activations. InvalidArgument for an illegal start plan. `all`, if given, gets every plan
// of the base kernels that was priced, in order.
absl::StatusOr<StartPoint> PriceClassicalPlans(const TaskGraph& tasks, ClassicalSet set,
                                               int64_t most_evaluations, SearchContext* context,
                                               std::vector<StartPoint>* all = nullptr);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_CLASSICAL_PLANS_H_
