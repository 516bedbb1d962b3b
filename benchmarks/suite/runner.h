#ifndef GOPT_BENCHMARKS_SUITE_RUNNER_H_
#define GOPT_BENCHMARKS_SUITE_RUNNER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "benchmarks/suite/profiles.h"
#include "benchmarks/suite/results.h"
#include "benchmarks/suite/rows.h"

namespace gopt::suite {

struct RunOptions {
  std::vector<std::string> solvers;  // Specs.
  int seeds = 1;                     // 0 .. seeds-1 for each solver that depends on a seed,
  std::function<bool(std::string_view spec)> depends_on_seed = DependsOnSeed;  // by this.
  int64_t evaluations = 10'000;   // Budget of each run, the same for all.
  double deadline_seconds = 0.0;  // Of each run as well; 0: none. Cuts make results irreproducible.
  std::vector<std::string> starts;     // Every search is given the plans of these solvers.
  int threads = 2;                     // Workers. Results do not depend on it.
  bool curves = true;                  // Keep how each search went.
  bool keep_other_conditions = false;  // Of a place; false: the newest stands alone.
};

// How far a run is.
struct RunProgress {
  const Cell* cell;  // Just finished.
  size_t done;       // With this one, of
  size_t all;        // what was not there yet.
};

// Called from the workers, one at a time, after the cell is in the results. An error ends the run.
using CellCallback = std::function<absl::Status(const RunProgress&)>;

// Solves what `results` do not hold yet, rows in order, and puts it there. A solver that fails or
// finds nothing that fits is a cell, not an error. InvalidArgument or NotFound for a bad spec.
absl::Status RunCells(const std::vector<Row>& rows, const RunOptions& options,
                      SuiteResults* results, const CellCallback& on_cell);

}  // namespace gopt::suite

#endif  // GOPT_BENCHMARKS_SUITE_RUNNER_H_
