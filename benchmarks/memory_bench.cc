// gopt_bench_memory: the largest peak of one device that runs a whole training step, by the order
// of its kernels: as captured, the best of the simple orders, a beam search, and dynamic
// programming with what it proves.
//
//   gopt_bench_memory [--graph=rnnlm4,gnmt4|all] [--steps=20000000] [--markdown]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "benchmarks/command_line.h"
#include "benchmarks/suite/grid.h"
#include "gopt/base/status_macros.h"
#include "gopt/cost/simulator.h"
#include "gopt/machine/machine.h"
#include "gopt/plan/problem.h"
#include "gopt/solve/peak_order.h"
#include "gopt/solve/solver.h"
#include "gopt/workloads/stored.h"

ABSL_FLAG(std::string, graph, "all", "Stored workloads separated by commas, or all.");
ABSL_FLAG(int64_t, steps, 20'000'000, "Of the search for the least peak.");
ABSL_FLAG(bool, markdown, false, "Print the table as Markdown.");

namespace gopt {
namespace {

constexpr const char* kSimpleOrders[] = {"program", "critical_path", "upward_rank",
                                         "fifo",    "shortest",      "random"};

struct Row {
  std::string graph;
  int64_t ops = 0;
  int64_t persistent = 0;
  int64_t program = 0;
  int64_t simple = 0;
  std::string simple_name;
  int64_t list = 0;
  PeakOrder found;
  double seconds = 0.0;
};

// Peak of the device, which has no limit.
absl::StatusOr<Solution> Solve(const Problem& problem, const std::string& spec) {
  GOPT_ASSIGN_OR_RETURN(const auto simulator, Simulator::Create());
  GOPT_ASSIGN_OR_RETURN(const auto solver, Solvers().Create(spec));
  return solver->Solve({.problem = &problem,
                        .backend = simulator.get(),
                        .objective = {.kind = Objective::Kind::kPeakBytes}});
}

absl::StatusOr<Row> Measure(const std::string& name) {
  GOPT_ASSIGN_OR_RETURN(const std::shared_ptr<const Graph> graph, LoadWorkload(name));
  GOPT_ASSIGN_OR_RETURN(const Machine machine, UniformMachine({.count = 1}));
  GOPT_ASSIGN_OR_RETURN(const Problem problem, Problem::Create(graph, machine));
  Row row = {.graph = name, .ops = static_cast<int64_t>(graph->kernel_ops().size())};
  Solution program;
  for (const char* order : kSimpleOrders) {
    GOPT_ASSIGN_OR_RETURN(Solution solution, Solve(problem, absl::StrCat("order(by=", order, ")")));
    const int64_t peak = solution.report.peak_bytes[0];
    row.persistent = solution.bounds.persistent_bytes;
    if (row.simple == 0 || peak < row.simple) {
      row.simple = peak;
      row.simple_name = order;
    }
    if (std::string_view(order) == "program") program = std::move(solution);
  }
  row.program = program.report.peak_bytes[0];
  GOPT_ASSIGN_OR_RETURN(const Solution list, Solve(problem, "order(by=peak_memory)"));
  row.list = list.report.peak_bytes[0];
  const auto begin = std::chrono::steady_clock::now();
  GOPT_ASSIGN_OR_RETURN(row.found, OrderForPeak(problem, program.plan, program.report.start_order,
                                                0, {.steps = absl::GetFlag(FLAGS_steps)}));
  row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return row;
}

std::string MegabytesText(int64_t bytes) {
  return absl::StrFormat("%.1f", static_cast<double>(bytes) / 1e6);
}

std::string PercentText(int64_t bytes, int64_t of) {
  return absl::StrFormat("%.1f", 100.0 * static_cast<double>(bytes) / static_cast<double>(of));
}

suite::Grid Table(const std::vector<Row>& rows) {
  suite::Grid grid;
  grid.head = {"peak, MB", "ops",    "parameters", "program", "best simple", "of it",
               "list",     "search", "bound",      "proven",  "/ program",   "seconds"};
  for (const Row& row : rows) {
    grid.lines.push_back(
        {row.graph, absl::StrCat(row.ops), MegabytesText(row.persistent),
         MegabytesText(row.program), MegabytesText(row.simple), row.simple_name,
         MegabytesText(row.list), MegabytesText(row.found.peak_bytes),
         MegabytesText(row.found.bound_bytes),
         row.found.optimal()
             ? "optimal"
             : absl::StrCat(PercentText(row.found.bound_bytes, row.found.peak_bytes), " %"),
         absl::StrCat(PercentText(row.found.peak_bytes, row.program), " %"),
         absl::StrFormat("%.1f", row.seconds)});
  }
  return grid;
}

absl::StatusOr<std::vector<std::string>> Names() {
  if (absl::GetFlag(FLAGS_graph) != "all") {
    return std::vector<std::string>(absl::StrSplit(absl::GetFlag(FLAGS_graph), ','));
  }
  GOPT_ASSIGN_OR_RETURN(const std::vector<StoredWorkload> workloads, StoredWorkloads());
  std::vector<std::string> names;
  for (const StoredWorkload& workload : workloads) names.push_back(workload.name);
  return names;
}

absl::Status Run() {
  GOPT_ASSIGN_OR_RETURN(const std::vector<std::string> names, Names());
  std::vector<Row> rows;
  for (const std::string& name : names) {
    GOPT_ASSIGN_OR_RETURN(Row row, Measure(name));
    rows.push_back(std::move(row));
    std::fprintf(stderr, "%s\n", name.c_str());
  }
  const suite::Grid grid = Table(rows);
  const std::string text = absl::GetFlag(FLAGS_markdown) ? ToMarkdown(grid) : ToText(grid);
  std::fputs(text.c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace
}  // namespace gopt

int main(int argc, char** argv) {
  gopt::ParseCommandLine(argc, argv, "Peak memory of one device by the order of its kernels.");
  const absl::Status status = gopt::Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return 1;
}
