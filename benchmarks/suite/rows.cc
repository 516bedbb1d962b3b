#include "benchmarks/suite/rows.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/cost/bounds.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/io/importer.h"
#include "gopt/machine/presets.h"
#include "gopt/optimizer/optimizer.h"
#include "gopt/workloads/stored.h"

namespace gopt::suite {
namespace {

bool IsPath(std::string_view name) { return name.find_first_of("/.") != std::string_view::npos; }

std::string Stem(std::string_view path) {
  const std::string_view name = path.substr(path.find_last_of('/') + 1);
  return std::string(name.substr(0, name.find('.')));
}

std::string Metadata(const Graph& graph, const std::string& key) {
  const std::map<std::string, std::string>& metadata = graph.columns().metadata;
  const auto it = metadata.find(key);
  return it == metadata.end() ? "" : it->second;
}

absl::StatusOr<Workload> LoadFile(const std::string& path, int devices) {
  GOPT_ASSIGN_OR_RETURN(Imported imported, ImportFile(path));
  Workload workload;
  workload.name = Stem(path);
  workload.family = Metadata(*imported.graph, "workload.family");
  workload.suite = "file";
  workload.devices = devices;
  if (devices == 0 &&
      !absl::SimpleAtoi(Metadata(*imported.graph, "workload.devices"), &workload.devices)) {
    return absl::InvalidArgumentError(path + ": does not say for how many devices: use --devices");
  }
  workload.graph = std::move(imported.graph);
  return workload;
}

absl::StatusOr<Workload> LoadStored(const std::string& name) {
  GOPT_ASSIGN_OR_RETURN(const std::vector<StoredWorkload> stored, StoredWorkloads());
  for (const StoredWorkload& known : stored) {
    if (known.name != name) continue;
    GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const Graph> graph, LoadWorkload(name));
    return Workload{name, known.family, known.suite, known.devices, std::move(graph)};
  }
  return LoadWorkload(name).status();  // Lists the names.
}

// FNV-1a (Fowler, Noll, Vo) over 64-bit words.
void Mix(uint64_t word, uint64_t* hash) {
  for (int byte = 0; byte < 8; ++byte) {
    *hash = (*hash ^ (word >> (8 * byte) & 0xff)) * 0x100000001b3;
  }
}

// 1.3 times the largest peak of the balanced expert where memory is no object. Of one order: the
// limit is not to move with what makes another one faster.
absl::StatusOr<int64_t> TightLimit(const Workload& workload) {
  const std::string roomy = absl::StrCat("p100x", workload.devices, "(memory=1000TB)");
  GOPT_ASSIGN_OR_RETURN(Machine machine, MachineFromPreset(roomy));
  GOPT_ASSIGN_OR_RETURN(const Problem problem, Problem::Create(workload.graph, std::move(machine)));
  GOPT_ASSIGN_OR_RETURN(const auto optimizer,
                        Optimizer::Create({.solver = "expert(order=critical_path)"}));
  GOPT_ASSIGN_OR_RETURN(const Solution expert, optimizer->Optimize(problem, Budget()));
  const std::vector<int64_t>& peaks = expert.report.peak_bytes;
  const int64_t peak = peaks.empty() ? 0 : *std::max_element(peaks.begin(), peaks.end());
  return SaturatingFloor(1.3 * static_cast<double>(peak));
}

absl::StatusOr<std::string> MachineOf(const Workload& workload, const std::string& setting) {
  if (setting == "p100" || setting == "a100") return absl::StrCat(setting, "x", workload.devices);
  if (setting == "p100mem") {
    GOPT_ASSIGN_OR_RETURN(const int64_t limit, TightLimit(workload));
    return absl::StrCat("p100x", workload.devices, "(memory=", limit, ")");
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no setting is named '", setting, "'; there are p100, a100 and p100mem"));
}

}  // namespace

absl::StatusOr<std::vector<Workload>> LoadWorkloads(const std::vector<std::string>& names_or_paths,
                                                    int devices) {
  std::vector<Workload> workloads;
  for (const std::string& name : names_or_paths) {
    GOPT_ASSIGN_OR_RETURN(workloads.emplace_back(),
                          IsPath(name) ? LoadFile(name, devices) : LoadStored(name));
  }
  return workloads;
}

absl::StatusOr<std::vector<std::string>> StoredNames(const std::vector<std::string>& suites) {
  GOPT_ASSIGN_OR_RETURN(const std::vector<StoredWorkload> stored, StoredWorkloads());
  for (const std::string& suite : suites) {
    if (std::none_of(stored.begin(), stored.end(),
                     [&](const StoredWorkload& workload) { return workload.suite == suite; })) {
      return absl::NotFoundError(absl::StrCat("no workload of suite '", suite, "' is stored"));
    }
  }
  std::vector<std::string> names;
  for (const StoredWorkload& workload : stored) {
    if (std::find(suites.begin(), suites.end(), workload.suite) != suites.end()) {
      names.push_back(workload.name);
    }
  }
  return names;
}

uint64_t GraphHash(const Graph& graph) {
  uint64_t hash = 0xcbf29ce484222325;
  Mix(graph.fingerprint(), &hash);
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    Mix(static_cast<uint64_t>(graph.forward_twin(op)), &hash);
    Mix(static_cast<uint64_t>(graph.phase(op)), &hash);
    for (char c : graph.scope(op)) Mix(static_cast<unsigned char>(c), &hash);
  }
  return hash;
}

absl::StatusOr<Row> MakeRow(const Workload& workload, const std::string& setting,
                            const Tasks& tasks) {
  GOPT_ASSIGN_OR_RETURN(const std::string spec, MachineOf(workload, setting));
  GOPT_ASSIGN_OR_RETURN(Machine machine, MachineFromPreset(spec));
  GOPT_ASSIGN_OR_RETURN(Problem problem,
                        Problem::Create(workload.graph, std::move(machine), {.tasks = tasks}));
  const LowerBounds bounds = ComputeLowerBounds(problem, RooflineCostModel(problem));
  RowFacts facts;
  facts.setting = setting;
  facts.name = workload.name;
  facts.family = workload.family;
  facts.suite = workload.suite;
  facts.devices = workload.devices;
  facts.machine = spec;
  facts.graph_hash = GraphHash(*workload.graph);
  facts.ops = workload.graph->num_ops();
  facts.edges = workload.graph->num_edges();
  facts.memory_limit_bytes = problem.memory_limit(0);
  facts.critical_path = bounds.critical_path;
  facts.lower_bound = bounds.step_time();
  return Row{std::move(facts), std::move(problem)};
}

}  // namespace gopt::suite
