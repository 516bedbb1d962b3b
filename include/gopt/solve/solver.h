#ifndef GOPT_SOLVE_SOLVER_H_
#define GOPT_SOLVE_SOLVER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/budget.h"
#include "gopt/base/export.h"
#include "gopt/base/registry.h"
#include "gopt/cost/bounds.h"
#include "gopt/cost/cost_backend.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt {

struct Objective {
  enum class Kind : uint8_t {
    kStepTime,            // Within the devices' memory limits.
    kPeakBytes,           // Largest peak of any device; step time breaks ties.
    kStepTimeUnderLimit,  // Step time with every device's peak at most byte_limit.
  };
  Kind kind = Kind::kStepTime;
  int64_t byte_limit = 0;
};

// Where a search stands; handed to SolveRequest::progress.
struct Progress {
  std::string_view solver;
  int64_t evaluations = 0;
  double seconds = 0.0;
  Nanoseconds best = 0;  // 0: nothing feasible yet.
};
using ProgressCallback = std::function<void(const Progress&)>;

struct SolveRequest {
  const Problem* problem = nullptr;      // Required.
  const CostBackend* backend = nullptr;  // Required.
  Objective objective;
  Budget budget;  // Unbounded: each solver's own default.
  uint64_t seed = 0;
  int threads = 1;                // At most; no solver uses more than one yet.
  std::vector<Plan> start_plans;  // Searches begin at the best of these and of their own starts.
  ProgressCallback progress;      // Called from the solving thread, a few times a second.
  // When nothing fits in memory: return the least bad plan instead of RESOURCE_EXHAUSTED.
  bool best_effort = false;
};

enum class StopReason : uint8_t { kCompleted = 0, kEvaluations = 1, kDeadline = 2, kCancelled = 3 };
GOPT_API std::string_view ToString(StopReason reason);  // "completed", "evaluations", ...

struct CurvePoint {
  int64_t evaluations;  // Spent when the plan was found.
  double seconds;
  Nanoseconds best;
};

struct Solution {
  Plan plan;
  CostReport report;   // Of `plan`, with its start order.
  std::string solver;  // Who found it; for portfolios the inner solver.
  LowerBounds bounds;
  std::vector<CurvePoint> curve;  // Improvements in order.
  int64_t evaluations = 0;
  double seconds = 0.0;
  StopReason stop = StopReason::kCompleted;
};

// Anything that turns a problem into a plan. Thread-safe: Solve keeps its state on its own stack.
class GOPT_API Solver {
 public:
  virtual ~Solver() = default;

  virtual std::string name() const = 0;
  // The best plan found within the budget; legal, and the same for the same request and seed on any
  // machine unless a deadline cut it (Solution::stop says so). InvalidArgument for a bad request;
  // RESOURCE_EXHAUSTED when nothing fits in memory, with the bound that proves it where there is
  // one.
  virtual absl::StatusOr<Solution> Solve(const SolveRequest& request) const = 0;
};

// Registered solvers by spec: "heft", "anneal(evaluations=10000)". Libraries add theirs by
// Register().
GOPT_API Registry<Solver>& Solvers();

}  // namespace gopt

#endif  // GOPT_SOLVE_SOLVER_H_
