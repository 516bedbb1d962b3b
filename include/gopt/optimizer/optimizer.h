#ifndef GOPT_OPTIMIZER_OPTIMIZER_H_
#define GOPT_OPTIMIZER_OPTIMIZER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/solve/solver.h"

namespace gopt {

struct OptimizerOptions {
  std::string solver = "portfolio";   // Spec of a registered solver.
  std::string backend = "simulator";  // Spec of a registered cost backend.
  uint64_t seed = 0;
  int threads = 1;  // As SolveRequest::threads.
};

// The front door: one solver, one backend, by name.
class GOPT_API Optimizer {
 public:
  // NotFound or InvalidArgument for a bad spec.
  static absl::StatusOr<std::unique_ptr<Optimizer>> Create(OptimizerOptions options = {});

  // As Solver::Solve; a base plan that is legal is a start plan.
  absl::StatusOr<Solution> Optimize(const Problem& problem, const Budget& budget,
                                    ProgressCallback progress = {}) const;

 private:
  Optimizer() = default;
  OptimizerOptions options_;
  std::shared_ptr<const Solver> solver_;
  std::shared_ptr<const CostBackend> backend_;
};

// One row of a comparison.
struct ComparisonRow {
  std::string solver;   // As asked for.
  absl::Status status;  // Why there is no solution.
  Solution solution;    // Valid when status is OK.
};

// The same budget, backend and seed for each solver, one after the other. A deadline in the budget
// is taken as a duration from now and given to each in full.
GOPT_API absl::StatusOr<std::vector<ComparisonRow>> Compare(const Problem& problem,
                                                            const std::vector<std::string>& solvers,
                                                            const Budget& budget,
                                                            const OptimizerOptions& options = {},
                                                            ProgressCallback progress = {});

}  // namespace gopt

#endif  // GOPT_OPTIMIZER_OPTIMIZER_H_
