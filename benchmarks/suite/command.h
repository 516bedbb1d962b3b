#ifndef GOPT_BENCHMARKS_SUITE_COMMAND_H_
#define GOPT_BENCHMARKS_SUITE_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmarks/suite/rows.h"
#include "benchmarks/suite/runner.h"

namespace gopt::suite {

// What the programs over the suite's rows share.

// "a,b": names between commas.
std::vector<std::string> SplitNames(const std::string& text);
// "anneal,list(stickiness=0.5)": specs between commas, each in its normal form. InvalidArgument
// for what is none.
absl::StatusOr<std::vector<std::string>> SplitSpecs(const std::string& text);

// InvalidArgument names the flag if it is negative.
absl::Status CheckNotNegative(const char* flag, double value);

// Every workload in every setting, by setting. `tasks`: what is open.
absl::StatusOr<std::vector<Row>> MakeRows(const std::vector<Workload>& workloads,
                                          const std::vector<std::string>& settings,
                                          const Tasks& tasks = {});

// To standard error: "[3/12] p100 gnmt4 anneal seed 0: 211 ms (8.2 s)".
void PrintProgress(const RunProgress& progress);

}  // namespace gopt::suite

#endif  // GOPT_BENCHMARKS_SUITE_COMMAND_H_
