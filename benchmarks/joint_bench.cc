// What deciding fusion, placement and order together is worth.
//
//   gopt_bench_joint --setting p100,a100 --json joint.json --markdown joint.md
//   gopt_bench_joint --recipes no_fusion,default,fusion       the table of fusion alone
//   gopt_bench_joint --solver evolve                          another search in every recipe
//
// docs/results.md says what each line is. A rerun with the same --json continues where the last one
// stopped.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "benchmarks/command_line.h"
#include "benchmarks/suite/command.h"
#include "benchmarks/suite/recipes.h"
#include "benchmarks/suite/results.h"
#include "benchmarks/suite/rows.h"
#include "benchmarks/suite/runner.h"
#include "benchmarks/suite/summary.h"
#include "benchmarks/suite/tables.h"
#include "gopt/base/status_macros.h"
#include "src/io/file_bytes.h"

ABSL_FLAG(std::string, setting, "p100", "p100, a100, p100mem, or several with commas");
ABSL_FLAG(std::string, graph, "rnnlm2,rnnlm4,rnnlm8,txl2,txl4,txl8,gnmt4,wavenet4,amoebanet",
          "stored workloads or graph files");
ABSL_FLAG(int, devices, 0, "for graph files that do not say it themselves");
ABSL_FLAG(std::string, recipes, "", "some of the lines; empty: all");
ABSL_FLAG(std::string, solver, "anneal", "who searches in every recipe");
ABSL_FLAG(int64_t, evaluations, 3'000, "budget of each recipe in all");
ABSL_FLAG(int, seeds, 3, "runs of each recipe that searches");
ABSL_FLAG(int, threads, 2, "runs at a time");
ABSL_FLAG(std::string, json, "", "results, continued if there");
ABSL_FLAG(std::string, markdown, "", "write the tables here");

namespace gopt::suite {
namespace {

constexpr const char* kDefault = "default";
constexpr const char* kJoint = "joint";
// The better of the two is what joint is measured against.
constexpr const char* kSequences[] = {"one_after_the_other", "placement_first"};

absl::StatusOr<std::vector<std::string>> RequestedRecipes() {
  GOPT_ASSIGN_OR_RETURN(std::vector<std::string> recipes, SplitSpecs(absl::GetFlag(FLAGS_recipes)));
  if (recipes.empty()) recipes = RecipeNames();
  const std::string solver = absl::GetFlag(FLAGS_solver);
  if (solver == "anneal") return recipes;
  for (std::string& recipe : recipes) {
    if (RecipeSearches(recipe)) absl::StrAppend(&recipe, "(solver=", solver, ")");
  }
  return recipes;
}

Nanoseconds MedianOf(const Summary& summary, const RowFacts& row, const std::string& recipe) {
  for (const Figure& figure : summary.figures) {
    const std::string name = figure.solver.substr(0, figure.solver.find('('));
    if (name == recipe && figure.row->name == row.name && figure.row->setting == row.setting &&
        figure.ok()) {
      return figure.median;
    }
  }
  return 0;
}

// joint over each of the sequences, by row and in geometric mean.
Grid JointGrid(const View& view) {
  Grid grid;
  grid.head = {view.setting + ", joint over"};
  for (const std::string& name : view.rows) grid.head.push_back(name);
  grid.head.push_back("geometric mean");
  for (const char* sequence : kSequences) {
    std::vector<std::string> line{sequence};
    double sum = 0.0;
    int rows = 0;
    for (const std::string& name : view.rows) {
      const RowFacts& row = *view.results.FindRow(view.setting, name);
      const Nanoseconds joint = MedianOf(view.summary, row, kJoint);
      const Nanoseconds other = MedianOf(view.summary, row, sequence);
      const bool both = joint > 0 && other > 0;
      const double ratio = both ? static_cast<double>(joint) / static_cast<double>(other) : 0.0;
      line.push_back(RatioText(ratio));
      if (!both) continue;
      sum += std::log(ratio);
      ++rows;
    }
    line.push_back(rows == 0 ? "" : RatioText(std::exp(sum / rows)));
    grid.lines.push_back(std::move(line));
  }
  return grid;
}

absl::Status PrintTables(const std::vector<std::string>& settings,
                         const std::vector<Workload>& workloads,
                         const std::vector<std::string>& recipes, const SuiteResults& results) {
  const SuiteResults nothing;
  const Summary summary = Summarize(results, nothing, kDefault);
  View view{results, nothing, summary, "", {}, recipes};
  for (const Workload& workload : workloads) view.rows.push_back(workload.name);
  std::string markdown;
  for (const std::string& setting : settings) {
    view.setting = setting;
    for (const Grid& grid : {OverviewGrid(view), JointGrid(view)}) {
      std::printf("\n%s", ToText(grid).c_str());
      absl::StrAppend(&markdown, markdown.empty() ? "" : "\n", ToMarkdown(grid));
    }
  }
  const std::string path = absl::GetFlag(FLAGS_markdown);
  return path.empty() ? absl::OkStatus() : WriteFileAtomically(path, markdown);
}

absl::Status Run() {
  GOPT_RETURN_IF_ERROR(
      CheckNotNegative("evaluations", static_cast<double>(absl::GetFlag(FLAGS_evaluations))));
  GOPT_RETURN_IF_ERROR(CheckNotNegative("seeds", absl::GetFlag(FLAGS_seeds)));
  GOPT_RETURN_IF_ERROR(RegisterRecipes(&Solvers()));
  GOPT_ASSIGN_OR_RETURN(const std::vector<std::string> recipes, RequestedRecipes());
  const std::vector<std::string> settings = SplitNames(absl::GetFlag(FLAGS_setting));
  GOPT_ASSIGN_OR_RETURN(
      const std::vector<Workload> workloads,
      LoadWorkloads(SplitNames(absl::GetFlag(FLAGS_graph)), absl::GetFlag(FLAGS_devices)));
  GOPT_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                        MakeRows(workloads, settings, {.fusion = true}));
  SuiteResults results;
  const std::string json = absl::GetFlag(FLAGS_json);
  if (!json.empty()) {
    GOPT_ASSIGN_OR_RETURN(results, SuiteResults::Load(json));
  }
  const auto save = [&]() -> absl::Status {
    if (json.empty()) return absl::OkStatus();
    return results.Save(json, ToJson(Summarize(results, {}, kDefault)));
  };
  RunOptions options;
  options.solvers = recipes;
  options.seeds = absl::GetFlag(FLAGS_seeds);
  options.depends_on_seed = [](std::string_view spec) {
    return RecipeSearches(spec.substr(0, spec.find('(')));
  };
  options.evaluations = absl::GetFlag(FLAGS_evaluations);
  options.threads = absl::GetFlag(FLAGS_threads);
  GOPT_RETURN_IF_ERROR(RunCells(rows, options, &results, [&](const RunProgress& progress) {
    PrintProgress(progress);
    return save();
  }));
  GOPT_RETURN_IF_ERROR(save());
  return PrintTables(settings, workloads, recipes, results);
}

}  // namespace
}  // namespace gopt::suite

int main(int argc, char** argv) {
  gopt::ParseCommandLine(argc, argv,
                         "What deciding fusion, placement and order together is worth.");
  const absl::Status status = gopt::suite::Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "gopt_bench_joint: %s\n", std::string(status.message()).c_str());
  return 2;
}
