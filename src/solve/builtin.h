#ifndef GOPT_SRC_SOLVE_BUILTIN_H_
#define GOPT_SRC_SOLVE_BUILTIN_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/registry.h"
#include "gopt/base/spec.h"
#include "gopt/solve/solver.h"

namespace gopt {

// Every solver that core ships. A row of the table in builtin.cc is a name, a sentence and one of
// the factories below; each is defined in the source of its solver.
absl::Status RegisterBuiltinSolvers(Registry<Solver>* solvers);

using SolverOr = absl::StatusOr<std::shared_ptr<const Solver>>;

SolverOr SingleDeviceFromSpec(const Spec& spec);
SolverOr RandomPlacementFromSpec(const Spec& spec);
SolverOr ExpertFromSpec(const Spec& spec);
SolverOr ExpertPaperFromSpec(const Spec& spec);
SolverOr RoundRobinFromSpec(const Spec& spec);
SolverOr MetisFromSpec(const Spec& spec);  // Defined with GOPT_WITH_METIS only.
SolverOr HeftFromSpec(const Spec& spec);
SolverOr PeftFromSpec(const Spec& spec);
SolverOr CpopFromSpec(const Spec& spec);
SolverOr EtfFromSpec(const Spec& spec);
SolverOr MemoryEtfFromSpec(const Spec& spec);
SolverOr MemorySctFromSpec(const Spec& spec);
SolverOr ListFromSpec(const Spec& spec);
SolverOr CriticalPathFromSpec(const Spec& spec);
SolverOr FuseFromSpec(const Spec& spec);
SolverOr OrderFromSpec(const Spec& spec);
SolverOr PeakOrderFromSpec(const Spec& spec);
SolverOr HillClimbFromSpec(const Spec& spec);
SolverOr AnnealFromSpec(const Spec& spec);
SolverOr EvolveFromSpec(const Spec& spec);
SolverOr BrkgaFromSpec(const Spec& spec);
SolverOr PortfolioFromSpec(const Spec& spec);
SolverOr ExactFromSpec(const Spec& spec);
SolverOr RecomputeFromSpec(const Spec& spec);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_BUILTIN_H_
