// gopt_bench_list: what the list schedulers, partitioners and bounds cost, and how that grows.
//
//   gopt_bench_list [--graph=FILE|window|chain|star|layers] [--ops=80000] [--devices=8]
//                   [--scaling=true] [--json=FILE]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "benchmarks/command_line.h"
#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "gopt/cost/bounds.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_builder.h"
#include "gopt/graph/graph_text.h"
#include "gopt/plan/problem.h"
#include "gopt/solve/cpop.h"
#include "gopt/solve/etf.h"
#include "gopt/solve/expert.h"
#include "gopt/solve/expert_paper.h"
#include "gopt/solve/heft.h"
#include "gopt/solve/list_decoder.h"
#include "gopt/solve/metis.h"
#include "gopt/solve/peft.h"
#include "gopt/solve/round_robin.h"
#include "gopt/solve/task_graph.h"
#include "gopt/workloads/synthetic.h"
#include "nlohmann/json.hpp"

ABSL_FLAG(std::string, graph, "window",
          "A graph file, window, chain, star, layers, or a spec: layered(ops=5000).");
ABSL_FLAG(int, ops, 80'000, "Ops of a generated graph.");
ABSL_FLAG(int, devices, 8, "Equal devices, a channel for each ordered pair.");
ABSL_FLAG(bool, scaling, true, "Also time 10,000, 100,000 and 300,000 ops of each shape.");
ABSL_FLAG(std::string, json, "", "Write the numbers to this file.");

namespace gopt {
namespace {

constexpr int kRepetitions = 5;

// Best of some runs, in milliseconds.
double Milliseconds(const std::function<void()>& work) {
  double best = 1e300;
  for (int i = 0; i < kRepetitions; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> spent =
        std::chrono::steady_clock::now() - begin;
    best = std::min(best, spent.count());
  }
  return best;
}

// Operands of op i, the nth of two.
using Reader = std::function<int64_t(Random& random, int op, int operand)>;

std::shared_ptr<const Graph> Generate(int ops, const Reader& operand_of) {
  Random random(1);
  GraphBuilder builder("bench");
  std::vector<Nanoseconds> time;
  for (int op = 0; op < ops; ++op) {
    builder.AddOp({.name = absl::StrCat("op", op), .type = "op"});
    builder.AddPort(op, {.bytes = random.Below(20'000)});
    time.push_back(1'000 + random.Below(20'000));
    std::vector<PortId> operands;
    for (int i = 0; i < 2 && op > 0; ++i) {
      const int64_t operand = operand_of(random, op, i);
      if (operand >= 0) operands.push_back(static_cast<PortId>(operand));
    }
    builder.AddOperands(op, operands);
  }
  builder.AddCostTable("bench", std::string(kTextDeviceKind), std::move(time));
  return builder.Build().value();
}

std::shared_ptr<const Graph> GenerateShape(const std::string& shape, int ops) {
  if (shape == "chain") {
    return Generate(ops, [](Random&, int op, int i) { return i == 0 ? op - 1 : -1; });
  }
  if (shape == "star") {  // The first op feeds all others.
    return Generate(ops, [](Random&, int, int i) { return i == 0 ? 0 : -1; });
  }
  if (shape == "layers") {
    return Generate(ops, [](Random& random, int op, int) {
      const int64_t layer = op / 100 * 100;
      return layer == 0 ? int64_t{-1} : layer - 1 - random.Below(100);
    });
  }
  return Generate(
      ops, [](Random& random, int op, int) { return op - 1 - random.Below(std::min(op, 1'000)); });
}

absl::StatusOr<std::shared_ptr<const Graph>> MakeGraph(const std::string& name, int ops) {
  for (const char* shape : {"window", "chain", "star", "layers"}) {
    if (name == shape) return GenerateShape(name, ops);
  }
  GOPT_ASSIGN_OR_RETURN(Imported imported, SyntheticOrFile(name));
  return std::move(imported.graph);
}

// Milliseconds of each step on one problem.
using Times = std::map<std::string, double>;

class Bench {
 public:
  Bench(std::shared_ptr<const Graph> graph, const Machine& machine)
      : problem_(Problem::Create(std::move(graph), machine).value()),
        costs_(problem_),
        tasks_(TaskGraph::Create(problem_, problem_.base_kernels(), costs_).value()) {}

  Times Schedulers() const {
    Times times;
    times["task graph"] =
        Milliseconds([&] { TaskGraph::Create(problem_, problem_.base_kernels(), costs_).value(); });
    times["heft"] = Milliseconds([&] { ScheduleHeft(tasks_); });
    times["heft, no insertion"] = Milliseconds([&] { ScheduleHeft(tasks_, {.insertion = false}); });
    times["heft, contention"] = Milliseconds([&] { ScheduleHeft(tasks_, {.contention = true}); });
    times["peft"] = Milliseconds([&] { SchedulePeft(tasks_); });
    times["cpop"] = Milliseconds([&] { ScheduleCpop(tasks_); });
    times["etf"] = Milliseconds([&] { ScheduleEtf(tasks_); });
    times["m_etf"] = Milliseconds([&] { ScheduleEtf(tasks_, BaechiOptions(false)); });
    times["m_sct"] = Milliseconds([&] { ScheduleEtf(tasks_, BaechiOptions(true)); });
    times["list"] = Milliseconds([&] {
      Plan plan;
      ListDecoder(tasks_).Decode(UpwardRanks(tasks_), {}, &plan);
    });
    times["metis"] = Milliseconds([&] { MetisPlacement(tasks_, 0).value(); });
    times["expert"] = Milliseconds([&] { ExpertPlacement(tasks_); });
    times["expert_paper"] = Milliseconds([&] { ExpertPaperPlacement(tasks_); });
    times["round_robin"] = Milliseconds([&] { RoundRobinPlacement(tasks_); });
    times["bounds"] = Milliseconds([&] { ComputeLowerBounds(problem_, costs_); });
    return times;
  }

  // A simulation, and a decode on the same plan.
  Times Decoding() const {
    const std::vector<double> priority = UpwardRanks(tasks_);
    const std::vector<float> stickiness(tasks_.kernel_graph().inputs.size(), 0.1f);
    ListDecoder decoder(tasks_);
    Plan plan;
    decoder.Decode(priority, {}, &plan);
    const auto simulator = Simulator::Create({.memory = false}).value();
    const auto evaluator = simulator->Bind(problem_).value();
    CostReport report;
    Times times;
    times["simulate"] = Milliseconds([&] { evaluator->Evaluate({&plan, 1}, {}, {&report, 1}); });
    times["decode"] = Milliseconds([&] { decoder.Decode(priority, {}, &plan); });
    times["decode, sticky"] = Milliseconds([&] { decoder.Decode(priority, stickiness, &plan); });
    return times;
  }

  int64_t size() const { return problem_.graph().num_ops() + problem_.graph().num_edges(); }
  const Graph& graph() const { return problem_.graph(); }

 private:
  Problem problem_;
  RooflineCostModel costs_;
  TaskGraph tasks_;
};

double Total(const Times& times) {
  return times.at("task graph") + times.at("heft") + times.at("list") + times.at("metis") +
         times.at("expert") + times.at("bounds");
}

void PrintTimes(const Times& times) {
  for (const auto& [name, ms] : times) std::printf("  %-22s %10.2f ms\n", name.c_str(), ms);
}

nlohmann::json MainTable(const Bench& bench) {
  std::printf("%d ops, %lld edges, %d devices\n", bench.graph().num_ops(),
              static_cast<long long>(bench.graph().num_edges()), absl::GetFlag(FLAGS_devices));
  const Times schedulers = bench.Schedulers(), decoding = bench.Decoding();
  PrintTimes(schedulers);
  PrintTimes(decoding);
  const double insertion = schedulers.at("heft") / schedulers.at("heft, no insertion");
  const double decode = (decoding.at("decode") + decoding.at("simulate")) / decoding.at("simulate");
  std::printf("  heft, with / without insertion          %8.2f (goal: at most 8)\n", insertion);
  std::printf("  (decode + simulate) / simulate          %8.2f (goal: at most 4)\n", decode);
  std::printf("  all schedulers, METIS and bounds        %8.2f ms (goal: at most 500)\n",
              Total(schedulers));
  return {{"ops", bench.graph().num_ops()},    {"edges", bench.graph().num_edges()},
          {"schedulers_ms", schedulers},       {"decoding_ms", decoding},
          {"heft_insertion_ratio", insertion}, {"decode_and_simulate_ratio", decode},
          {"total_ms", Total(schedulers)}};
}

// Flat rows mean linear time.
nlohmann::json ScalingTable(const Machine& machine) {
  nlohmann::json rows = nlohmann::json::array();
  std::printf("\nnanoseconds per op + edge\n%-8s %8s", "shape", "ops");
  bool first = true;
  for (const char* shape : {"window", "layers", "chain", "star"}) {
    for (int ops : {10'000, 100'000, 300'000}) {
      const Bench bench(GenerateShape(shape, ops), machine);
      Times times = bench.Schedulers();
      times.merge(bench.Decoding());
      if (first) {
        for (const auto& [name, ms] : times) std::printf(" %10.10s", name.c_str());
        std::printf("\n");
        first = false;
      }
      std::printf("%-8s %8d", shape, ops);
      nlohmann::json row = {{"shape", shape}, {"ops", ops}};
      for (const auto& [name, ms] : times) {
        const double each = ms * 1e6 / static_cast<double>(bench.size());
        std::printf(" %10.1f", each);
        row["ns_per_op_and_edge"][name] = each;
      }
      std::printf("\n");
      std::fflush(stdout);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

absl::Status Run() {
  GOPT_ASSIGN_OR_RETURN(const Machine machine,
                        UniformMachine({.count = absl::GetFlag(FLAGS_devices),
                                        .kind = std::string(kTextDeviceKind),
                                        .launch = 3'000,
                                        .bandwidth = 12e9,
                                        .latency = 10'000}));
  GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const Graph> graph,
                        MakeGraph(absl::GetFlag(FLAGS_graph), absl::GetFlag(FLAGS_ops)));
  nlohmann::json result = {{"main", MainTable(Bench(std::move(graph), machine))}};
  if (absl::GetFlag(FLAGS_scaling)) result["scaling"] = ScalingTable(machine);
  const std::string path = absl::GetFlag(FLAGS_json);
  if (path.empty()) return absl::OkStatus();
  std::ofstream file(path);
  file << result.dump(2) << "\n";
  return file.good() ? absl::OkStatus() : absl::UnknownError(absl::StrCat("cannot write ", path));
}

}  // namespace
}  // namespace gopt

int main(int argc, char** argv) {
  gopt::ParseCommandLine(argc, argv,
                         "Time of list schedulers, partitioners and bounds, and how it grows.");
  const absl::Status status = gopt::Run();
  if (!status.ok()) std::fprintf(stderr, "gopt_bench_list: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
