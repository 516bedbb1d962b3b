#ifndef GOPT_SOLVE_PEAK_ORDER_H_
#define GOPT_SOLVE_PEAK_ORDER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/budget.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt {

struct PeakOrderOptions {
  // Kernels that the search may put in order or take back, in all: what bounds its time where there
  // is no deadline (several million a second). 0: list orders and their improvement only.
  int64_t steps = 20'000'000;
  // States that the beam search keeps of each length at first; more while steps are left. 0: no
  // beam search.
  int beam = 16;
  // An order whose peak is at most this is as good as any other: the search ends. 0: the least
  // peak is looked for.
  int64_t enough_bytes = 0;
  Budget budget;  // Its deadline and its cancel token; evaluations are not used.
};

struct PeakOrder {
  std::vector<KernelId> sequence;  // All kernels of the plan, a legal Plan::sequence.
  int64_t peak_bytes = 0;          // Of the device in this order.
  int64_t bound_bytes = 0;         // No order needs less: the optimum where it equals the peak.
  int64_t steps = 0;               // Spent.
  bool cut = false;                // By the deadline or the cancel token.

  bool optimal() const { return bound_bytes >= peak_bytes; }
};

// The order of a device's kernels with the smallest peak of its memory, by docs/simulator.md,
// "Memory of a device". The other devices keep the order in which they start theirs in `order`: all
// kernels of the plan in an order in which they can run, such as CostReport::start_order.
//
// Dynamic programming over sets of finished kernels under a budget of bytes that is searched for
// (SERENITY: Ahn et al., Ordering Chaos, MLSys 2020), cut where every order passes through one set;
// kernels that no optimum need put off go at once (our own; src/solve/peak_state.h has the proof).
// Where the steps run out: the best of list orders, of their improvement forwards and backwards and
// in windows, and of a beam search, with the largest bound that was proven.
//
// With everything on one device the peak is the simulator's, and the bound holds for every order.
// With several it is an estimate: a copy is received when its producer ends, at the latest moment
// that the order allows, and sent at once; both bound and peak are of that model.
//
// Deterministic unless cut. InvalidArgument for sizes that do not fit together, kernels with a
// cycle, or an order that cannot run; OutOfRange where bytes add up to 2^62.
GOPT_API absl::StatusOr<PeakOrder> OrderForPeak(const Problem& problem, const Plan& plan,
                                                std::span<const KernelId> order, DeviceId device,
                                                const PeakOrderOptions& options = {});

// The plan dispatched as SEQUENCE in this order, with ranks to match.
GOPT_API Plan WithSequence(const Plan& plan, std::vector<KernelId> sequence);

}  // namespace gopt

#endif  // GOPT_SOLVE_PEAK_ORDER_H_
