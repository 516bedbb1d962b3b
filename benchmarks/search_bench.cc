// Quality and speed of the searches on the public scheduling problems: step time over the best plan
// of the prototype's classical portfolio (prototype_B_ns) where the file states it, else over the
// lower bound. Lower is better.
//
//   gopt_bench_search --solvers 'portfolio(search=false),hill_climb,anneal' --evaluations 10000
//   gopt_bench_search --graph all --solvers 'portfolio(search=false)'
//   gopt_bench_search --graph some.json.gz --json out.json

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "benchmarks/command_line.h"
#include "gopt/base/spec.h"
#include "gopt/cost/simulator.h"
#include "gopt/io/importer.h"
#include "gopt/optimizer/optimizer.h"
#include "nlohmann/json.hpp"
#include "tests/testing/paths.h"
#include "tests/testing/random_problem.h"

ABSL_FLAG(std::string, graph, "",
          "files separated by commas, or all: the 42 graphs of learning_graphs; default: its 11 "
          "suite graphs, or a generated graph where they are absent");
ABSL_FLAG(std::string, solvers, "portfolio(search=false),hill_climb,anneal", "specs to compare");
ABSL_FLAG(int64_t, evaluations, 10'000, "budget of each solver");
ABSL_FLAG(int, seeds, 1, "runs of each solver; ratios are geometric means over them");
ABSL_FLAG(std::string, json, "", "write the figures here");

namespace gopt {
namespace {

constexpr const char* kSuite[] = {"rnn8_T25k10",        "gnmt4_T12_P4",      "txl6_h8s3_P4",
                                  "narrow16_2000_bw12", "narrow16_2000_bw2", "blocks49x8x5_bw3",
                                  "nasnetamobile_P4",   "inception_v3_P4",   "gnmt_103_8",
                                  "narrow_103_8",       "blocks_103_8"};

struct Instance {
  std::string name;
  Problem problem;
  double reference;  // Nanoseconds; 0: use the lower bound.
};

std::vector<std::string> AllLearningGraphs() {
  std::vector<std::string> files;
  const auto folder = testing::DataPath("learning_graphs");
  if (!folder.has_value()) return files;
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
    files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> GraphFiles() {
  std::vector<std::string> files;
  const std::string given = absl::GetFlag(FLAGS_graph);
  if (given == "all") return AllLearningGraphs();
  if (!given.empty()) return absl::StrSplit(given, ',');
  for (const char* name : kSuite) {
    const auto path = testing::DataPath(absl::StrCat("learning_graphs/", name, ".json.gz"));
    if (path.has_value()) files.push_back(*path);
  }
  return files;
}

absl::StatusOr<Instance> Load(const std::string& path) {
  absl::StatusOr<Imported> imported = ImportFile(path);
  if (!imported.ok()) return imported.status();
  if (!imported->machine.has_value()) {
    return absl::InvalidArgumentError(path + ": names no machine");
  }
  absl::StatusOr<Problem> problem = Problem::Create(imported->graph, *imported->machine);
  if (!problem.ok()) return problem.status();
  const auto figure = imported->figures.find("prototype_B_ns");
  const std::string name = path.substr(path.find_last_of('/') + 1);
  return Instance{name.substr(0, name.find('.')), *std::move(problem),
                  figure == imported->figures.end() ? 0.0 : figure->second};
}

Instance Generated() {
  const auto graph = testing::LargeGraph({.ops = 2'000, .window = 50});
  return {"generated", *Problem::Create(graph, *UniformMachine({.count = 4, .bandwidth = 1e10})),
          0.0};
}

struct Cell {
  double log_ratio = 0.0;
  double seconds = 0.0;
  int64_t evaluations = 0;
  std::string found_by;
};

absl::StatusOr<Cell> Measure(const Instance& instance, const std::string& solver) {
  Cell cell;
  const int seeds = std::max(1, absl::GetFlag(FLAGS_seeds));
  for (int seed = 0; seed < seeds; ++seed) {
    absl::StatusOr<std::unique_ptr<Optimizer>> optimizer =
        Optimizer::Create({.solver = solver, .seed = static_cast<uint64_t>(seed)});
    if (!optimizer.ok()) return optimizer.status();
    absl::StatusOr<Solution> solution =
        (*optimizer)
            ->Optimize(instance.problem, Budget::Evaluations(absl::GetFlag(FLAGS_evaluations)));
    if (!solution.ok()) return solution.status();
    const double reference = instance.reference > 0.0
                                 ? instance.reference
                                 : static_cast<double>(solution->bounds.step_time());
    cell.log_ratio += std::log(static_cast<double>(solution->report.step_time) / reference) / seeds;
    cell.seconds += solution->seconds;
    cell.evaluations += solution->evaluations;
    cell.found_by = solution->solver;
  }
  return cell;
}

// Seconds per evaluation of one plan again and again, with what searches ask for.
double BareEvaluationSeconds(const Instance& instance) {
  const auto simulator = *Simulator::Create();
  const auto evaluator = *simulator->Bind(instance.problem);
  absl::StatusOr<std::unique_ptr<Optimizer>> optimizer =
      Optimizer::Create({.solver = "portfolio(search=false)"});
  const absl::StatusOr<Solution> solution =
      (*optimizer)->Optimize(instance.problem, Budget::Evaluations(100));
  if (!solution.ok()) return 0.0;
  Plan plan = solution->plan;
  plan.dispatch = Dispatch::kPriority;
  CostReport report;
  constexpr int kRounds = 300;
  const Clock::time_point begin = Clock::now();
  for (int i = 0; i < kRounds; ++i) {
    if (plan.rank.size() > 1) std::swap(plan.rank[0], plan.rank[1]);
    evaluator->Evaluate({&plan, 1}, {.critical_chain = true}, {&report, 1});
  }
  return std::chrono::duration<double>(Clock::now() - begin).count() / kRounds;
}

int Run() {
  absl::StatusOr<std::vector<Spec>> specs = Spec::ParseList(absl::GetFlag(FLAGS_solvers));
  if (!specs.ok()) {
    std::fprintf(stderr, "--solvers: %s\n", std::string(specs.status().message()).c_str());
    return 2;
  }
  std::vector<Instance> instances;
  for (const std::string& path : GraphFiles()) {
    absl::StatusOr<Instance> instance = Load(path);
    if (!instance.ok()) {
      std::fprintf(stderr, "%s\n", std::string(instance.status().message()).c_str());
      return 2;
    }
    instances.push_back(*std::move(instance));
  }
  if (instances.empty()) instances.push_back(Generated());

  nlohmann::json rows = nlohmann::json::array();
  std::vector<double> sum(specs->size(), 0.0);
  std::vector<int> within(specs->size(), 0);  // Graphs at most 1 % over their reference.
  std::printf("%-20s %9s", "graph", "sim us");
  for (const Spec& spec : *specs) std::printf("  %26s", spec.ToString().c_str());
  std::printf("\n");
  for (const Instance& instance : instances) {
    const double bare = BareEvaluationSeconds(instance);
    std::printf("%-20s %9.1f", instance.name.c_str(), bare * 1e6);
    for (size_t s = 0; s < specs->size(); ++s) {
      const absl::StatusOr<Cell> cell = Measure(instance, (*specs)[s].ToString());
      if (!cell.ok()) {
        std::printf("  %26s", std::string(cell.status().message()).substr(0, 26).c_str());
        continue;
      }
      sum[s] += cell->log_ratio;
      within[s] += std::exp(cell->log_ratio) <= 1.01 ? 1 : 0;
      std::printf("  %6.4f %7.0f/s %-10.10s", std::exp(cell->log_ratio),
                  static_cast<double>(cell->evaluations) / cell->seconds, cell->found_by.c_str());
      rows.push_back({{"graph", instance.name},
                      {"solver", (*specs)[s].ToString()},
                      {"ratio", std::exp(cell->log_ratio)},
                      {"evaluations", cell->evaluations},
                      {"seconds", cell->seconds},
                      {"simulation_seconds", bare},
                      {"found_by", cell->found_by}});
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  std::printf("%-20s %9s", "geometric mean", "");
  for (double total : sum) {
    std::printf("  %6.4f %20s", std::exp(total / static_cast<double>(instances.size())), "");
  }
  std::printf("\n%-20s %9s", "within 1 %", "");
  for (int count : within) {
    std::printf("  %3d of %-3zu %16s", count, instances.size(), "");
  }
  std::printf("\n");
  if (const std::string path = absl::GetFlag(FLAGS_json); !path.empty()) {
    std::ofstream(path) << rows.dump(2) << "\n";
  }
  return 0;
}

}  // namespace
}  // namespace gopt

int main(int argc, char** argv) {
  gopt::ParseCommandLine(argc, argv, "Quality and speed of the searches on scheduling problems.");
  return gopt::Run();
}
