// Step time under memory limits on one device: by order alone, by recomputation alone, by both.
//
//   gopt_bench_recompute --graph gnmt.gopt --gib 16          a graph made to fit, and its price
//   gopt_bench_recompute --graph txl4,rnnlm4,inception32 --json curve.json    the curve of
//   docs/results.md
//
// Order: FitMemory from program order. Both: the solver `recompute`; alone: with order=false.

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "benchmarks/command_line.h"
#include "gopt/base/status_macros.h"
#include "gopt/cost/simulator.h"
#include "gopt/machine/presets.h"
#include "gopt/solve/fit_memory.h"
#include "gopt/solve/solver.h"
#include "gopt/workloads/stored.h"
#include "gopt/workloads/synthetic.h"
#include "nlohmann/json.hpp"

ABSL_FLAG(std::string, graph, "txl4,rnnlm4,inception32", "stored workloads, files or specs");
ABSL_FLAG(std::string, machine, "p100", "a preset of one device; its memory does not count");
ABSL_FLAG(double, gib, 0.0, "one limit, in GiB, instead of parts of the peak");
ABSL_FLAG(std::string, parts, "100,90,80,70,60,50,40,30,20,10", "limits, in % of the peak");
ABSL_FLAG(std::string, modes, "order,recompute,both", "which of these");
ABSL_FLAG(int64_t, moves, 500, "of recomputation's annealing, for each order");
ABSL_FLAG(std::string, json, "", "write the figures here");

namespace gopt {
namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
constexpr int64_t kEvaluations = 40;

// One workload, everything on one device.
class MemoryBench {
 public:
  static absl::StatusOr<std::unique_ptr<MemoryBench>> Create(const std::string& name) {
    GOPT_ASSIGN_OR_RETURN(const std::shared_ptr<const Graph> graph, Load(name));
    GOPT_ASSIGN_OR_RETURN(const Machine machine, MachineFromPreset(absl::GetFlag(FLAGS_machine)));
    if (machine.num_devices() != 1) {
      return absl::InvalidArgumentError("--machine: this program is about one device");
    }
    GOPT_ASSIGN_OR_RETURN(Problem problem,
                          Problem::Create(graph, machine.WithMemoryLimit(kSaturated)));
    std::unique_ptr<MemoryBench> bench(new MemoryBench(name, std::move(problem)));
    GOPT_ASSIGN_OR_RETURN(bench->simulator_, Simulator::Create());
    GOPT_ASSIGN_OR_RETURN(const auto single, Solvers().Create("single_device"));
    GOPT_ASSIGN_OR_RETURN(bench->base_, single->Solve(bench->Request()));
    return bench;
  }

  int64_t peak() const { return base_.report.peak_bytes[0]; }
  int64_t persistent() const { return base_.bounds.persistent_bytes; }
  int num_ops() const { return base_.plan.kernels->size(); }
  Nanoseconds step_time() const { return base_.report.step_time; }
  const std::string& name() const { return name_; }

  // Of the best plan within the limit; RESOURCE_EXHAUSTED if none was found.
  absl::StatusOr<Solution> Solve(const std::string& mode, int64_t limit) const {
    if (mode == "order") return Order(limit);
    if (mode != "both" && mode != "recompute") {
      return absl::InvalidArgumentError(absl::StrCat("--modes: no mode is named '", mode, "'"));
    }
    const std::string spec = absl::StrCat("recompute(order=", mode == "both" ? "true" : "false",
                                          ",moves=", absl::GetFlag(FLAGS_moves), ")");
    GOPT_ASSIGN_OR_RETURN(const auto solver, Solvers().Create(spec));
    SolveRequest request = Request();
    request.objective = {.kind = Objective::Kind::kStepTimeUnderLimit, .byte_limit = limit};
    request.start_plans = {base_.plan};
    request.budget.evaluations = kEvaluations;
    return solver->Solve(request);
  }

 private:
  static absl::StatusOr<std::shared_ptr<const Graph>> Load(const std::string& name) {
    if (name.find_first_of("./(") == std::string::npos) return LoadWorkload(name);
    GOPT_ASSIGN_OR_RETURN(Imported imported, SyntheticOrFile(name));
    return imported.graph;
  }

  MemoryBench(std::string name, Problem problem)
      : name_(std::move(name)), problem_(std::move(problem)) {}

  SolveRequest Request() const {
    return {.problem = &problem_, .backend = simulator_.get(), .best_effort = true};
  }

  absl::StatusOr<Solution> Order(int64_t limit) const {
    Solution solution;
    GOPT_ASSIGN_OR_RETURN(solution.plan,
                          FitMemory(problem_, base_.plan, base_.report, {.byte_limit = limit}));
    GOPT_ASSIGN_OR_RETURN(solution.report, Price(*simulator_, problem_, solution.plan));
    return solution;
  }

  const std::string name_;
  const Problem problem_;
  std::shared_ptr<const Simulator> simulator_;
  Solution base_;
};

void PrintCell(const Solution& solution, int64_t limit, const MemoryBench& bench) {
  if (solution.report.peak_bytes[0] > limit) {
    std::printf("  over: %6.2f GiB       ", solution.report.peak_bytes[0] / kGiB);
    return;
  }
  std::printf(" %9.3f ms %6.3f %6zu", solution.report.step_time / 1e6,
              static_cast<double>(solution.report.step_time) / bench.step_time(),
              solution.plan.kernels->columns().recomputed_ops.size());
}

nlohmann::json ToJson(const Solution& solution, const std::string& mode) {
  return {{"mode", mode},
          {"step_time_ns", solution.report.step_time},
          {"peak_bytes", solution.report.peak_bytes[0]},
          {"recomputed_ops", solution.plan.kernels->columns().recomputed_ops.size()},
          {"seconds", solution.seconds}};
}

std::vector<std::string> List(const std::string& text) {
  return absl::StrSplit(text, ',', absl::SkipEmpty());
}

std::vector<int64_t> Limits(const MemoryBench& bench) {
  if (absl::GetFlag(FLAGS_gib) > 0.0) {
    return {static_cast<int64_t>(absl::GetFlag(FLAGS_gib) * kGiB)};
  }
  std::vector<int64_t> limits;
  for (const std::string& part : List(absl::GetFlag(FLAGS_parts))) {
    limits.push_back(
        static_cast<int64_t>(static_cast<double>(bench.peak()) * std::stod(part) / 100));
  }
  return limits;
}

absl::Status RunWorkload(const std::string& name, nlohmann::json* rows) {
  GOPT_ASSIGN_OR_RETURN(const auto bench, MemoryBench::Create(name));
  const std::vector<std::string> modes = List(absl::GetFlag(FLAGS_modes));
  std::printf(
      "\n%s on one %s: %d kernels, program order takes %.3f ms and %.2f GiB, parameters %.2f "
      "GiB\n%10s %6s",
      name.c_str(), absl::GetFlag(FLAGS_machine).c_str(), bench->num_ops(),
      bench->step_time() / 1e6, bench->peak() / kGiB, bench->persistent() / kGiB, "limit", "part");
  for (const std::string& mode : modes) std::printf("  %-25s", mode.c_str());
  std::printf("\n");
  for (const int64_t limit : Limits(*bench)) {
    std::printf("%6.2f GiB %5.1f%%", limit / kGiB, 100.0 * limit / bench->peak());
    nlohmann::json row = {{"graph", name},
                          {"limit_bytes", limit},
                          {"base_peak_bytes", bench->peak()},
                          {"base_step_time_ns", bench->step_time()}};
    bool some = false;
    for (const std::string& mode : modes) {
      GOPT_ASSIGN_OR_RETURN(const Solution solution, bench->Solve(mode, limit));
      PrintCell(solution, limit, *bench);
      some |= solution.report.peak_bytes[0] <= limit;
      row["plans"].push_back(ToJson(solution, mode));
      std::fflush(stdout);
    }
    std::printf("\n");
    rows->push_back(std::move(row));
    if (!some) break;  // Nor will anything fit in less.
  }
  return absl::OkStatus();
}

absl::Status Run() {
  nlohmann::json rows = nlohmann::json::array();
  for (const std::string& name : List(absl::GetFlag(FLAGS_graph))) {
    GOPT_RETURN_IF_ERROR(RunWorkload(name, &rows));
  }
  const std::string path = absl::GetFlag(FLAGS_json);
  if (path.empty()) return absl::OkStatus();
  std::ofstream file(path);
  file << rows.dump(1) << "\n";
  return file.good() ? absl::OkStatus() : absl::UnknownError(absl::StrCat("cannot write ", path));
}

}  // namespace
}  // namespace gopt

int main(int argc, char** argv) {
  gopt::ParseCommandLine(argc, argv,
                         "Step time of everything on one device under memory limits: by order, by "
                         "recomputation, by both.");
  const absl::Status status = gopt::Run();
  if (!status.ok()) std::fprintf(stderr, "gopt_bench_recompute: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
