// A machine of your own: a fast accelerator, a slow one, and a shared bus between them.
#include <iostream>

#include "gopt/base/status_macros.h"
#include "gopt/graph/graph_text.h"
#include "gopt/io/machine_file.h"
#include "gopt/machine/machine.h"
#include "gopt/optimizer/optimizer.h"

namespace {

absl::StatusOr<gopt::Machine> MakeMachine() {
  const gopt::Device fast = {
      .name = "fast",
      .kind = "accelerator",
      .memory_bytes = int64_t{8} << 30,
      .peak_flops = 20e12,
      .memory_bandwidth = 800e9,
      .launch = 5000,
      // Matrix products reach 70 % of the peak, everything else all of it.
      .efficiency = {{.op_class = gopt::FusionClass::kContraction, .flops = 0.7}}};
  gopt::Device slow = fast;
  slow.name = "slow";
  slow.peak_flops = 5e12;
  slow.memory_bandwidth = 200e9;
  // One bus carries both directions, one tensor at a time.
  const gopt::Channel bus = {.name = "bus", .bandwidth = 12e9, .latency = 10000};
  return gopt::Machine::Create(
      "pair", {fast, slow}, {bus},
      {{.from = 0, .to = 1, .channels = {0}}, {.from = 1, .to = 0, .channels = {0}}});
}

absl::Status Run() {
  GOPT_ASSIGN_OR_RETURN(gopt::Machine machine, MakeMachine());
  std::cout << gopt::MachineToText(machine);
  GOPT_ASSIGN_OR_RETURN(auto graph,
                        gopt::ParseGraph("a:matmul[flops=4e10,bytes=1000000] -> c:add[flops=1e6];"
                                         "b:matmul[flops=1e10,bytes=1000000] -> c"));
  GOPT_ASSIGN_OR_RETURN(gopt::Problem problem, gopt::Problem::Create(graph, machine));
  GOPT_ASSIGN_OR_RETURN(auto optimizer, gopt::Optimizer::Create());
  GOPT_ASSIGN_OR_RETURN(gopt::Solution solution,
                        optimizer->Optimize(problem, gopt::Budget::Evaluations(200)));
  for (gopt::DeviceId device = 0; device < machine.num_devices(); ++device) {
    std::cout << machine.device(device).name << " is busy for " << solution.report.busy[device]
              << " of " << solution.report.step_time << " ns\n";
  }
  return absl::OkStatus();
}

}  // namespace

int main() {
  const absl::Status status = Run();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
