// The placement table: every solver on captured training steps, in up to three machine settings.
//
//   gopt_bench_suite --setting p100,a100,p100mem --profile small --json suite.json
//   gopt_bench_suite --profile lists                      list schedulers, METIS, experts; all rows
//   gopt_bench_suite --profile best --deadline 60         derives "best known" by long annealing
//   gopt_bench_suite --profile check                      against the prototype's figures
//
// docs/results.md says what each column is. A rerun with the same --json continues where the last
// one stopped.

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "benchmarks/command_line.h"
#include "benchmarks/suite/check.h"
#include "benchmarks/suite/command.h"
#include "benchmarks/suite/profiles.h"
#include "benchmarks/suite/results.h"
#include "benchmarks/suite/rows.h"
#include "benchmarks/suite/runner.h"
#include "benchmarks/suite/summary.h"
#include "benchmarks/suite/tables.h"
#include "gopt/base/status_macros.h"
#include "src/io/file_bytes.h"
#include "tests/testing/paths.h"

ABSL_FLAG(std::string, setting, "p100", "p100, a100, p100mem, or several with commas");
ABSL_FLAG(std::string, profile, "small",
          "small, full, lists, best or check: rows, solvers, budget, seeds");
ABSL_FLAG(std::string, suite, "",
          "all stored workloads of these suites, paper, modern, instead of the profile's rows");
ABSL_FLAG(std::string, graph, "", "stored workloads or graph files instead of the profile's rows");
ABSL_FLAG(int, devices, 0, "for graph files that do not say it themselves");
ABSL_FLAG(std::string, solvers, "", "specs instead of the profile's");
ABSL_FLAG(int64_t, evaluations, 0, "budget of each run; 0: the profile's");
ABSL_FLAG(int, seeds, 0, "runs of each solver that draws; 0: the profile's");
ABSL_FLAG(double, deadline, 0.0,
          "seconds of each run; 0: none. Results then depend on the machine");
ABSL_FLAG(std::string, start, "",
          "solvers whose plans every search is given; none: its own starts");
ABSL_FLAG(int, threads, 2, "runs at a time");
ABSL_FLAG(std::string, json, "", "results, continued if there; profile best: default --best_file");
ABSL_FLAG(std::string, best_file, "", "best known; default: benchmarks/suite_best.json");
ABSL_FLAG(std::string, markdown, "", "write the overview tables here");
ABSL_FLAG(bool, details, true, "print a table per row besides the overview");

namespace gopt::suite {
namespace {

// The flags over the profile.
struct Request {
  std::vector<std::string> settings;
  std::vector<Workload> workloads;
  RunOptions run;
  bool derives_best = false;
  std::string json;
  std::string best_file;
};

absl::StatusOr<std::vector<Workload>> RequestedWorkloads(const Profile& profile) {
  std::vector<std::string> names = SplitNames(absl::GetFlag(FLAGS_graph));
  std::vector<std::string> suites = SplitNames(absl::GetFlag(FLAGS_suite));
  if (!names.empty() && !suites.empty()) {
    return absl::InvalidArgumentError("--graph and --suite both say which rows: give one");
  }
  if (names.empty() && suites.empty()) names = profile.rows;
  if (names.empty()) {
    if (suites.empty()) suites = {"paper"};
    GOPT_ASSIGN_OR_RETURN(names, StoredNames(suites));
  }
  return LoadWorkloads(names, absl::GetFlag(FLAGS_devices));
}

absl::Status CheckFlags() {
  GOPT_RETURN_IF_ERROR(CheckNotNegative("devices", absl::GetFlag(FLAGS_devices)));
  GOPT_RETURN_IF_ERROR(
      CheckNotNegative("evaluations", static_cast<double>(absl::GetFlag(FLAGS_evaluations))));
  GOPT_RETURN_IF_ERROR(CheckNotNegative("seeds", absl::GetFlag(FLAGS_seeds)));
  GOPT_RETURN_IF_ERROR(CheckNotNegative("deadline", absl::GetFlag(FLAGS_deadline)));
  return CheckNotNegative("threads", absl::GetFlag(FLAGS_threads));
}

absl::StatusOr<Request> ReadFlags() {
  GOPT_RETURN_IF_ERROR(CheckFlags());
  Request request;
  const std::string name = absl::GetFlag(FLAGS_profile);
  GOPT_ASSIGN_OR_RETURN(const Profile profile, ProfileNamed(name));
  request.derives_best = name == "best";
  request.settings = SplitNames(absl::GetFlag(FLAGS_setting));
  GOPT_ASSIGN_OR_RETURN(request.workloads, RequestedWorkloads(profile));

  GOPT_ASSIGN_OR_RETURN(request.run.solvers, SplitSpecs(absl::GetFlag(FLAGS_solvers)));
  if (request.run.solvers.empty()) request.run.solvers = profile.solvers;
  GOPT_ASSIGN_OR_RETURN(request.run.starts, SplitSpecs(absl::GetFlag(FLAGS_start)));
  if (request.run.starts.empty()) request.run.starts = profile.starts;
  const int64_t evaluations = absl::GetFlag(FLAGS_evaluations);
  request.run.evaluations = evaluations > 0 ? evaluations : profile.evaluations;
  request.run.seeds = absl::GetFlag(FLAGS_seeds) > 0 ? absl::GetFlag(FLAGS_seeds) : profile.seeds;
  request.run.deadline_seconds = absl::GetFlag(FLAGS_deadline);
  request.run.threads = absl::GetFlag(FLAGS_threads);
  request.run.keep_other_conditions = request.derives_best;
  request.run.curves = !request.derives_best;

  request.best_file = absl::GetFlag(FLAGS_best_file);
  if (request.best_file.empty()) {
    request.best_file = testing::SourcePath("benchmarks/suite_best.json");
  }
  request.json = absl::GetFlag(FLAGS_json);
  if (request.json.empty() && request.derives_best) request.json = request.best_file;
  return request;
}

// Without the summary where the file is the best known: only its cells are read.
absl::Status Save(const Request& request, const SuiteResults& results, const SuiteResults& best) {
  if (request.json.empty()) return absl::OkStatus();
  const nlohmann::json nothing = nlohmann::json::object();
  return results.Save(request.json,
                      request.derives_best ? nothing : ToJson(Summarize(results, best)));
}

absl::Status PrintTables(const Request& request, const SuiteResults& results,
                         const SuiteResults& best) {
  const Summary summary = Summarize(results, best);
  View view{results, best, summary, "", {}, request.run.solvers};
  for (const Workload& workload : request.workloads) view.rows.push_back(workload.name);
  std::string markdown, text;
  for (const std::string& setting : request.settings) {
    view.setting = setting;
    const Grid overview = OverviewGrid(view);
    absl::StrAppend(&markdown, markdown.empty() ? "" : "\n", ToMarkdown(overview));
    absl::StrAppend(&text, "\n", ToText(overview));
    if (!absl::GetFlag(FLAGS_details)) continue;
    for (const std::string& name : view.rows) {
      std::printf("\n%s", DetailText(view, *results.FindRow(setting, name)).c_str());
    }
  }
  std::fputs(text.c_str(), stdout);
  const std::string path = absl::GetFlag(FLAGS_markdown);
  return path.empty() ? absl::OkStatus() : WriteFileAtomically(path, markdown);
}

absl::Status Check(const SuiteResults& results, const SuiteResults& best) {
  GOPT_ASSIGN_OR_RETURN(
      const ReferenceFigures reference,
      ReadReferenceFigures(testing::SourcePath("benchmarks/suite_reference.json")));
  std::fputs(ToText(ToGrid(CompareWithReference(results, best, reference))).c_str(), stdout);
  return absl::OkStatus();
}

absl::Status Run() {
  GOPT_ASSIGN_OR_RETURN(const Request request, ReadFlags());
  GOPT_ASSIGN_OR_RETURN(const std::vector<Row> rows, MakeRows(request.workloads, request.settings));
  GOPT_ASSIGN_OR_RETURN(const SuiteResults best, SuiteResults::Load(request.best_file));
  SuiteResults results;
  if (!request.json.empty()) {
    GOPT_ASSIGN_OR_RETURN(results, SuiteResults::Load(request.json));
  }
  GOPT_RETURN_IF_ERROR(
      RunCells(rows, request.run, &results, [&](const RunProgress& progress) -> absl::Status {
        PrintProgress(progress);
        return Save(request, results, best);
      }));
  GOPT_RETURN_IF_ERROR(Save(request, results, best));
  if (absl::GetFlag(FLAGS_profile) == "check") return Check(results, best);
  return PrintTables(request, results, request.derives_best ? results : best);
}

}  // namespace
}  // namespace gopt::suite

int main(int argc, char** argv) {
  gopt::ParseCommandLine(argc, argv,
                         "Every solver on captured training steps: the placement table.");
  const absl::Status status = gopt::suite::Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "gopt_bench_suite: %s\n", std::string(status.message()).c_str());
  return 2;
}
