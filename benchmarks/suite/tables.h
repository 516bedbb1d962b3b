#ifndef GOPT_BENCHMARKS_SUITE_TABLES_H_
#define GOPT_BENCHMARKS_SUITE_TABLES_H_

#include <string>
#include <vector>

#include "benchmarks/suite/grid.h"
#include "benchmarks/suite/results.h"
#include "benchmarks/suite/summary.h"

namespace gopt::suite {

// What of the results is shown.
struct View {
  const SuiteResults& results;
  const SuiteResults& best;
  const Summary& summary;
  std::string setting;
  std::vector<std::string> rows;  // In this order; those that are not there are passed over.
  std::vector<std::string> solvers;
};

// A line per bound and solver, a column per workload, step times in ms (median over seeds; OOM and
// "failed" where there is none), and at the end the run-time reduction against the reference, with
// the number of rows it is over.
Grid OverviewGrid(const View& view);

// One row: machine, sizes, bounds and best known; a line per solver with step time, smallest and
// largest over seeds, ratios, peak, evaluations, seconds and outcome; why a solver has no figure.
std::string DetailText(const View& view, const RowFacts& row);

}  // namespace gopt::suite

#endif  // GOPT_BENCHMARKS_SUITE_TABLES_H_
