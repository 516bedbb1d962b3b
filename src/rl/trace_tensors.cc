#include "src/rl/trace_tensors.h"

#include <ATen/ATen.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "src/rl/bundle_tensors.h"
#include "src/rl/guidance_of.h"

namespace gopt {
namespace {

struct Field {
  const char* name;
  at::Tensor HeadActions::Group::*tensor;
};
constexpr Field kFields[] = {{"action", &HeadActions::Group::action},
                             {"mean", &HeadActions::Group::mean},
                             {"noise", &HeadActions::Group::noise},
                             {"basis", &HeadActions::Group::basis},
                             {"sparse_row", &HeadActions::Group::sparse_row},
                             {"sparse_noise", &HeadActions::Group::sparse_noise},
                             {"log_prob", &HeadActions::Group::log_prob},
                             {"active", &HeadActions::Group::active}};

std::string HeadPrefix(const std::string& prefix, size_t round, int task) {
  return absl::StrCat(prefix, round, ".", task, ".");
}

// How the head drew, as numbers.
BundleTensor DrawTensor(const std::string& name, const DrawOptions& options) {
  const ExplorationOptions& exploration = options.exploration;
  return ToBundleTensor(name,
                        at::tensor({static_cast<double>(options.draw), options.sigma,
                                    static_cast<double>(exploration.rank), exploration.sparse_share,
                                    exploration.sparse_sigma, exploration.antithetic ? 1.0 : 0.0},
                                   at::kDouble));
}

DrawOptions DrawFrom(const at::Tensor& numbers) {
  const auto* value = numbers.const_data_ptr<double>();
  DrawOptions options;
  options.draw = static_cast<Draw>(static_cast<int>(value[0]));
  options.sigma = value[1];
  options.exploration.rank = static_cast<int>(value[2]);
  options.exploration.sparse_share = value[3];
  options.exploration.sparse_sigma = value[4];
  options.exploration.antithetic = value[5] != 0;
  return options;
}

absl::Status Missing(const std::string& name) {
  return absl::InvalidArgumentError(absl::StrCat("tensor '", name, "' is missing or misshapen"));
}

absl::StatusOr<HeadActions> FindHead(const Bundle& bundle, const std::string& prefix) {
  const BundleTensor* draw = FindTensor(bundle, prefix + "draw");
  if (draw == nullptr || draw->type != TensorType::kFloat64 ||
      draw->shape != std::vector<int64_t>{6}) {
    return Missing(prefix + "draw");
  }
  HeadActions actions = {.options = DrawFrom(FromBundleTensor(*draw)), .groups = {{}}};
  HeadActions::Group& group = actions.groups[0];
  for (const Field& field : kFields) {
    const BundleTensor* stored = FindTensor(bundle, prefix + field.name);
    if (stored != nullptr) group.*field.tensor = FromBundleTensor(*stored);
  }
  if (!group.action.defined() || group.action.dim() != 2 || group.action.size(0) != 1) {
    return Missing(prefix + "action");
  }
  if (!group.active.defined() || !group.log_prob.defined()) return Missing(prefix + "active");
  group.active = group.active.to(at::kBool);
  return actions;
}

absl::Status FindState(const Bundle& bundle, const std::string& prefix, int64_t ops,
                       DecisionState* state) {
  for (const auto& [name, tensor] :
       {std::pair("device", &state->device), std::pair("position", &state->position),
        std::pair("pick", &state->pick)}) {
    const BundleTensor* stored = FindTensor(bundle, prefix + name);
    if (stored == nullptr || stored->shape != std::vector<int64_t>{1, ops}) {
      return Missing(prefix + name);
    }
    *tensor = FromBundleTensor(*stored);
  }
  return absl::OkStatus();
}

absl::Status MakeKernels(const NetworkOptions& network, TrainedProblem* problem,
                         DecisionTrace::Round* round) {
  const PolicyProblem& ready = *problem->problem();
  round->kernels = {ready.base_kernels()};
  const auto& fusion = round->head[static_cast<int>(Task::kFusion)];
  if (!fusion.has_value()) return absl::OkStatus();
  const std::vector<std::vector<int32_t>> picks = {PicksOf(network, fusion->action(0))};
  std::vector<std::shared_ptr<const TaskGraph>> tasks(1);
  GOPT_RETURN_IF_ERROR(problem->pool().Fuse(picks, FusionOptions{}, tasks));
  round->kernels = {std::make_shared<const KernelSet>(ready.MakeKernelSet(*tasks[0]))};
  return absl::OkStatus();
}

}  // namespace

void AddTrace(const DecisionTrace& trace, const std::string& prefix, Bundle* bundle) {
  for (size_t i = 0; i < trace.rounds.size(); ++i) {
    const DecisionTrace::Round& round = trace.rounds[i];
    const std::string of_round = absl::StrCat(prefix, i, ".");
    for (const auto& [name, tensor] :
         {std::pair("device", &round.state.device), std::pair("position", &round.state.position),
          std::pair("pick", &round.state.pick)}) {
      bundle->tensors.push_back(ToBundleTensor(of_round + name, *tensor));
    }
    for (int task = 0; task < kNumTasks; ++task) {
      if (!round.head[task].has_value()) continue;
      const std::string of_head = HeadPrefix(prefix, i, task);
      bundle->tensors.push_back(DrawTensor(of_head + "draw", round.head[task]->options));
      for (const Field& field : kFields) {
        const at::Tensor& tensor = round.head[task]->groups[0].*field.tensor;
        if (tensor.defined())
          bundle->tensors.push_back(ToBundleTensor(of_head + field.name, tensor));
      }
    }
  }
}

absl::StatusOr<std::shared_ptr<const DecisionTrace>> FindTrace(const Bundle& bundle,
                                                               const std::string& prefix,
                                                               TrainedProblem* problem) {
  std::shared_ptr<const DecisionTrace> none;
  if (FindTensor(bundle, prefix + "0.device") == nullptr) return none;
  auto trace = std::make_shared<DecisionTrace>();
  trace->samples = 1;
  const int64_t ops = problem->problem()->problem().graph().num_ops();
  for (int i = 0; i < bundle.config.network.rounds; ++i) {
    DecisionTrace::Round& round = trace->rounds.emplace_back();
    GOPT_RETURN_IF_ERROR(FindState(bundle, absl::StrCat(prefix, i, "."), ops, &round.state));
    for (int task = 0; task < kNumTasks; ++task) {
      const std::string of_head = HeadPrefix(prefix, i, task);
      if (FindTensor(bundle, of_head + "draw") == nullptr) continue;
      GOPT_ASSIGN_OR_RETURN(round.head[task], FindHead(bundle, of_head));
    }
    GOPT_RETURN_IF_ERROR(MakeKernels(bundle.config.network, problem, &round));
  }
  return std::shared_ptr<const DecisionTrace>(std::move(trace));
}

}  // namespace gopt
