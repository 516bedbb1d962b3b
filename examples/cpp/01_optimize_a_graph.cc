// Two towers that meet: built by hand, optimised for two GPUs, compared with one.
#include <iostream>
#include <string>

#include "gopt/base/status_macros.h"
#include "gopt/graph/graph_builder.h"
#include "gopt/machine/presets.h"
#include "gopt/optimizer/optimizer.h"

namespace {

// Adds a chain of matrix products with their parameters; returns the last port.
gopt::PortId AddTower(gopt::GraphBuilder& builder, const std::string& name, gopt::PortId input) {
  constexpr int64_t kWidth = 2048, kBytes = 4 * kWidth * kWidth;
  gopt::PortId x = input;
  for (int layer = 0; layer < 4; ++layer) {
    const std::string scope = name + "." + std::to_string(layer);
    const gopt::OpId weight = builder.AddOp(
        {.name = scope + ".weight", .type = "parameter", .kind = gopt::OpKind::kParameter});
    const gopt::PortId w =
        builder.AddPort(weight, {.bytes = kBytes, .dims = {kWidth, kWidth}, .persistent = true});
    const gopt::OpId matmul = builder.AddOp({.name = scope + ".matmul",
                                             .type = "matmul",
                                             .scope = scope,
                                             .fusion_class = gopt::FusionClass::kContraction,
                                             .flops = 2.0 * kWidth * kWidth * kWidth});
    builder.AddOperands(matmul, std::array{x, w});
    x = builder.AddPort(matmul, {.bytes = kBytes, .dims = {kWidth, kWidth}});
  }
  return x;
}

absl::Status Run() {
  gopt::GraphBuilder builder("towers");
  const gopt::OpId input =
      builder.AddOp({.name = "x", .type = "input", .kind = gopt::OpKind::kInput});
  const gopt::PortId x = builder.AddPort(input, {.bytes = 4 * 2048 * 2048, .dims = {2048, 2048}});
  const gopt::PortId left = AddTower(builder, "left", x), right = AddTower(builder, "right", x);
  const gopt::OpId add = builder.AddOp(
      {.name = "add", .type = "add", .fusion_class = gopt::FusionClass::kElementwise});
  builder.AddOperands(add, std::array{left, right});
  builder.AddPort(add, {.bytes = 4 * 2048 * 2048, .dims = {2048, 2048}});
  GOPT_ASSIGN_OR_RETURN(auto graph, builder.Build());

  GOPT_ASSIGN_OR_RETURN(gopt::Machine machine, gopt::MachineFromPreset("v100x4"));
  GOPT_ASSIGN_OR_RETURN(gopt::Problem problem, gopt::Problem::Create(graph, machine));
  GOPT_ASSIGN_OR_RETURN(
      auto rows, gopt::Compare(problem, {"single_device", "portfolio"},
                               gopt::Budget::Evaluations(500), gopt::OptimizerOptions{.seed = 1}));
  for (const gopt::ComparisonRow& row : rows) {
    GOPT_RETURN_IF_ERROR(row.status);
    std::cout << row.solver << ": " << row.solution.report.step_time << " ns, bound "
              << row.solution.bounds.step_time() << " ns\n";
  }
  const gopt::Plan& plan = rows.back().solution.plan;
  for (gopt::KernelId k = 0; k < plan.kernels->size(); ++k) {
    std::cout << "  " << graph->op_name(plan.kernels->ops(k)[0]) << " on "
              << machine.device(plan.device[k]).name << "\n";
  }
  const bool faster = rows[1].solution.report.step_time < rows[0].solution.report.step_time;
  return faster ? absl::OkStatus() : absl::InternalError("two devices should be faster than one");
}

}  // namespace

int main() {
  const absl::Status status = Run();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
