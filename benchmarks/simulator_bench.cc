// How fast plans are priced: the simulator against the plain one of the tests, interleaved in the
// same run; two threads against one; cost per op and edge from 1,000 to 1,000,000 ops; against two
// small Python simulators of the same graph.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "benchmarks/command_line.h"
#include "gopt/base/check.h"
#include "gopt/cost/simulator.h"
#include "gopt/plan/problem.h"
#include "gopt/workloads/synthetic.h"
#include "nlohmann/json.hpp"
#include "tests/testing/paths.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/reference_simulator.h"

ABSL_FLAG(std::string, json, "", "write the results to this file");
ABSL_FLAG(std::string, graph, "random", "a graph file, a spec as layered(ops=5000), or 'random'");
ABSL_FLAG(int, ops, 80'000, "ops of the random graph; it has two edges per op");
ABSL_FLAG(int, devices, 8, "devices, with a channel per ordered pair");
ABSL_FLAG(int, threads, 2, "threads to compare with one");
ABSL_FLAG(int, rounds, 15, "rounds of each comparison; medians are reported");
ABSL_FLAG(int, max_ops, 1'000'000, "largest graph of the scaling table");
ABSL_FLAG(std::string, python, "python3", "interpreter for the Python simulators; empty: skip");

namespace gopt {
namespace {

using testing::ConsecutiveKernels;
using testing::LargeGraph;
using testing::LargePlan;
using Json = nlohmann::ordered_json;

constexpr double kBandwidth = 25e9;
constexpr Nanoseconds kLatency = 2'000;

double Seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Problem MakeProblem(std::shared_ptr<const Graph> graph, int devices) {
  const auto machine = UniformMachine(
      {.count = devices, .launch = 1'000, .bandwidth = kBandwidth, .latency = kLatency});
  GOPT_CHECK(machine.ok());
  const auto problem = Problem::Create(std::move(graph), *machine);
  GOPT_CHECK(problem.ok());
  return *problem;
}

// A few plans that share their kernels, as a search makes them.
std::vector<Plan> MakePlans(std::shared_ptr<const Kernels> kernels, int devices) {
  std::vector<Plan> plans;
  for (uint64_t seed = 1; seed <= 4; ++seed) plans.push_back(LargePlan(kernels, devices, seed));
  return plans;
}

// Simulator and plain simulator in turn, plan after plan; both have compiled the kernels before.
Json CompareWithOracle(const Problem& problem, std::shared_ptr<const Kernels> kernels,
                       SimulatorOptions options, const char* name) {
  const std::vector<Plan> plans = MakePlans(kernels, problem.machine().num_devices());
  const auto simulator = *Simulator::Create(options);
  const testing::ReferenceSimulator reference(options);
  const std::unique_ptr<Evaluator> fast = *simulator->Bind(problem);
  const std::unique_ptr<Evaluator> plain = *reference.Bind(problem);
  CostReport fast_report, plain_report;
  for (const Plan& plan : plans) {
    fast->Evaluate({&plan, 1}, {}, {&fast_report, 1});
    plain->Evaluate({&plan, 1}, {}, {&plain_report, 1});
    GOPT_CHECK(fast_report.step_time == plain_report.step_time);
    GOPT_CHECK(fast_report.peak_bytes == plain_report.peak_bytes);
  }
  std::vector<double> fast_seconds, plain_seconds, ratios;
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    const Plan& plan = plans[static_cast<size_t>(round) % plans.size()];
    fast_seconds.push_back(Seconds([&] { fast->Evaluate({&plan, 1}, {}, {&fast_report, 1}); }));
    plain_seconds.push_back(Seconds([&] { plain->Evaluate({&plan, 1}, {}, {&plain_report, 1}); }));
    ratios.push_back(plain_seconds.back() / fast_seconds.back());
  }
  const double ops = static_cast<double>(problem.graph().kernel_ops().size());
  Json row = {{"case", name},
              {"kernels", kernels->size()},
              {"simulator_ms", Median(fast_seconds) * 1e3},
              {"plain_ms", Median(plain_seconds) * 1e3},
              {"simulator_ns_per_op", Median(fast_seconds) / ops * 1e9},
              {"ratio", Median(ratios)}};
  std::printf("%-22s %9d kernels %9.2f ms %9.2f ms plain %7.1f ns/op   ratio %.2f\n", name,
              kernels->size(), Median(fast_seconds) * 1e3, Median(plain_seconds) * 1e3,
              Median(fast_seconds) / ops * 1e9, Median(ratios));
  return row;
}

// Plans priced per second by `threads` evaluators at once.
double Throughput(const CostBackend& backend, const Problem& problem,
                  const std::vector<Plan>& plans, int threads, int evaluations) {
  std::vector<std::unique_ptr<Evaluator>> evaluators;
  std::vector<CostReport> reports(static_cast<size_t>(threads));
  for (int t = 0; t < threads; ++t) {
    evaluators.push_back(*backend.Bind(problem));
    evaluators.back()->Evaluate({&plans[0], 1}, {}, {&reports[static_cast<size_t>(t)], 1});
  }
  const double seconds = Seconds([&] {
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t) {
      workers.emplace_back([&, t] {
        for (int i = 0; i < evaluations; ++i) {
          const Plan& plan = plans[static_cast<size_t>(i + t) % plans.size()];
          evaluators[static_cast<size_t>(t)]->Evaluate({&plan, 1}, {},
                                                       {&reports[static_cast<size_t>(t)], 1});
        }
      });
    }
    for (std::thread& worker : workers) worker.join();
  });
  return threads * evaluations / seconds;
}

Json CompareThreads(const Problem& problem) {
  const auto simulator = *Simulator::Create({.memory = false});
  const int threads = absl::GetFlag(FLAGS_threads);
  const std::vector<Plan> plans =
      MakePlans(Kernels::Singletons(problem.shared_graph()), problem.machine().num_devices());
  std::vector<double> one, many, ratios;
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    one.push_back(Throughput(*simulator, problem, plans, 1, 10));
    many.push_back(Throughput(*simulator, problem, plans, threads, 10));
    ratios.push_back(many.back() / one.back());
  }
  std::printf("%d threads: %.1f plans/s against %.1f, ratio %.2f\n", threads, Median(many),
              Median(one), Median(ratios));
  return {{"threads", threads},
          {"plans_per_second_one", Median(one)},
          {"plans_per_second", Median(many)},
          {"ratio", Median(ratios)}};
}

Json Scale(int devices) {
  Json rows = Json::array();
  for (int ops = 1'000; ops <= absl::GetFlag(FLAGS_max_ops); ops *= 10) {
    const Problem problem = MakeProblem(LargeGraph({.ops = ops, .chain = 0.5}), devices);
    const auto kernels = Kernels::Singletons(problem.shared_graph());
    const std::vector<Plan> plans = MakePlans(kernels, devices);
    const auto simulator = *Simulator::Create({.memory = false});
    const std::unique_ptr<Evaluator> evaluator = *simulator->Bind(problem);
    CostReport report;
    evaluator->Evaluate({&plans[0], 1}, {}, {&report, 1});
    std::vector<double> seconds;
    const int repeats = std::max(3, std::min(300, 3'000'000 / ops));
    for (int i = 0; i < repeats; ++i) {
      const Plan& plan = plans[static_cast<size_t>(i) % plans.size()];
      seconds.push_back(Seconds([&] { evaluator->Evaluate({&plan, 1}, {}, {&report, 1}); }));
    }
    const double size = ops + static_cast<double>(problem.graph().num_edges());
    rows.push_back({{"ops", ops}, {"ns_per_op_and_edge", Median(seconds) / size * 1e9}});
    std::printf("%9d ops: %6.1f ns per op and edge\n", ops, Median(seconds) / size * 1e9);
  }
  return rows;
}

Json ProblemForPython(const Problem& problem, const Plan& plan) {
  const Graph& graph = problem.graph();
  const RooflineCostModel costs(problem);
  Json json = {{"devices", problem.machine().num_devices()},
               {"bandwidth", kBandwidth},
               {"latency", kLatency},
               {"device", plan.device},
               {"rank", plan.rank}};
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    json["duration"].push_back(costs.OpTime(op, plan.device[op]));
    json["bytes"].push_back(graph.port_bytes(graph.first_port(op)));
    json["operands"].push_back(graph.predecessors(op));
  }
  return json;
}

// The random graph has one port per op, with the op's id.
Json CompareWithPython(const Problem& problem) {
  const Plan plan = LargePlan(Kernels::Singletons(problem.shared_graph()),
                              problem.machine().num_devices(), /*seed=*/1);
  const auto simulator = *Simulator::Create({.memory = false});
  const std::unique_ptr<Evaluator> evaluator = *simulator->Bind(problem);
  CostReport report;
  std::vector<double> seconds;
  const std::filesystem::path input = std::filesystem::temp_directory_path() /
                                      absl::StrCat("gopt_bench_simulator_", getpid(), ".json");
  std::ofstream(input) << ProblemForPython(problem, plan);
  Json rows = Json::array();
  for (const char* name : {"heapq", "simpy"}) {
    for (int i = 0; i < 5; ++i) {  // In the same minute as the Python run.
      seconds.push_back(Seconds([&] { evaluator->Evaluate({&plan, 1}, {}, {&report, 1}); }));
    }
    const std::string script =
        testing::SourcePath(absl::StrCat("benchmarks/python/", name, "_simulator.py"));
    const std::string command =
        absl::StrCat("'", absl::GetFlag(FLAGS_python), "' '", script, "' '", input.string(), "'");
    std::string output;
    if (FILE* pipe = popen(command.c_str(), "r"); pipe != nullptr) {
      char buffer[256];
      while (fgets(buffer, sizeof(buffer), pipe) != nullptr) output += buffer;
      pclose(pipe);
    }
    const Json answer = Json::parse(output, nullptr, /*allow_exceptions=*/false);
    if (!answer.is_object()) {
      std::printf("%s: skipped, the script did not answer\n", name);
      rows.push_back({{"simulator", name}, {"skipped", true}});
      continue;
    }
    const double ratio = answer["seconds"].get<double>() / Median(seconds);
    rows.push_back({{"simulator", name},
                    {"seconds", answer["seconds"]},
                    {"step_time_ns", answer["step_time_ns"]},
                    {"same_step_time", answer["step_time_ns"] == report.step_time},
                    {"ratio", ratio}});
    std::printf("Python with %s: %.2f s, ratio %.0f, step time %s\n", name,
                answer["seconds"].get<double>(), ratio,
                answer["step_time_ns"] == report.step_time ? "equal" : "differs");
  }
  std::filesystem::remove(input);
  return rows;
}

int Run() {
  const std::string name = absl::GetFlag(FLAGS_graph);
  const int devices = absl::GetFlag(FLAGS_devices);
  std::shared_ptr<const Graph> graph;
  if (name == "random") {
    graph = LargeGraph({.ops = absl::GetFlag(FLAGS_ops), .chain = 0.5});
  } else {
    const auto read = SyntheticOrFile(name);
    if (!read.ok()) {
      std::fprintf(stderr, "%s\n", std::string(read.status().message()).c_str());
      return 1;
    }
    graph = read->graph;
  }
  const Problem problem = MakeProblem(graph, devices);
  std::printf("%d ops, %lld edges, %d devices\n", graph->num_ops(),
              static_cast<long long>(graph->num_edges()), devices);
  Json json = {{"graph", name},
               {"ops", graph->num_ops()},
               {"edges", graph->num_edges()},
               {"devices", devices}};
  json["oracle"].push_back(
      CompareWithOracle(problem, Kernels::Singletons(graph), {.memory = false}, "ops"));
  json["oracle"].push_back(
      CompareWithOracle(problem, Kernels::Singletons(graph), {}, "ops, memory"));
  json["oracle"].push_back(
      CompareWithOracle(problem, ConsecutiveKernels(graph, 2), {}, "fusion, memory"));
  json["threads"] = CompareThreads(problem);
  json["scale"] = Scale(devices);
  if (name == "random" && !absl::GetFlag(FLAGS_python).empty()) {
    json["python"] = CompareWithPython(problem);
  }
  if (!absl::GetFlag(FLAGS_json).empty()) {
    std::ofstream(absl::GetFlag(FLAGS_json)) << json.dump(2) << "\n";
  }
  return 0;
}

}  // namespace
}  // namespace gopt

int main(int argc, char** argv) {
  gopt::ParseCommandLine(argc, argv,
                         "Speed of the simulator.\n"
                         "  gopt_bench_simulator --json result.json\n"
                         "  gopt_bench_simulator --graph step.gopt --devices 4");
  return gopt::Run();
}
