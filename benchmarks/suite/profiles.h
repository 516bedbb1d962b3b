#ifndef GOPT_BENCHMARKS_SUITE_PROFILES_H_
#define GOPT_BENCHMARKS_SUITE_PROFILES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace gopt::suite {

// What a run of the suite does unless flags say otherwise.
struct Profile {
  std::vector<std::string> rows;  // Stored workloads; empty: all of the suites asked for.
  std::vector<std::string> solvers;
  int64_t evaluations = 0;          // Budget of each solver.
  int seeds = 1;                    // Of each solver that draws.
  std::vector<std::string> starts;  // Solvers whose plans searches begin with; none: their own.
};

// "small": six rows, three seeds. "full": all rows, five seeds. "lists": all rows, only solvers
// that construct. "best": all rows, three seeds of long annealing from the best that is
// constructed. "check": all rows, what reference figures are about.
// InvalidArgument lists them.
absl::StatusOr<Profile> ProfileNamed(std::string_view name);

// Every registered solver that stands in the table, constructive ones first.
std::vector<std::string> AllSolvers();
// Those that construct one plan: list schedulers, METIS, experts, one device.
std::vector<std::string> ConstructiveSolvers();

// Whether the result depends on the request's seed. Solvers that are not known here are taken to.
bool DependsOnSeed(std::string_view solver);

}  // namespace gopt::suite

#endif  // GOPT_BENCHMARKS_SUITE_PROFILES_H_
