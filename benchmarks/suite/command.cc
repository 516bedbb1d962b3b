#include "benchmarks/suite/command.h"

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "benchmarks/suite/grid.h"
#include "gopt/base/spec.h"
#include "gopt/base/status_macros.h"

namespace gopt::suite {

std::vector<std::string> SplitNames(const std::string& text) {
  return absl::StrSplit(text, ',', absl::SkipEmpty());
}

absl::StatusOr<std::vector<std::string>> SplitSpecs(const std::string& text) {
  std::vector<std::string> specs;
  if (text.empty()) return specs;
  GOPT_ASSIGN_OR_RETURN(const std::vector<Spec> parsed, Spec::ParseList(text));
  for (const Spec& spec : parsed) specs.push_back(spec.ToString());
  return specs;
}

absl::Status CheckNotNegative(const char* flag, double value) {
  if (value >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, " is ", value, ", expected 0 or more"));
}

absl::StatusOr<std::vector<Row>> MakeRows(const std::vector<Workload>& workloads,
                                          const std::vector<std::string>& settings,
                                          const Tasks& tasks) {
  std::vector<Row> rows;
  for (const std::string& setting : settings) {
    for (const Workload& workload : workloads) {
      GOPT_ASSIGN_OR_RETURN(Row row, MakeRow(workload, setting, tasks));
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

void PrintProgress(const RunProgress& progress) {
  const Cell& cell = *progress.cell;
  const std::string result =
      cell.ok() ? MillisecondsText(static_cast<double>(cell.step_time)) + " ms" : cell.reason;
  std::fprintf(stderr, "[%zu/%zu] %s %s %s seed %d: %.100s (%.1f s)\n", progress.done, progress.all,
               cell.place.setting.c_str(), cell.place.row.c_str(), cell.place.solver.c_str(),
               static_cast<int>(cell.place.seed), result.c_str(), cell.seconds);
}

}  // namespace gopt::suite
