// gopt_bench_features: what it takes to turn a graph into tensors, and how that grows.
//
//   gopt_bench_features [--graph=layered,window,FILE...] [--ops=10000,80000,300000]
//                       [--devices=8] [--rounds=7] [--json=FILE]

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "benchmarks/command_line.h"
#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/features/graph_features.h"
#include "gopt/plan/problem.h"
#include "gopt/workloads/stored.h"
#include "gopt/workloads/synthetic.h"
#include "nlohmann/json.hpp"
#include "tests/testing/random_problem.h"
#include "tests/testing/thread_clock.h"

ABSL_FLAG(std::vector<std::string>, graph, (std::vector<std::string>{"layered", "window"}),
          "layered (bounded width), window (operands from up to 1,000 ops back), stored workloads, "
          "files, specs as rnn(layers=8)");
ABSL_FLAG(std::vector<std::string>, ops, (std::vector<std::string>{"10000", "80000", "300000"}),
          "ops of layered and window");
ABSL_FLAG(int, devices, 8, "equal devices, a channel for each ordered pair");
ABSL_FLAG(int, rounds, 7, "runs; the fastest counts");
ABSL_FLAG(std::string, json, "", "write the numbers to this file");

namespace gopt {
namespace {

using Json = nlohmann::ordered_json;
using GraphPtr = std::shared_ptr<const Graph>;

absl::StatusOr<GraphPtr> LoadGraph(const std::string& name, int ops) {
  if (name == "layered") return MakeLayered({.ops = ops});
  if (name == "window") return testing::LargeGraph({.ops = ops});
  absl::StatusOr<GraphPtr> stored = LoadWorkload(name);
  if (stored.ok()) return stored;
  GOPT_ASSIGN_OR_RETURN(Imported imported, SyntheticOrFile(name));
  return imported.graph;
}

// Times by the roofline, random devices and starts: what they are does not change the work.
FeatureContext MakeContext(const Problem& problem) {
  const RooflineCostModel costs(problem);
  const int ops = problem.graph().num_ops(), devices = problem.machine().num_devices();
  FeatureContext context{.mean_latency = 10'000, .mean_inverse_bandwidth = 0.1};
  context.device_kind.assign(devices, 0);
  context.times.resize(1);
  Random random(1);
  context.incumbent.makespan = 1'000'000'000;
  for (OpId op = 0; op < ops; ++op) {
    context.times[0].push_back(problem.graph().in_kernel(op) ? costs.OpTime(op, 0) : 0);
    context.incumbent.device.push_back(static_cast<DeviceId>(random.Below(devices)));
    context.incumbent.start.push_back(random.Below(900'000'000));
    context.incumbent.finish.push_back(context.incumbent.start.back() + 1'000);
    context.incumbent.critical.push_back(random.Below(8) == 0 ? 1 : 0);
  }
  context.placements.assign(3, context.incumbent.device);
  return context;
}

absl::StatusOr<Json> Measure(const std::string& name, int ops) {
  GOPT_ASSIGN_OR_RETURN(GraphPtr graph, LoadGraph(name, ops));
  GOPT_ASSIGN_OR_RETURN(Machine machine, UniformMachine({.count = absl::GetFlag(FLAGS_devices)}));
  GOPT_ASSIGN_OR_RETURN(const Problem problem, Problem::Create(graph, std::move(machine)));
  const FeatureContext context = MakeContext(problem);
  double best = 1e300;
  for (int i = 0; i < absl::GetFlag(FLAGS_rounds); ++i) {
    const testing::ThreadClock clock;
    GOPT_RETURN_IF_ERROR(MakeGraphFeatures(problem, context).status());
    best = std::min(best, 1e3 * clock.seconds());
  }
  std::printf("%-12s %9d %9lld %10.2f %10.1f\n", name.c_str(), graph->num_ops(),
              static_cast<long long>(graph->num_edges()), best, 1e6 * best / graph->num_ops());
  return Json{{"graph", name},
              {"ops", graph->num_ops()},
              {"edges", graph->num_edges()},
              {"features_ms", best}};
}

absl::Status Main() {
  std::printf("%-12s %9s %9s %10s %10s\n", "graph", "ops", "edges", "ms", "ns per op");
  Json rows = Json::array();
  for (const std::string& name : absl::GetFlag(FLAGS_graph)) {
    const bool generated = name == "layered" || name == "window";
    for (const std::string& text : absl::GetFlag(FLAGS_ops)) {
      int ops = 0;
      if (!absl::SimpleAtoi(text, &ops)) {
        return absl::InvalidArgumentError(absl::StrCat("--ops: '", text, "' is no number"));
      }
      GOPT_ASSIGN_OR_RETURN(Json row, Measure(name, ops));
      rows.push_back(std::move(row));
      if (!generated) break;
    }
  }
  const std::string path = absl::GetFlag(FLAGS_json);
  if (!path.empty()) std::ofstream(path) << rows.dump(2) << "\n";
  return absl::OkStatus();
}

}  // namespace
}  // namespace gopt

int main(int argc, char** argv) {
  gopt::ParseCommandLine(argc, argv, "What it takes to turn a graph into tensors.");
  const absl::Status status = gopt::Main();
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return 1;
}
