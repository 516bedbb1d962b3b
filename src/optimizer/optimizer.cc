#include "gopt/optimizer/optimizer.h"

#include <optional>
#include <utility>

#include "gopt/base/status_macros.h"
#include "gopt/plan/validate.h"

namespace gopt {
namespace {

SolveRequest MakeRequest(const Problem& problem, const CostBackend& backend, const Budget& budget,
                         const OptimizerOptions& options, ProgressCallback progress) {
  SolveRequest request;
  request.problem = &problem;
  request.backend = &backend;
  request.budget = budget;
  request.seed = options.seed;
  request.threads = options.threads;
  request.progress = std::move(progress);
  return request;
}

absl::Status CheckThreads(int threads) {
  if (threads >= 1) return absl::OkStatus();
  return absl::InvalidArgumentError("threads must be at least 1");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Optimizer>> Optimizer::Create(OptimizerOptions options) {
  GOPT_RETURN_IF_ERROR(CheckThreads(options.threads));
  std::unique_ptr<Optimizer> optimizer(new Optimizer());
  GOPT_ASSIGN_OR_RETURN(optimizer->solver_, Solvers().Create(options.solver));
  GOPT_ASSIGN_OR_RETURN(optimizer->backend_, CostBackends().Create(options.backend));
  optimizer->options_ = std::move(options);
  return optimizer;
}

absl::StatusOr<Solution> Optimizer::Optimize(const Problem& problem, const Budget& budget,
                                             ProgressCallback progress) const {
  SolveRequest request = MakeRequest(problem, *backend_, budget, options_, std::move(progress));
  const Plan* base = problem.base_plan();
  if (base != nullptr && ValidatePlan(problem, *base).ok()) request.start_plans = {*base};
  return solver_->Solve(request);
}

absl::StatusOr<std::vector<ComparisonRow>> Compare(const Problem& problem,
                                                   const std::vector<std::string>& solvers,
                                                   const Budget& budget,
                                                   const OptimizerOptions& options,
                                                   ProgressCallback progress) {
  GOPT_RETURN_IF_ERROR(CheckThreads(options.threads));
  GOPT_ASSIGN_OR_RETURN(const std::shared_ptr<const CostBackend> backend,
                        CostBackends().Create(options.backend));
  std::vector<std::shared_ptr<const Solver>> created;
  for (const std::string& name : solvers) {
    GOPT_ASSIGN_OR_RETURN(created.emplace_back(), Solvers().Create(name));
  }
  std::optional<Clock::duration> allowed;
  if (budget.deadline.has_value()) allowed = *budget.deadline - Clock::now();
  std::vector<ComparisonRow> rows;
  for (size_t i = 0; i < solvers.size(); ++i) {
    Budget own = budget;
    if (allowed.has_value()) own.deadline = Clock::now() + *allowed;
    absl::StatusOr<Solution> solution =
        created[i]->Solve(MakeRequest(problem, *backend, own, options, progress));
    ComparisonRow& row = rows.emplace_back();
    row.solver = solvers[i];
    row.status = solution.status();
    if (solution.ok()) row.solution = *std::move(solution);
  }
  return rows;
}

}  // namespace gopt
