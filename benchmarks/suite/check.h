#ifndef GOPT_BENCHMARKS_SUITE_CHECK_H_
#define GOPT_BENCHMARKS_SUITE_CHECK_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "benchmarks/suite/grid.h"
#include "benchmarks/suite/results.h"

namespace gopt::suite {

// The expert of the reference figures: they are of critical-path order alone.
inline constexpr const char* kCheckedExpert = "expert_paper(order=critical_path)";

// Figures that another simulator gave for the same workloads (benchmarks/suite_reference.json):
// setting, row, quantity -> value. Quantities: milliseconds of "one_device", "critical_path",
// "lower_bound", "expert", "best"; or the ratio "expert_over_best".
using ReferenceFigures =
    std::map<std::string, std::map<std::string, std::map<std::string, double>>>;

// InvalidArgument names the file.
absl::StatusOr<ReferenceFigures> ReadReferenceFigures(const std::string& path);

struct Comparison {
  std::string setting;
  std::string row;
  std::string quantity;
  double ours = 0.0;
  double reference = 0.0;

  double difference() const { return ours / reference - 1.0; }
};

// What differs by more is listed apart.
inline constexpr double kTolerance = 0.15;

// All quantities that both sides know. One device and expert come from the results, best is
// BestKnown.
std::vector<Comparison> CompareWithReference(const SuiteResults& results, const SuiteResults& best,
                                             const ReferenceFigures& reference);

Grid ToGrid(const std::vector<Comparison>& comparisons);

}  // namespace gopt::suite

#endif  // GOPT_BENCHMARKS_SUITE_CHECK_H_
