#ifndef SRC_COST_SIMULATION_REPORT_H_
#define SRC_COST_SIMULATION_REPORT_H_

#include <span>

#include "gopt/base/types.h"
#include "gopt/cost/cost_report.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"
#include "src/cost/compiled_kernels.h"
#include "src/cost/simulation.h"

namespace gopt {

// The parts of a report that are made on request, after a run.

// By time of start, then device, then as they started there.
void FillStartOrder(const Simulation& simulation, const Plan& plan, CostReport* report);

// Kernel and transfer spans. The run recorded its transfers.
void FillTimeline(const CompiledKernels& kernels, const Simulation& simulation,
                  const Problem& problem, const Plan& plan, CostReport* report);

// From the last finish backwards: a dependency, a transfer, or the previous kernel on the device.
// The run recorded its transfers.
void FillCriticalChain(const CompiledKernels& kernels, const Simulation& simulation,
                       const Plan& plan, CostReport* report);

}  // namespace gopt

#endif  // SRC_COST_SIMULATION_REPORT_H_
