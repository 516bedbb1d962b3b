#include "src/rl/guidance_of.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace gopt {
namespace {

constexpr double kLargestPick = 1e6;

// A copy on the CPU as T.
template <typename T>
std::vector<T> Values(const at::Tensor& tensor, at::ScalarType type) {
  const at::Tensor flat = tensor.to(at::kCPU, type).contiguous();
  const T* data = flat.const_data_ptr<T>();
  return std::vector<T>(data, data + flat.numel());
}

void SetDevices(const at::Tensor& action, Guidance* guidance) {
  for (const int64_t device : Values<int64_t>(action, at::kLong)) {
    guidance->device.push_back(static_cast<DeviceId>(device));
  }
}

void SetStickiness(const at::Tensor& action, const NetworkOptions& options,
                   const KernelSet& kernels, Guidance* guidance) {
  guidance->stickiness.assign(kernels.inputs, 0.0f);
  const std::vector<float> output = Values<float>(action, at::kFloat);
  const std::vector<int64_t> input = Values<int64_t>(kernels.edge_input, at::kLong);
  const std::vector<float> together =
      Values<float>(kernels.edge.select(1, kTogetherColumn), at::kFloat);
  for (size_t i = 0; i < output.size(); ++i) {
    guidance->stickiness[input[i]] =
        static_cast<float>(options.stickiness_base * (together[i] > 0 ? 1 : -1) +
                           options.stickiness_scale * output[i]);
  }
}

}  // namespace

std::vector<int32_t> PicksOf(const NetworkOptions& options, const at::Tensor& action) {
  std::vector<int32_t> picks;
  picks.reserve(action.numel());
  if (options.decoder == DecoderKind::kDirect) {
    for (const int64_t choice : Values<int64_t>(action, at::kLong)) {
      picks.push_back(static_cast<int32_t>(choice) - 1);
    }
    return picks;
  }
  for (const float output : Values<float>(action, at::kFloat)) {
    const double pick = options.fusion_scale * output;
    picks.push_back(static_cast<int32_t>(
        std::isfinite(pick) ? std::lround(std::clamp(pick, -kLargestPick, kLargestPick)) : 0));
  }
  return picks;
}

Guidance GuidanceOf(const NetworkOptions& options, const PolicyProblem& problem,
                    const DecisionTrace::Round& round, int64_t sample, const TaskGraph& tasks) {
  const bool direct = options.decoder == DecoderKind::kDirect;
  Guidance guidance;
  guidance.priority = problem.BasePriorities(tasks);
  const auto& scheduling = round.head[static_cast<int>(Task::kScheduling)];
  if (scheduling.has_value()) {
    const std::vector<double> action = Values<double>(scheduling->action(sample), at::kDouble);
    for (size_t i = 0; i < action.size(); ++i) {
      // Within a level kernels keep the order of the reference, whose priorities are in [-1, 0].
      guidance.priority[i] = direct ? action[i] + 0.5 * (1 + guidance.priority[i])
                                    : guidance.priority[i] + options.priority_scale * action[i];
    }
  }
  const auto& placement = round.head[static_cast<int>(Task::kPlacement)];
  if (placement.has_value()) {
    const KernelSet& kernels = *round.kernels[round.kernels.size() == 1 ? 0 : sample];
    if (direct) {
      SetDevices(placement->action(sample), &guidance);
    } else {
      SetStickiness(placement->action(sample), options, kernels, &guidance);
    }
  }
  return guidance;
}

at::Tensor OpActions(const HeadActions& actions) {
  if (actions.groups.size() == 1) return actions.groups[0].action;
  std::vector<at::Tensor> parts;
  for (const HeadActions::Group& group : actions.groups) parts.push_back(group.action[0]);
  return at::cat(parts);
}

at::Tensor KernelActions(const HeadActions& actions, const PackedKernels& kernels) {
  if (actions.options.draw == Draw::kCategorical) return OpActions(actions);
  // [samples, edges] or [edges of all sequences], by kernel that reads.
  at::Tensor action = OpActions(actions);
  const bool shared = action.dim() == 2;
  if (!shared) action = action.unsqueeze(0);
  const at::Tensor target = kernels.edge_target.unsqueeze(0).expand_as(action);
  const std::vector<int64_t> shape = {action.size(0), kernels.num_kernels()};
  const at::Tensor sums = at::zeros(shape, action.options()).scatter_add(1, target, action);
  const at::Tensor counts =
      at::zeros(shape, action.options()).scatter_add(1, target, at::ones_like(action));
  const at::Tensor means = sums / counts.clamp_min(1);
  return shared ? means : means[0];
}

}  // namespace gopt
