#include "benchmarks/suite/check.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "benchmarks/suite/summary.h"
#include "gopt/base/status_macros.h"
#include "nlohmann/json.hpp"
#include "src/io/file_bytes.h"

namespace gopt::suite {
namespace {

double Milliseconds(Nanoseconds ns) { return static_cast<double>(ns) / 1e6; }

double SolverMilliseconds(const SuiteResults& results, const RowFacts& row,
                          const std::string& solver) {
  const std::vector<const Cell*> seeds = results.Seeds(row, solver);
  return seeds.empty() || !seeds.front()->ok() ? 0.0 : Milliseconds(seeds.front()->step_time);
}

// 0: not known here.
double OurValue(const SuiteResults& results, const SuiteResults& best, const RowFacts& row,
                const std::string& quantity) {
  if (quantity == "critical_path") return Milliseconds(row.critical_path);
  if (quantity == "lower_bound") return Milliseconds(row.lower_bound);
  if (quantity == "one_device") return SolverMilliseconds(results, row, "single_device");
  const double expert = SolverMilliseconds(results, row, kCheckedExpert);
  if (quantity == "expert") return expert;
  const double fastest = Milliseconds(BestKnown(results, best, row));
  if (quantity == "best") return fastest;
  return quantity == "expert_over_best" && fastest > 0.0 ? expert / fastest : 0.0;
}

}  // namespace

absl::StatusOr<ReferenceFigures> ReadReferenceFigures(const std::string& path) {
  GOPT_ASSIGN_OR_RETURN(const std::string text, ReadFileBytes(path, int64_t{1} << 20));
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  try {
    return json.at("settings").get<ReferenceFigures>();
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", error.what()));
  }
}

std::vector<Comparison> CompareWithReference(const SuiteResults& results, const SuiteResults& best,
                                             const ReferenceFigures& reference) {
  std::vector<Comparison> comparisons;
  for (const RowFacts& row : results.rows()) {
    const auto setting = reference.find(row.setting);
    if (setting == reference.end()) continue;
    const auto figures = setting->second.find(row.name);
    if (figures == setting->second.end()) continue;
    for (const auto& [quantity, value] : figures->second) {
      const double ours = OurValue(results, best, row, quantity);
      if (ours > 0.0) comparisons.push_back({row.setting, row.name, quantity, ours, value});
    }
  }
  return comparisons;
}

Grid ToGrid(const std::vector<Comparison>& comparisons) {
  Grid grid{{"row", "setting", "quantity", "here", "reference", "difference", ""}, {}};
  for (const Comparison& c : comparisons) {
    grid.lines.push_back({c.row, c.setting, c.quantity, absl::StrFormat("%.4g", c.ours),
                          absl::StrFormat("%.4g", c.reference),
                          absl::StrFormat("%+.1f %%", 100.0 * c.difference()),
                          std::abs(c.difference()) > kTolerance ? "more than 15 %" : ""});
  }
  return grid;
}

}  // namespace gopt::suite
