// gopt_bench_learning: how fast PPO learns on one problem, against searches that price as many
// plans.
//
//   gopt_bench_learning --graph txl4,rnnlm4,amoebanet --evaluations 1024 --seeds 3
//   gopt_bench_learning --decoder direct,list --against random,anneal --json learning.json
//
// Each run trains a fresh policy on one graph only. Every figure is the best step time after so
// many priced plans over that of the reference, the best classical plan without search; for
// `policy` the mean of the samples of the last iterations and one decode without noise stand beside
// it. The plans that found the reference are not counted for anybody: `anneal` starts from them
// too.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "benchmarks/command_line.h"
#include "gopt/base/status_macros.h"
#include "gopt/io/training_file.h"
#include "gopt/rl/trained_problem.h"
#include "gopt/rl/trainer.h"
#include "gopt/solve/solver.h"
#include "nlohmann/json.hpp"

ABSL_FLAG(std::string, graph, "txl4,rnnlm4,amoebanet", "Stored workloads, files or specs.");
ABSL_FLAG(std::string, machine, "p100x4", "A preset or a file.");
ABSL_FLAG(std::string, decoder, "list", "list, direct, or both with a comma.");
ABSL_FLAG(std::string, against, "random,anneal", "Solvers with the same budget.");
ABSL_FLAG(int64_t, evaluations, 1024, "Plans that each run prices.");
ABSL_FLAG(int, seeds, 3, "Runs of each.");
ABSL_FLAG(int, threads, 1, "Of a training run.");
ABSL_FLAG(std::string, set, "", "Settings of the configuration, with commas: ppo.samples=32");
ABSL_FLAG(std::string, json, "", "Write curves and figures to this file.");

namespace gopt {
namespace {

using Json = nlohmann::ordered_json;

// One run. Ratios are to the reference.
struct Run {
  std::string method;
  uint64_t seed = 0;
  double best = NAN, samples = NAN, greedy = NAN, seconds = 0.0;
  Json curve = Json::array();  // [evaluations, best so far, mean of the samples]
};

absl::StatusOr<TrainingConfig> ConfigOf(const std::string& graph, const std::string& decoder,
                                        uint64_t seed) {
  TrainingConfig config;
  config.problem = {{.graph = graph, .machine = absl::GetFlag(FLAGS_machine)}};
  config.seed = seed;
  config.network.seed = seed + 1;
  config.threads = absl::GetFlag(FLAGS_threads);
  config.evaluate_every = 0;
  GOPT_RETURN_IF_ERROR(ApplySetting(&config, "network.decoder=" + decoder));
  for (const auto setting : absl::StrSplit(absl::GetFlag(FLAGS_set), ',', absl::SkipEmpty())) {
    GOPT_RETURN_IF_ERROR(ApplySetting(&config, std::string(setting)));
  }
  config.iterations = std::max<int64_t>(1, absl::GetFlag(FLAGS_evaluations) / config.ppo.samples);
  return config;
}

absl::StatusOr<Run> Train(const std::string& graph, const std::string& decoder, uint64_t seed) {
  GOPT_ASSIGN_OR_RETURN(const TrainingConfig config, ConfigOf(graph, decoder, seed));
  Run run = {.method = "policy, " + decoder, .seed = seed};
  TrainerOptions options;
  options.on_line = [&run](std::string_view text) {
    const Json line = Json::parse(text);
    if (line["kind"] == "evaluation" && line["ratio_greedy"].is_number()) {
      run.greedy = line["ratio_greedy"].get<double>();
    }
    if (line["kind"] != "iteration") return;
    run.curve.push_back({line["evaluations"], line["ratio_best"], line["ratio_mean"]});
    run.seconds = line["seconds"].get<double>();
    if (line["ratio_best"].is_number()) run.best = line["ratio_best"].get<double>();
    if (line["ratio_mean"].is_number()) run.samples = line["ratio_mean"].get<double>();
  };
  GOPT_ASSIGN_OR_RETURN(const std::unique_ptr<Trainer> trainer, Trainer::Create(config, options));
  GOPT_RETURN_IF_ERROR(trainer->Run().status());
  return run;
}

absl::StatusOr<Run> Search(const Problem& problem, const CostBackend& backend,
                           const ReferencePlan& reference, const std::string& spec, uint64_t seed) {
  GOPT_ASSIGN_OR_RETURN(const auto solver, Solvers().Create(spec));
  SolveRequest request;
  request.problem = &problem;
  request.backend = &backend;
  request.budget = Budget::Evaluations(absl::GetFlag(FLAGS_evaluations));
  request.seed = seed;
  if (spec != "random") request.start_plans = {reference.plan};
  request.best_effort = true;
  GOPT_ASSIGN_OR_RETURN(const Solution solution, solver->Solve(request));
  const double scale = 1.0 / static_cast<double>(reference.report.step_time);
  Run run = {.method = spec,
             .seed = seed,
             .best = static_cast<double>(solution.report.step_time) * scale,
             .seconds = solution.seconds};
  for (const CurvePoint& point : solution.curve) {
    run.curve.push_back({point.evaluations, static_cast<double>(point.best) * scale, nullptr});
  }
  return run;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void PrintRow(const std::string& graph, const std::vector<Run>& runs) {
  std::vector<double> best, samples, greedy, seconds;
  for (const Run& run : runs) {
    best.push_back(run.best);
    samples.push_back(run.samples);
    greedy.push_back(run.greedy);
    seconds.push_back(run.seconds);
  }
  const auto cell = [](double value) {
    return std::isfinite(value) ? absl::StrFormat("%.3f", value) : std::string();
  };
  std::printf("| %s | %s | %s | %s to %s | %s | %s | %.1f |\n", graph.c_str(),
              runs[0].method.c_str(), cell(Median(best)).c_str(),
              cell(*std::min_element(best.begin(), best.end())).c_str(),
              cell(*std::max_element(best.begin(), best.end())).c_str(),
              cell(Median(samples)).c_str(), cell(Median(greedy)).c_str(), Median(seconds));
  std::fflush(stdout);
}

absl::Status Graph(const std::string& graph, Json* all) {
  const TrainingProblem named = {.graph = graph, .machine = absl::GetFlag(FLAGS_machine)};
  GOPT_ASSIGN_OR_RETURN(const Problem problem, LoadProblem(named, false, true, true));
  GOPT_ASSIGN_OR_RETURN(const auto backend, CostBackends().Create("simulator"));
  GOPT_ASSIGN_OR_RETURN(const ReferencePlan reference,
                        PolicyProblem::FindReference(problem, *backend));
  std::vector<std::pair<bool, std::string>> methods;
  for (const auto name : absl::StrSplit(absl::GetFlag(FLAGS_decoder), ',', absl::SkipEmpty())) {
    methods.emplace_back(true, std::string(name));
  }
  for (const auto name : absl::StrSplit(absl::GetFlag(FLAGS_against), ',', absl::SkipEmpty())) {
    methods.emplace_back(false, std::string(name));
  }
  for (const auto& [learns, method] : methods) {
    std::vector<Run> runs;
    for (int seed = 0; seed < absl::GetFlag(FLAGS_seeds); ++seed) {
      runs.emplace_back();
      if (learns) {
        GOPT_ASSIGN_OR_RETURN(runs.back(), Train(graph, method, seed));
      } else {
        GOPT_ASSIGN_OR_RETURN(runs.back(), Search(problem, *backend, reference, method, seed));
      }
      const Run& run = runs.back();
      all->push_back({{"graph", graph},
                      {"machine", named.machine},
                      {"reference_ns", reference.report.step_time},
                      {"reference_solver", reference.solver},
                      {"method", run.method},
                      {"seed", run.seed},
                      {"best", run.best},
                      {"seconds", run.seconds},
                      {"curve", run.curve}});
    }
    PrintRow(graph, runs);
  }
  return absl::OkStatus();
}

absl::Status Main() {
  std::printf(
      "| graph | method | best / reference | over seeds | samples | one decode | seconds |\n"
      "|---|---|---:|---|---:|---:|---:|\n");
  Json all = Json::array();
  for (const auto graph : absl::StrSplit(absl::GetFlag(FLAGS_graph), ',', absl::SkipEmpty())) {
    GOPT_RETURN_IF_ERROR(Graph(std::string(graph), &all));
  }
  if (const std::string path = absl::GetFlag(FLAGS_json); !path.empty()) {
    std::ofstream(path) << all.dump(1) << "\n";
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace gopt

int main(int argc, char** argv) {
  gopt::ParseCommandLine(argc, argv, "gopt_bench_learning [--graph=...] [--decoder=list,direct]");
  const absl::Status status = gopt::Main();
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
