// A cost backend of your own: the busiest device's work plus every byte that crosses a channel.
#include <algorithm>
#include <iostream>
#include <memory>
#include <numeric>
#include <vector>

#include "gopt/base/status_macros.h"
#include "gopt/cost/cost_backend.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/graph/graph_text.h"
#include "gopt/machine/machine.h"
#include "gopt/optimizer/optimizer.h"
#include "gopt/plan/validate.h"

namespace {

class BalanceEvaluator final : public gopt::Evaluator {
 public:
  explicit BalanceEvaluator(const gopt::Problem& problem) : problem_(problem), costs_(problem) {}

  void Evaluate(std::span<const gopt::Plan> plans, const gopt::EvaluateOptions&,
                std::span<gopt::CostReport> reports) override {
    for (size_t i = 0; i < plans.size(); ++i) reports[i] = EvaluateOne(plans[i]);
  }
  const gopt::OpCostModel* op_costs() const override { return &costs_; }

 private:
  gopt::CostReport EvaluateOne(const gopt::Plan& plan) const {
    const gopt::Graph& graph = problem_.graph();
    gopt::CostReport report;
    report.outcome = gopt::Outcome::kOk;
    report.busy.assign(problem_.machine().num_devices(), 0);
    gopt::Nanoseconds moved = 0;
    for (gopt::OpId op : graph.kernel_ops()) {
      const gopt::DeviceId device = plan.device[plan.kernels->kernel_of(op)];
      report.busy[device] += costs_.OpTime(op, device);
      for (gopt::PortId port : graph.operands(op)) {
        const gopt::KernelId maker = plan.kernels->kernel_of(graph.producer(port));
        if (maker == gopt::kNone || plan.device[maker] == device) continue;
        moved += costs_.TransferTime(graph.port_bytes(port), plan.device[maker], device);
      }
    }
    report.step_time = *std::max_element(report.busy.begin(), report.busy.end()) + moved;
    return report;
  }

  const gopt::Problem problem_;
  const gopt::RooflineCostModel costs_;
};

class BalanceBackend final : public gopt::CostBackend {
 public:
  std::string name() const override { return "balance"; }
  absl::StatusOr<std::unique_ptr<gopt::Evaluator>> Bind(
      const gopt::Problem& problem) const override {
    return std::make_unique<BalanceEvaluator>(problem);
  }
};

absl::Status Run() {
  GOPT_RETURN_IF_ERROR(gopt::CostBackends().Register(
      {.name = "balance",
       .summary = "busiest device plus all transfers",
       .factory =
           [](const gopt::Spec&) -> absl::StatusOr<std::shared_ptr<const gopt::CostBackend>> {
         return std::make_shared<BalanceBackend>();
       }}));
  GOPT_ASSIGN_OR_RETURN(
      auto graph, gopt::ParseGraph("a:matmul[time=5000,bytes=1000] -> b:relu[time=3000,bytes=10];"
                                   "c:matmul[time=4000,bytes=1000] -> d:relu[time=4000,bytes=10];"
                                   "b, d -> e:add[time=100]"));
  GOPT_ASSIGN_OR_RETURN(gopt::Machine machine, gopt::UniformMachine({.count = 2}));
  GOPT_ASSIGN_OR_RETURN(gopt::Problem problem, gopt::Problem::Create(graph, machine));
  for (const char* backend : {"balance", "simulator"}) {
    GOPT_ASSIGN_OR_RETURN(auto optimizer, gopt::Optimizer::Create({.backend = backend}));
    GOPT_ASSIGN_OR_RETURN(gopt::Solution solution,
                          optimizer->Optimize(problem, gopt::Budget::Evaluations(300)));
    std::cout << backend << " prices its best plan at " << solution.report.step_time << " ns\n";
  }
  return absl::OkStatus();
}

}  // namespace

int main() {
  const absl::Status status = Run();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
