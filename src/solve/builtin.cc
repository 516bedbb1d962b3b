#include "src/solve/builtin.h"

#include <string>

#include "gopt/base/status_macros.h"
#include "gopt/solve/portfolio.h"

namespace gopt {

absl::Status RegisterBuiltinSolvers(Registry<Solver>* solvers) {
  const Registry<Solver>::Entry table[] = {
      {"single_device", "everything on one device, the best of them", SingleDeviceFromSpec},
      {"random", "the best of many random placements", RandomPlacementFromSpec},
      {"round_robin", "ops, modules or layers dealt out in turn", RoundRobinFromSpec},
      {"expert_paper", "the human expert's rule of the literature", ExpertPaperFromSpec},
      {"expert", "contiguous module scopes balanced by time", ExpertFromSpec},
#ifdef GOPT_WITH_METIS
      {"metis", "balanced minimum-cut partition (METIS)", MetisFromSpec},
#endif
      {"heft", "heterogeneous earliest finish time, with insertion", HeftFromSpec},
      {"peft", "predicted earliest finish time, by optimistic costs", PeftFromSpec},
      {"cpop", "the critical path on one device, the rest where it ends first", CpopFromSpec},
      {"etf", "earliest task first", EtfFromSpec},
      {"m_etf", "earliest task first within memory (Baechi)", MemoryEtfFromSpec},
      {"m_sct", "small communication times within memory (Baechi)", MemorySctFromSpec},
      {"list", "list scheduling that books link time", ListFromSpec},
      {"critical_path", "critical-path priorities for a given placement", CriticalPathFromSpec},
      {"fuse", "fusion alone, by a heuristic; placement and order as they were", FuseFromSpec},
      {"order", "a given placement in one of several orders, or the best of them", OrderFromSpec},
      {"peak_order", "the order of smallest peak memory (SERENITY)", PeakOrderFromSpec},
      {"hill_climb", "moves one op at a time and keeps what is not worse", HillClimbFromSpec},
      {"anneal", "critical-path-guided, grouped simulated annealing", AnnealFromSpec},
      {"evolve", "evolutionary search over devices and order", EvolveFromSpec},
      {"brkga", "biased random-key genetic algorithm that steers list scheduling", BrkgaFromSpec},
      {"recompute", "fits memory by order and recomputation of activations", RecomputeFromSpec},
      {"exact", "branch and bound that proves optimality of small plans", ExactFromSpec},
      {"portfolio",
       "best of the classical solvers, then annealing; version 2 places by " +
           std::string(kPortfolioVersion2),
       PortfolioFromSpec},
  };
  for (const Registry<Solver>::Entry& entry : table) {
    GOPT_RETURN_IF_ERROR(solvers->Register(entry));
  }
  return absl::OkStatus();
}

}  // namespace gopt
