#ifndef GOPT_BENCHMARKS_SUITE_ROWS_H_
#define GOPT_BENCHMARKS_SUITE_ROWS_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "benchmarks/suite/results.h"
#include "gopt/graph/graph.h"
#include "gopt/plan/problem.h"

namespace gopt::suite {

// A graph and how many devices it is to be placed on.
struct Workload {
  std::string name;
  std::string family;
  std::string suite;
  int devices = 1;
  std::shared_ptr<const Graph> graph;
};

// Stored workloads by name and graph files by path. A file's device count is `devices` if that is
// not 0, else its metadata `workload.devices`. NotFound, InvalidArgument.
absl::StatusOr<std::vector<Workload>> LoadWorkloads(const std::vector<std::string>& names_or_paths,
                                                    int devices);

// Names of the stored workloads of these suites ("paper", "modern"), in their order there.
// NotFound: a suite that has none.
absl::StatusOr<std::vector<std::string>> StoredNames(const std::vector<std::string>& suites);

// The fingerprint and what it leaves out and experts and searches follow: scopes, phases, twins.
uint64_t GraphHash(const Graph& graph);

// One row of a table: a workload on the machine of a setting.
struct Row {
  RowFacts facts;
  Problem problem;
};

// "p100" and "a100": the presets p100xN and a100xN with the workload's N. "p100mem": p100xN, where
// each device has 1.3 times the largest peak of `expert(order=critical_path)`, so that one device
// is too small for everything. `tasks`: what is open; bounds are for that. InvalidArgument lists
// the settings.
absl::StatusOr<Row> MakeRow(const Workload& workload, const std::string& setting,
                            const Tasks& tasks = {});

}  // namespace gopt::suite

#endif  // GOPT_BENCHMARKS_SUITE_ROWS_H_
