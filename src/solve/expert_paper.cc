#include "gopt/solve/expert_paper.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "src/solve/admit.h"
#include "src/solve/segments.h"

namespace gopt {
namespace {

constexpr std::string_view kRecurrentFamilies[] = {"rnnlm", "gnmt", "txl"};

enum class Role { kLayer, kFirst, kLast };

// By the names of a layer, its number aside.
Role RoleOf(std::string_view layer) {
  const std::string name = absl::AsciiStrToLower(std::string(layer));
  if (absl::StrContains(name, "embed")) return Role::kFirst;
  for (const char* word : {"softmax", "attention", "attn", "loss", "criterion", "lm_head",
                           "project", "generator", "classif"}) {
    if (absl::StrContains(name, word)) return Role::kLast;
  }
  return Role::kLayer;
}

// The device of item i of n when runs of about equal number go to `devices` devices.
DeviceId RunOf(int64_t i, int64_t n, int64_t devices) {
  return static_cast<DeviceId>(n <= devices ? i : i * devices / n);
}

// Names that all scopes with parameters begin with ("model."), but for the last name of each.
int CommonDepth(const std::vector<std::string_view>& scopes) {
  int depth = 0;
  if (scopes.empty()) return depth;
  while (true) {
    const std::string_view prefix = ScopePrefix(scopes.front(), depth + 1);
    for (std::string_view scope : scopes) {
      if (scope.size() <= prefix.size() || ScopePrefix(scope, depth + 1) != prefix) return depth;
    }
    ++depth;
  }
}

class PaperExpert {
 public:
  explicit PaperExpert(const TaskGraph& tasks)
      : tasks_(tasks), ops_(tasks.problem().graph()), segments_(tasks) {
    FindOwners();
  }

  std::vector<DeviceId> Place(ExpertFamily family) {
    if (family == ExpertFamily::kAuto) {
      family = IsRecurrent() ? ExpertFamily::kRecurrent : ExpertFamily::kContiguous;
    }
    return family == ExpertFamily::kRecurrent && !owners_.empty() ? LayerPerDevice() : ByCount();
  }

 private:
  bool ReadsParameter(KernelId task) const {
    const KernelGraph& graph = tasks_.kernel_graph();
    for (int32_t e = graph.input_begin[task]; e < graph.input_begin[task + 1]; ++e) {
      if (graph.inputs[e].source == kNone) return true;
    }
    return false;
  }
  OpId Op(KernelId task) const { return tasks_.kernels()->ops(task).front(); }

  // Scopes whose forward ops read parameters.
  void FindOwners() {
    for (KernelId task : tasks_.kernel_graph().topological_order) {
      const std::string_view scope = ops_.scope(Op(task));
      if (scope.empty() || !segments_.is_forward(task) || !ReadsParameter(task)) continue;
      if (owner_set_.insert(scope).second) owners_.push_back(scope);
    }
  }

  bool IsRecurrent() const {
    const auto& metadata = ops_.columns().metadata;
    if (const auto it = metadata.find("workload.family"); it != metadata.end()) {
      return std::find(std::begin(kRecurrentFamilies), std::end(kRecurrentFamilies), it->second) !=
             std::end(kRecurrentFamilies);
    }
    return !HasConvolution() && 2 * ReusedParameters() > tasks_.num_parameters();
  }

  bool HasConvolution() const {
    return std::any_of(ops_.kernel_ops().begin(), ops_.kernel_ops().end(), [&](OpId op) {
      return ops_.op_type(op).find("conv") != std::string_view::npos;
    });
  }

  // Parameters that several ops of the forward pass read.
  int ReusedParameters() const {
    const KernelGraph& graph = tasks_.kernel_graph();
    int reused = 0;
    for (int p = 0; p < tasks_.num_parameters(); ++p) {
      const auto readers =
          KernelGraph::Row(graph.parameter_readers, graph.parameter_reader_begin, p);
      reused += std::count_if(readers.begin(), readers.end(),
                              [&](KernelId r) { return segments_.is_forward(r); }) > 1;
    }
    return reused;
  }

  std::vector<DeviceId> ByCount() {
    if (owners_.empty()) {
      segments_.BuildDepth(0);
    } else {
      segments_.Build([this](std::string_view scope) {
        return owner_set_.contains(scope) ? scope : std::string_view();
      });
    }
    std::vector<DeviceId> device(segments_.size());
    for (int i = 0; i < segments_.size(); ++i) {
      device[i] = RunOf(i, segments_.size(), tasks_.num_devices());
    }
    return Spread(device);
  }

  std::vector<DeviceId> LayerPerDevice() {
    std::unordered_set<std::string_view> layers;
    for (std::string_view owner : owners_) layers.insert(LayerOfScope(owner));
    segments_.Build([&layers](std::string_view scope) {
      const std::string_view layer = LayerOfScope(scope);
      return layers.contains(layer) || RoleOf(layer) == Role::kLast ? layer : std::string_view();
    });
    std::vector<DeviceId> device(segments_.size(), 0);
    DeviceId last = 0;
    for (const auto& [stack, layers_of_stack] : Stacks()) {
      const auto count = static_cast<int64_t>(layers_of_stack.size());
      for (int64_t i = 0; i < count; ++i) {
        device[layers_of_stack[i]] = RunOf(i, count, tasks_.num_devices());
      }
      last = std::max(last, device[layers_of_stack.back()]);
    }
    const std::vector<std::string_view>& names = segments_.keys();
    for (size_t i = 0; i < names.size(); ++i) {
      if (RoleOf(names[i]) == Role::kLast) device[i] = last;
    }
    return Spread(device);
  }

  // Layers by what contains them: "encoder", "decoder"; "" for those at the top.
  std::map<std::string_view, std::vector<int32_t>> Stacks() const {
    const int common = CommonDepth(owners_);
    const std::vector<std::string_view>& names = segments_.keys();
    std::map<std::string_view, std::vector<int32_t>> stacks;
    for (size_t i = 0; i < names.size(); ++i) {
      if (RoleOf(names[i]) != Role::kLayer) continue;
      const std::string_view container = ScopePrefix(names[i], common + 1);
      stacks[container == names[i] ? std::string_view() : container].push_back(
          static_cast<int32_t>(i));
    }
    return stacks;
  }

  std::vector<DeviceId> Spread(const std::vector<DeviceId>& device_of_segment) const {
    std::vector<DeviceId> device(tasks_.num_tasks());
    for (KernelId task = 0; task < tasks_.num_tasks(); ++task) {
      device[task] = device_of_segment[segments_.of(task)];
    }
    return device;
  }

  const TaskGraph& tasks_;
  const Graph& ops_;
  Segments segments_;
  std::vector<std::string_view>
      owners_;  // Scopes with parameters, as the forward pass enters them.
  std::unordered_set<std::string_view> owner_set_;
};

}  // namespace

std::vector<DeviceId> ExpertPaperPlacement(const TaskGraph& tasks, ExpertFamily family,
                                           const PlacementOptions& placement) {
  if (tasks.num_tasks() == 0) return {};
  return Admit(tasks, PaperExpert(tasks).Place(family), placement);
}

}  // namespace gopt
