#ifndef GOPT_BENCHMARKS_SUITE_SUMMARY_H_
#define GOPT_BENCHMARKS_SUITE_SUMMARY_H_

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/suite/results.h"
#include "nlohmann/json.hpp"

namespace gopt::suite {

// By how much run times lie below others in geometric mean: 1 - (product of a/b)^(1/n). "20.5 %
// below human experts" in the GO paper is this figure; the mean of b/a - 1 would say 26.9 %. 0 for
// no pairs.
double RunTimeReduction(std::span<const std::pair<double, double>> pairs);

// One solver on one row, over its seeds.
struct Figure {
  const RowFacts* row = nullptr;
  std::string solver;
  CellOutcome outcome = CellOutcome::kOk;  // The worst of the seeds'.
  std::string reason;                      // Of the first seed that is not ok.
  int seeds = 0;
  Nanoseconds median = 0;  // Step times; of the seeds that are ok, 0 if none is.
  Nanoseconds min = 0;
  Nanoseconds max = 0;
  double over_reference = 0.0;  // Median over the reference's; 0: one of the two is not ok.
  double over_bound = 0.0;      // Over the lower bound.
  double over_best = 0.0;       // Over the best known; 0: nothing is known.
  int64_t peak_bytes = 0;       // Largest of any device and seed.
  int64_t evaluations = 0;      // Median.
  double seconds = 0.0;         // Median.

  bool ok() const { return outcome == CellOutcome::kOk; }
};

// One solver in one setting, over rows.
struct Mean {
  std::string setting;
  std::string solver;
  double reduction = 0.0;   // Run-time reduction against the reference,
  double over_bound = 0.0;  // geometric means of the other two ratios; 0: no row.
  double over_best = 0.0;
  int rows = 0;                       // Where both this solver and the reference are ok,
  std::vector<std::string> left_out;  // and where one of them is not.
};

struct Summary {
  std::string reference;        // The solver that ratios are taken to.
  std::vector<Figure> figures;  // By row, then solver, as the results list them.
  std::vector<Mean> means;      // By setting, then solver.

  const Figure* Find(const RowFacts& row, const std::string& solver) const;
  const Mean* FindMean(const std::string& setting, const std::string& solver) const;
};

// The fastest step of a row in `best`, or in `results` if that is faster still. 0 where `best`
// knows nothing of the row: the fastest of one run is no yardstick for it.
Nanoseconds BestKnown(const SuiteResults& results, const SuiteResults& best, const RowFacts& row);

// What ratios are taken to unless said otherwise.
inline constexpr const char* kReferenceSolver = "expert_paper";

// `best`: results of profile best; of rows with another graph or machine they know nothing. The
// summary points into `results`.
Summary Summarize(const SuiteResults& results, const SuiteResults& best,
                  const std::string& reference = kReferenceSolver);

// {"figures": [...], "means": [...], "reference": "expert_paper"}.
nlohmann::json ToJson(const Summary& summary);

}  // namespace gopt::suite

#endif  // GOPT_BENCHMARKS_SUITE_SUMMARY_H_
