#include "benchmarks/suite/profiles.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "benchmarks/suite/check.h"
#include "gopt/base/spec.h"
#include "gopt/solve/solver.h"

namespace gopt::suite {
namespace {

constexpr std::string_view kConstructive[] = {"single_device",
                                              "round_robin",
                                              "expert_paper",
                                              "expert",
                                              "metis",
                                              "heft",
                                              "heft(contention=true)",
                                              "peft",
                                              "cpop",
                                              "etf",
                                              "list",
                                              "m_etf",
                                              "m_sct"};
constexpr std::string_view kSearching[] = {
    "random", "portfolio(search=false)", "hill_climb", "anneal", "evolve", "brkga", "portfolio"};
// `exact` is for a dozen ops; the others change a plan that is given: its order, kernels or copies.
constexpr std::string_view kNotInTheTable[] = {"exact", "critical_path", "order",
                                               "fuse",  "peak_order",    "recompute"};

constexpr std::string_view kSmallRows[] = {"rnnlm4",      "gnmt4",     "txl4",
                                           "inception32", "amoebanet", "wavenet2"};

template <typename List>
bool Contains(const List& list, std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

// Some may not be built in: METIS is an option of the build.
template <typename List>
void AppendRegistered(const List& specs, std::vector<std::string>* out) {
  for (std::string_view spec : specs) {
    if (Solvers().Create(spec).ok()) out->emplace_back(spec);
  }
}

}  // namespace

std::vector<std::string> ConstructiveSolvers() {
  std::vector<std::string> solvers;
  AppendRegistered(kConstructive, &solvers);
  return solvers;
}

std::vector<std::string> AllSolvers() {
  std::vector<std::string> solvers = ConstructiveSolvers();
  AppendRegistered(kSearching, &solvers);
  for (const auto& [name, summary] : Solvers().NamesAndSummaries()) {
    if (!Contains(solvers, name) && !Contains(kNotInTheTable, name)) solvers.push_back(name);
  }
  return solvers;
}

bool DependsOnSeed(std::string_view solver) {
  const absl::StatusOr<Spec> spec = Spec::Parse(solver);
  if (!spec.ok()) return true;
  for (const auto& [key, value] : spec->arguments) {
    if (spec->name == "portfolio" && key == "search") return value == "true";
  }
  return !Contains(kConstructive, spec->name) && !Contains(kNotInTheTable, spec->name);
}

absl::StatusOr<Profile> ProfileNamed(std::string_view name) {
  if (name == "small") {
    return Profile{{std::begin(kSmallRows), std::end(kSmallRows)}, AllSolvers(), 2'000, 3};
  }
  if (name == "full") return Profile{{}, AllSolvers(), 10'000, 5};
  if (name == "lists") return Profile{{}, ConstructiveSolvers(), 2'000, 1};
  if (name == "check") return Profile{{}, {"single_device", kCheckedExpert}, 2'000, 1};
  if (name == "best") {
    std::vector<std::string> starts = ConstructiveSolvers();
    starts.push_back("portfolio(search=false)");
    return Profile{{}, {"anneal"}, 200'000, 3, std::move(starts)};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no profile is named '", std::string(name),
                   "'; there are small, full, lists, best and check"));
}

}  // namespace gopt::suite
