// gopt_bench_fusion: what fusion costs: whole graphs by picks and by the heuristics, and one move
// of a search, step by step: merge and undo, new kernels, their graph, task graph and simulation.
//
//   gopt_bench_fusion [--graph=gnmt8_80,window,...] [--ops=10000,80000] [--machine=p100x8]

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "benchmarks/command_line.h"
#include "gopt/base/check.h"
#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/cost/simulator.h"
#include "gopt/machine/presets.h"
#include "gopt/plan/fuse.h"
#include "gopt/plan/fusion_groups.h"
#include "gopt/plan/kernel_graph.h"
#include "gopt/plan/problem.h"
#include "gopt/solve/fusion_heuristics.h"
#include "gopt/solve/task_graph.h"
#include "gopt/workloads/stored.h"
#include "gopt/workloads/synthetic.h"
#include "nlohmann/json.hpp"
#include "tests/testing/random_problem.h"
#include "tests/testing/thread_clock.h"

ABSL_FLAG(std::vector<std::string>, graph, (std::vector<std::string>{"window", "gnmt8_80"}),
          "stored workloads, files, specs as layered(ops=5000), or window: random elementwise ops");
ABSL_FLAG(std::vector<std::string>, ops, (std::vector<std::string>{"10000", "80000"}),
          "ops of the window graphs");
ABSL_FLAG(std::string, machine, "p100x8", "machine preset");
ABSL_FLAG(int, rounds, 5, "runs of each step; the fastest counts");
ABSL_FLAG(std::string, json, "", "write the numbers to this file");

namespace gopt {
namespace {

using Json = nlohmann::ordered_json;

// Processor time of this thread: other work on the machine adds little to it.
double Milliseconds(const std::function<void()>& work) {
  double best = 1e300;
  for (int i = 0; i < absl::GetFlag(FLAGS_rounds); ++i) {
    const testing::ThreadClock clock;
    work();
    best = std::min(best, 1e3 * clock.seconds());
  }
  return best;
}

class Bench {
 public:
  Bench(std::string name, std::shared_ptr<const Graph> graph, const Machine& machine)
      : name_(std::move(name)),
        problem_(Problem::Create(std::move(graph), machine, {.tasks = {.fusion = true}}).value()),
        costs_(problem_) {}

  Json Run() {
    std::printf("\n%s: %d ops, %zu in kernels\n", name_.c_str(), problem_.graph().num_ops(),
                problem_.graph().kernel_ops().size());
    Json row = {{"graph", name_}, {"ops", problem_.graph().num_ops()}};
    row["whole_ms"] = WholeGraphs();
    row["move"] = Moves();
    return row;
  }

 private:
  void Report(const std::string& step, double ms, Json* json, const std::string& note = "") {
    const double per_op = ms * 1e6 / static_cast<double>(problem_.graph().num_ops());
    std::printf("  %-32s %10.3f ms %8.1f ns/op  %s\n", step.c_str(), ms, per_op, note.c_str());
    (*json)[step] = ms;
  }

  void Whole(const std::string& step, Json* json,
             const std::function<absl::StatusOr<std::shared_ptr<const Kernels>>()>& fuse) {
    std::shared_ptr<const Kernels> kernels;
    const double ms = Milliseconds([&] { kernels = fuse().value(); });
    Report(step, ms, json, absl::StrCat(kernels->size(), " kernels"));
  }

  Json WholeGraphs() {
    Random random(1);
    std::vector<int32_t> picks(problem_.graph().num_ops()), bits(picks.size());
    for (size_t i = 0; i < picks.size(); ++i) {
      picks[i] = static_cast<int32_t>(random.Below(8));
      bits[i] = static_cast<int32_t>(random.Below(2));
    }
    const FusionOptions into = {.mode = FusionMode::kIntoConsumers};
    Json json;
    Whole("fuse, default", &json, [&] { return Fuse(problem_, {}); });
    Whole("fuse, 8 levels at random", &json, [&] { return Fuse(problem_, picks); });
    Whole("fuse, into all consumers", &json, [&] { return Fuse(problem_, {}, into); });
    Whole("fuse, into consumers at random", &json, [&] { return Fuse(problem_, bits, into); });
    for (const auto& [name, by] : {std::pair("heuristic: bytes", FusionHeuristic::kBytes),
                                   std::pair("heuristic: queue", FusionHeuristic::kQueue)}) {
      Whole(name, &json, [&, by = by] { return MakeFusion(problem_, costs_, by); });
    }
    return json;
  }

  // Random pairs of neighbours that may merge.
  std::vector<std::pair<OpId, OpId>> LegalPairs(const FusionGroups& groups, int count) const {
    Random random(2);
    const auto ops = problem_.graph().kernel_ops();
    std::vector<std::pair<OpId, OpId>> pairs;
    std::vector<OpId> neighbours;
    for (int tries = 0; tries < 100 * count && std::ssize(pairs) < count; ++tries) {
      const OpId group = groups.group(ops[random.Below(std::ssize(ops))]);
      groups.Neighbours(group, &neighbours);
      if (neighbours.empty()) continue;
      const OpId other = neighbours[random.Below(std::ssize(neighbours))];
      if (groups.CanMerge(group, other)) pairs.push_back({group, other});
    }
    return pairs;
  }

  Json Moves() {
    Json json;
    std::unique_ptr<FusionGroups> groups;
    Report("groups: construction",
           Milliseconds([&] { groups = std::make_unique<FusionGroups>(problem_); }), &json);
    const auto fused = Fuse(problem_, {}).value();
    Report("groups: assign", Milliseconds([&] { GOPT_CHECK(groups->Assign(*fused).ok()); }), &json);
    MergeAndUndo(groups.get(), &json);
    std::shared_ptr<const Kernels> kernels;
    Report("make kernels", Milliseconds([&] { kernels = groups->MakeKernels(); }), &json);
    Report("kernel graph", Milliseconds([&] { KernelGraph::Create(*kernels, {}).value(); }), &json);
    Report("task graph",
           Milliseconds([&] { TaskGraph::Create(problem_, kernels, costs_).value(); }), &json);
    const TaskGraph tasks = TaskGraph::Create(problem_, kernels, costs_).value();
    const auto changed = Changed(groups.get());
    Report("task graph, similar",
           Milliseconds([&] { TaskGraph::Create(problem_, changed, costs_, &tasks).value(); }),
           &json);
    Simulate(kernels, &json);
    return json;
  }

  void MergeAndUndo(FusionGroups* groups, Json* json) {
    const auto pairs = LegalPairs(*groups, 1'000);
    const double ms = Milliseconds([&] {
      for (const auto& [a, b] : pairs) {
        groups->Merge(a, b);
        groups->Undo();
      }
    });
    const double each = pairs.empty() ? 0.0 : ms * 1e6 / static_cast<double>(pairs.size());
    std::printf("  %-32s %10.0f ns each, of %zu\n", "merge and undo", each, pairs.size());
    (*json)["merge and undo, ns each"] = each;
  }

  // The groups' kernels after one merge.
  std::shared_ptr<const Kernels> Changed(FusionGroups* groups) const {
    for (const auto& [a, b] : LegalPairs(*groups, 1)) groups->Merge(a, b);
    auto kernels = groups->MakeKernels();
    groups->Undo();
    return kernels;
  }

  // With kernels that the evaluator knows, and with ones that it compiles.
  void Simulate(const std::shared_ptr<const Kernels>& kernels, Json* json) {
    const auto simulator = Simulator::Create().value();
    const auto evaluator = simulator->Bind(problem_).value();
    const auto singletons = Kernels::Singletons(problem_.shared_graph());
    CostReport report;
    const int devices = problem_.machine().num_devices();
    Plan plan = testing::LargePlan(kernels, devices, 1);
    const Plan other = testing::LargePlan(singletons, devices, 1);
    const auto price = [&](const Plan& each) {
      evaluator->Evaluate({&each, 1}, {}, {&report, 1});
      GOPT_CHECK(report.outcome != Outcome::kFailed);
    };
    const double known = Milliseconds([&] { price(plan); });
    Report("simulate", known, json);
    Report("simulate new kernels", Milliseconds([&] {
             plan.kernels = Kernels::Create(problem_.shared_graph(), kernels->columns()).value();
             price(plan);
           }),
           json);
  }

  const std::string name_;
  const Problem problem_;
  const RooflineCostModel costs_;
};

absl::StatusOr<std::vector<std::pair<std::string, std::shared_ptr<const Graph>>>> Graphs() {
  std::vector<std::pair<std::string, std::shared_ptr<const Graph>>> graphs;
  for (const std::string& name : absl::GetFlag(FLAGS_graph)) {
    if (name == "window") {
      for (const std::string& text : absl::GetFlag(FLAGS_ops)) {
        int ops = 0;
        if (!absl::SimpleAtoi(text, &ops) || ops < 1) {
          return absl::InvalidArgumentError(absl::StrCat("--ops: '", text, "' is no number"));
        }
        graphs.push_back(
            {name,
             testing::LargeGraph({.ops = ops, .window = 50, .chain = 0.5, .elementwise = true})});
      }
      continue;
    }
    auto stored = LoadWorkload(name);
    if (stored.ok()) {
      graphs.push_back({name, *std::move(stored)});
      continue;
    }
    GOPT_ASSIGN_OR_RETURN(const Imported imported, SyntheticOrFile(name));
    graphs.push_back({name, imported.graph});
  }
  return graphs;
}

absl::Status Run() {
  GOPT_ASSIGN_OR_RETURN(const Machine machine, MachineFromPreset(absl::GetFlag(FLAGS_machine)));
  GOPT_ASSIGN_OR_RETURN(const auto graphs, Graphs());
  Json rows = Json::array();
  for (const auto& [name, graph] : graphs) rows.push_back(Bench(name, graph, machine).Run());
  const std::string path = absl::GetFlag(FLAGS_json);
  if (path.empty()) return absl::OkStatus();
  std::ofstream file(path);
  file << rows.dump(2) << "\n";
  return file.good() ? absl::OkStatus() : absl::UnknownError(absl::StrCat("cannot write ", path));
}

}  // namespace
}  // namespace gopt

int main(int argc, char** argv) {
  gopt::ParseCommandLine(argc, argv, "Time of fusing whole graphs and of one move of a search.");
  const absl::Status status = gopt::Run();
  if (!status.ok()) std::fprintf(stderr, "gopt_bench_fusion: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
