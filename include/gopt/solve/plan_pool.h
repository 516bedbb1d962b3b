#ifndef GOPT_SOLVE_PLAN_POOL_H_
#define GOPT_SOLVE_PLAN_POOL_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/budget.h"
#include "gopt/base/export.h"
#include "gopt/base/worker_threads.h"
#include "gopt/cost/cost_backend.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/plan/fuse.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"
#include "gopt/solve/guidance.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

struct PlanPoolOptions {
  std::shared_ptr<WorkerThreads>
      threads;       // May be shared by pools; null: the calling thread alone.
  int decoders = 4;  // Kept per thread, for the task graphs it saw last. At least 1.
};

// Guidance for some kernels of the problem, and how it becomes a plan.
struct PlanCandidate {
  std::shared_ptr<const TaskGraph> tasks;  // Of the pool's problem.
  Guidance guidance;
  GuidanceDecoder::Kind decoder = GuidanceDecoder::Kind::kList;
};

// Used again, it keeps its buffers.
struct PricedPlan {
  Plan plan;  // As it was priced: complete. Without kernels when it was not priced.
  CostReport report;
  double decode_seconds = 0.0;    // Decoding and completing,
  double evaluate_seconds = 0.0;  // and the backend, on the thread that did it.
};

struct PricingOptions {
  EvaluateOptions evaluate;
  // Looked at before each plan. What was not priced when it is past the deadline or cancelled fails
  // with the reason PlanPool::kCancelled. Its count of evaluations is not looked at.
  Budget budget;
};

// Prices many plans of one problem on threads, each of which has an evaluator of its own, made when
// it is first needed. Plans are completed as SearchContext completes those of solvers: closed
// tasks from the base plan, homes of constrained parameters, and, where rules on pairs of devices
// are broken, the placement that PlacementSolver::Fix finds nearby; what stays illegal gets an
// infeasible report. A backend that throws or answers nonsense gives a failed report. Results do
// not depend on the number of threads, as far as the backend's do not.
//
// One call at a time. Callers do not hold the Python interpreter's lock: the backend may need it.
class GOPT_API PlanPool {
 public:
  static constexpr std::string_view kCancelled = "cancelled";

  // The backend's error when it cannot bind; FailedPrecondition with the conflicting rules when no
  // placement obeys the constraints; InvalidArgument for a missing backend or bad options.
  static absl::StatusOr<std::unique_ptr<PlanPool>> Create(
      Problem problem, std::shared_ptr<const CostBackend> backend, PlanPoolOptions options = {});
  ~PlanPool();

  // results[i] becomes candidates[i], decoded and priced. Candidates that share their task graph
  // are priced one after the other, whatever their order. InvalidArgument, with nothing priced, for
  // a candidate without tasks or with those of another graph or machine, for guidance of another
  // size and for as many results; the backend's error when it cannot bind for one more thread, and
  // results are incomplete then.
  absl::Status Price(std::span<const PlanCandidate> candidates, std::span<PricedPlan> results,
                     const PricingOptions& options = {});
  // The same for plans. Those that are not legal get an infeasible report.
  absl::Status Price(std::span<const Plan> plans, std::span<PricedPlan> results,
                     const PricingOptions& options = {});

  // tasks[i] becomes the task graph of the kernels that picks[i] mean (gopt/plan/fuse.h). Picks
  // that mean the same kernels share it, and so do those that mean StartTasks' with it.
  // InvalidArgument names the entry of picks that is of the wrong size.
  absl::Status Fuse(std::span<const std::vector<int32_t>> picks, const FusionOptions& options,
                    std::span<std::shared_ptr<const TaskGraph>> tasks);

  // What every solver begins with: the base kernels, or, where fusion is open, those of the default
  // heuristic. Made once. TaskGraph::Create's errors.
  absl::StatusOr<std::shared_ptr<const TaskGraph>> StartTasks();

  const Problem& problem() const;
  // The backend's costs of kernels and transfers, or the roofline's. Thread-safe.
  const OpCostModel& costs() const;

 private:
  class Impl;
  explicit PlanPool(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gopt

#endif  // GOPT_SOLVE_PLAN_POOL_H_
