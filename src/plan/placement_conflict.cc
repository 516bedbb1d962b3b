#include "src/plan/placement_conflict.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/plan/conflict.h"
#include "src/plan/describe.h"
#include "src/plan/placement_model.h"
#include "src/plan/placement_search.h"

namespace gopt {
namespace {

constexpr int kMostSearches = 400;

// One constraint that can be left out by itself.
struct Rule {
  enum class Kind : uint8_t {
    kPin,
    kAllowed,
    kColocate,
    kKeepApart,
    kForwardOnly,
    kNoSkipped,
    kTriangleFree,
    kRoutes,
    kMemory,
  };
  Kind kind;
  size_t index = 0;
};

class Explainer {
 public:
  Explainer(const Problem& problem, const Kernels& kernels, const PlacementSolverOptions& options)
      : problem_(problem), kernels_(kernels), options_(options) {}

  absl::Status Explain() {
    std::vector<Rule> rules = AllRules();
    for (size_t chunk = (rules.size() + 1) / 2;; chunk = (chunk + 1) / 2) {
      DropChunks(chunk, &rules);
      if (chunk == 1) break;
    }
    std::vector<std::string> texts;
    for (const Rule& rule : rules) texts.push_back(Describe(rule));
    if (texts.empty()) texts.push_back("what the graph colocates cannot be placed");
    const absl::Status status = ConflictError(texts);
    if (smallest_) return status;
    return absl::FailedPreconditionError(
        absl::StrCat(std::string(status.message()), " (not proven smallest)"));
  }

 private:
  using Kind = Rule::Kind;

  std::vector<Rule> AllRules() const {
    const Constraints& all = problem_.constraints();
    std::vector<Rule> rules;
    if (all.forward_only_devices) rules.push_back({Kind::kForwardOnly});
    if (all.no_skipped_devices) rules.push_back({Kind::kNoSkipped});
    if (all.triangle_free_devices) rules.push_back({Kind::kTriangleFree});
    const auto add = [&](Kind kind, size_t count) {
      for (size_t i = 0; i < count; ++i) rules.push_back({kind, i});
    };
    add(Kind::kKeepApart, all.keep_apart.size());
    add(Kind::kColocate, all.colocate.size());
    add(Kind::kAllowed, all.allowed.size());
    add(Kind::kPin, all.pins.size());
    const PlacementModel model =
        MakePlacementModel(problem_, kernels_, {.memory = options_.memory});
    if (model.some_route_missing) rules.push_back({Kind::kRoutes});
    if (!model.capacity.empty()) rules.push_back({Kind::kMemory});
    return rules;
  }

  // Leaves out each `chunk` of rules in a row without which the rest still contradicts itself.
  void DropChunks(size_t chunk, std::vector<Rule>* rules) {
    for (size_t begin = 0; begin < rules->size();) {
      const size_t end = std::min(begin + chunk, rules->size());
      std::vector<Rule> rest(rules->begin(), rules->begin() + begin);
      rest.insert(rest.end(), rules->begin() + end, rules->end());
      if (Contradict(rest)) {
        *rules = std::move(rest);
      } else {
        begin = end;
      }
    }
  }

  bool Contradict(const std::vector<Rule>& rules) {
    if (++searches_ > kMostSearches) {
      smallest_ = false;
      return false;
    }
    Constraints some;
    PlacementModelOptions model_options = {.memory = false, .routes = false};
    for (const Rule& rule : rules) Add(rule, &some, &model_options);
    const absl::StatusOr<Problem> problem =
        Problem::Create(problem_.shared_graph(), problem_.machine(),
                        {.constraints = std::move(some),
                         .tasks = {.fusion = true},
                         .fusion_limits = problem_.fusion_limits()});
    if (!problem.ok()) return true;
    return Impossible(MakePlacementModel(*problem, kernels_, model_options));
  }

  // Whether search proves that the model has no solution.
  bool Impossible(const PlacementModel& model) {
    const PlacementRoots roots(model);
    if (!roots.any.has_value()) return true;
    const auto lowest = [](int32_t, std::span<const uint64_t> possible) {
      return LowestDevice(possible);
    };
    const std::vector<int32_t> order = TopologicalOrder(model, nullptr);
    if (roots.neighbours.has_value()) {
      PlacementDomains state = *roots.neighbours;
      const SearchLimits few = FewSteps(model, options_.max_steps);
      if (SearchPlacement(order, NextUnit::kConflictFirst, lowest, few, &state) ==
          SearchOutcome::kFound) {
        return false;
      }
    }
    PlacementDomains state = *roots.any;
    const SearchOutcome outcome =
        SearchPlacement(order, NextUnit::kConflictFirst, lowest, {options_.max_steps}, &state);
    if (outcome == SearchOutcome::kLimit) smallest_ = false;
    return outcome == SearchOutcome::kNone;
  }

  void Add(const Rule& rule, Constraints* some, PlacementModelOptions* options) const {
    const Constraints& all = problem_.constraints();
    switch (rule.kind) {
      case Kind::kPin:
        some->pins.push_back(all.pins[rule.index]);
        break;
      case Kind::kAllowed:
        some->allowed.push_back(all.allowed[rule.index]);
        break;
      case Kind::kColocate:
        some->colocate.push_back(all.colocate[rule.index]);
        break;
      case Kind::kKeepApart:
        some->keep_apart.push_back(all.keep_apart[rule.index]);
        break;
      case Kind::kForwardOnly:
        some->forward_only_devices = true;
        break;
      case Kind::kNoSkipped:
        some->no_skipped_devices = true;
        break;
      case Kind::kTriangleFree:
        some->triangle_free_devices = true;
        break;
      case Kind::kRoutes:
        options->routes = true;
        break;
      case Kind::kMemory:
        some->memory_limits = all.memory_limits;
        options->memory = true;
        break;
    }
  }

  std::string Describe(const Rule& rule) const {
    const Constraints& all = problem_.constraints();
    const Graph& graph = problem_.graph();
    switch (rule.kind) {
      case Kind::kPin: {
        const Constraints::Pin& pin = all.pins[rule.index];
        return absl::StrCat(graph.Describe(pin.op), " is pinned to device ", pin.device,
                            WithReason(pin.reason));
      }
      case Kind::kAllowed: {
        const Constraints::Allowed& allowed = all.allowed[rule.index];
        return absl::StrCat(DescribeOps(allowed.ops), " allowed on ",
                            DescribeDevices(allowed.devices), WithReason(allowed.reason));
      }
      case Kind::kColocate: {
        const Constraints::Group& group = all.colocate[rule.index];
        return absl::StrCat("colocate rule ", rule.index, WithReason(group.reason), " joins ",
                            DescribeOps(group.ops));
      }
      case Kind::kKeepApart: {
        const Constraints::Group& group = all.keep_apart[rule.index];
        return absl::StrCat("keep_apart rule ", rule.index, WithReason(group.reason), " parts ",
                            DescribeOps(group.ops));
      }
      case Kind::kForwardOnly:
        return "forward_only_devices: data never goes to a lower device";
      case Kind::kNoSkipped:
        return "no_skipped_devices: used devices are 0, 1, ... without a gap";
      case Kind::kTriangleFree:
        return "triangle_free_devices: beside a direct flow between devices there is no other way";
      case Kind::kRoutes:
        return "the machine lacks routes between some devices";
      case Kind::kMemory:
        break;
    }
    return "memory: each device must hold the parameters at home there, with their copies";
  }

  std::string DescribeOps(const std::vector<OpId>& ops) const {
    constexpr size_t kMostNamed = 8;
    std::string text;
    for (size_t i = 0; i < std::min(ops.size(), kMostNamed); ++i) {
      absl::StrAppend(&text, i == 0 ? "" : ", ", problem_.graph().Describe(ops[i]));
    }
    if (ops.size() > kMostNamed) absl::StrAppend(&text, " and ", ops.size() - kMostNamed, " more");
    return text;
  }

  const Problem& problem_;
  const Kernels& kernels_;
  const PlacementSolverOptions options_;
  int searches_ = 0;
  bool smallest_ = true;
};

}  // namespace

absl::Status ExplainConflict(const Problem& problem, const Kernels& kernels,
                             const PlacementSolverOptions& options) {
  return Explainer(problem, kernels, options).Explain();
}

}  // namespace gopt
