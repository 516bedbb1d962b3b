#ifndef GOPT_SRC_SOLVE_CLASSICAL_PLANS_H_
#define GOPT_SRC_SOLVE_CLASSICAL_PLANS_H_

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/solve/portfolio.h"
#include "gopt/solve/search_context.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// Sets of placements, as specs (see placement_makers.h).
struct ClassicalSet {
  // The portfolio's present version: where searches begin.
  static constexpr std::string_view kPortfolio = kPortfolioVersion2;
};

// Where a search begins: the best plan so far as kernels, their placement and their order.
struct StartPoint {
  std::shared_ptr<const TaskGraph> tasks;
  std::vector<DeviceId> device;
  std::vector<KernelId> order;
  // What the order is: kSequence, kept to; kPriority; kFifo, where fusion and placement are open:
  // of what becomes ready at once.
  Dispatch dispatch = Dispatch::kPriority;
  double score = 0.0;  // SearchContext::Score of the plan; infinite if none was priced.
};

// In which order the plan's kernels started: by the report, or by rank where the backend reports
// none.
GOPT_API std::vector<KernelId> StartOrder(const Plan& plan, const CostReport& report);

// Prices the request's start plans and the placements of a set, each under four orders (upward
// rank, critical path at the placement, the maker's own or else topological, first in first out)
// and as the sequence that the maker meant where there is one, as far as `most_evaluations` and the
// budget go; the first plan always. While no plan fits in memory, makers are run again with a
// stricter view of activations. InvalidArgument for an illegal start plan. `all`, if given, gets
// every plan without clones that was priced, in order.
absl::StatusOr<StartPoint> PriceClassicalPlans(std::shared_ptr<const TaskGraph> tasks,
                                               std::string_view set, int64_t most_evaluations,
                                               SearchContext* context,
                                               std::vector<StartPoint>* all = nullptr);

// The same without the request's start plans, for further kernels of the problem. Prices nothing if
// the budget is spent.
absl::Status PricePlacements(std::shared_ptr<const TaskGraph> tasks, std::string_view set,
                             int64_t most_evaluations, SearchContext* context,
                             std::vector<StartPoint>* all);

// Prices the start's placement and order, and its placement under the other orders.
void PriceInAllOrders(const StartPoint& start, int64_t most_evaluations, SearchContext* context,
                      std::vector<StartPoint>* all);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_CLASSICAL_PLANS_H_
