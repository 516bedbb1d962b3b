// A solver of your own: round robin from every offset, the best kept. It takes part in comparisons
// like any other, under the same budget.
#include <iostream>
#include <memory>
#include <numeric>
#include <vector>

#include "gopt/base/status_macros.h"
#include "gopt/graph/graph_text.h"
#include "gopt/machine/machine.h"
#include "gopt/optimizer/optimizer.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/search_context.h"

namespace {

class DealOut final : public gopt::Solver {
 public:
  std::string name() const override { return "deal_out"; }

  absl::StatusOr<gopt::Solution> Solve(const gopt::SolveRequest& request) const override {
    GOPT_ASSIGN_OR_RETURN(auto search, gopt::SearchContext::Create(request, name()));
    const int devices = search->problem().machine().num_devices();
    for (int offset = 0; offset < devices && !search->Exhausted(); ++offset) {
      const gopt::Plan plan = MakePlan(search->problem(), offset);
      // Constraints and colocation may rule a plan out; search contexts take legal plans only.
      if (gopt::ValidatePlan(search->problem(), plan).ok()) search->Evaluate(plan);
    }
    return search->Finish();
  }

 private:
  static gopt::Plan MakePlan(const gopt::Problem& problem, int offset) {
    gopt::Plan plan;
    plan.kernels = problem.base_kernels();
    plan.producer = "deal_out";
    plan.rank.resize(plan.kernels->size());
    std::iota(plan.rank.begin(), plan.rank.end(), 0);
    for (gopt::KernelId k = 0; k < plan.kernels->size(); ++k) {
      plan.device.push_back((k + offset) % problem.machine().num_devices());
    }
    return plan;
  }
};

absl::Status Run() {
  GOPT_RETURN_IF_ERROR(gopt::Solvers().Register(
      {.name = "deal_out",
       .summary = "kernel k on device k modulo their number",
       .factory = [](const gopt::Spec&) -> absl::StatusOr<std::shared_ptr<const gopt::Solver>> {
         return std::make_shared<DealOut>();
       }}));
  GOPT_ASSIGN_OR_RETURN(
      auto graph, gopt::ParseGraph("a:op[time=900,bytes=10] -> b, c, d;"
                                   "b:op[time=700,bytes=10] -> e:op[time=300];"
                                   "c:op[time=800,bytes=10] -> e; d:op[time=200,bytes=10] -> e"));
  GOPT_ASSIGN_OR_RETURN(gopt::Machine machine, gopt::UniformMachine({.count = 3}));
  GOPT_ASSIGN_OR_RETURN(gopt::Problem problem, gopt::Problem::Create(graph, machine));
  GOPT_ASSIGN_OR_RETURN(auto rows, gopt::Compare(problem, {"deal_out", "heft", "portfolio"},
                                                 gopt::Budget::Evaluations(100)));
  for (const gopt::ComparisonRow& row : rows) {
    GOPT_RETURN_IF_ERROR(row.status);
    std::cout << row.solver << ": " << row.solution.report.step_time << " ns\n";
  }
  return absl::OkStatus();
}

}  // namespace

int main() {
  const absl::Status status = Run();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
