#ifndef GOPT_SOLVE_RECOMPUTE_H_
#define GOPT_SOLVE_RECOMPUTE_H_

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/graph/graph.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt {

// Whether the op may run a second time in the backward pass: it computes in the forward pass, has
// is no output of the step and may have copies (WhyItRunsOnce, gopt/plan/clone_rules.h): no side
// effect, no random numbers. FailedPrecondition names the op and the rule.
GOPT_API absl::Status CheckRecomputable(const Graph& graph, OpId op);
// The same without the words.
GOPT_API bool IsRecomputable(const Graph& graph, OpId op);

// The plan with a second copy of each of these ops (distinct, in any order), made in the backward
// pass for its backward readers: storages that would have lived from the one pass to the other are
// freed in between, and the time of the copies is the price.
//
// A copy reads copies of those of its operands that are recomputed too, the others' first values,
// which are kept until then. It runs on the device of its op, or, where that holds none of its
// readers and placement is free, where most bytes of it are read; ops of one kernel are copied into
// one kernel where that may be fused. It comes as late as possible: just before its first reader in
// `order`, and before the parameters that it reads are updated. Ops that no backward kernel reads
// are left alone. A first value that nobody reads any more is not made.
//
// `order`: all kernels in an order in which they can run, as CostReport::start_order. The result
// keeps to it, with the copies inserted: dispatch SEQUENCE. (By priority a device that waits would
// run copies early, and nothing would be saved.) Ranks and homes stay; a copy has the rank of the
// kernel that it is put before. Without ops to copy it is the plan in that sequence.
//
// InvalidArgument for an order that is none, and for an op that is not CheckRecomputable, has
// several copies already, or shares its kernel with a backward op. The plan must be legal for the
// problem.
GOPT_API absl::StatusOr<Plan> Recompute(const Problem& problem, const Plan& plan,
                                        std::span<const KernelId> order, std::span<const OpId> ops);

// Solver "recompute": makes a plan fit into memory by recomputation, at the least step time that it
// finds. Begins at the request's start plans and the best classical plan, each in its own order and
// in one of small peak (OrderForPeak), and where none of these led to a plan that fits, at the
// program's order. Where these do not fit (or the objective is peak bytes):
//
//   greedy    at the moment of the peak, by (bytes freed) / (time of the copy, of what it needs
//             that is gone, and of what is recomputed next to it) until enough is freed; again
//             until no peak is over. The ratio is that of dynamic tensor rematerialization
//             (Kirisame et al., ICLR 2021, arXiv 2006.09616).
//   segments  the forward pass in 2, 4, 8, ... parts of equal bytes; what does not pass from one
//             part to the next is recomputed (Chen et al., arXiv 1604.06174).
//   annealing of the set, from the better one: parts of the order, scopes and op types come and go
//             as a whole; priced by the lifetimes in the order, which is exact on one device.
//
// Every set that is the best of its kind so far is then priced by the backend; where a limit is
// exceeded after all, the search aims lower. Where scheduling is closed the base plan's order
// stands, which runs copies with their first ones: nothing is gained then.
struct RecomputeOptions {
  int64_t moves = 2000;     // Of annealing, for each order. They cost no evaluation.
  bool order = true;        // false: keep the plans' own orders.
  int64_t evaluations = 0;  // At most; 0: the request's budget, or 10,000 if it is unbounded.
};

}  // namespace gopt

#endif  // GOPT_SOLVE_RECOMPUTE_H_
