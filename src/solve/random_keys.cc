#include "src/solve/random_keys.h"

#include <algorithm>

namespace gopt {
namespace {

constexpr uint32_t kAffinities = uint32_t{1} << 16;
constexpr uint32_t kOpen = kAffinities / 2;  // Affinities below are of open tasks.

}  // namespace

KeyCodec::KeyCodec(const TaskGraph& tasks, KeyMeaning meaning, const PlacementOptions& options)
    : tasks_(tasks),
      meaning_(meaning),
      per_task_(meaning == KeyMeaning::kChooseDevices ? tasks.num_devices() : 1),
      decoder_(tasks),
      options_(options) {}

KernelId KeyCodec::Leader(KernelId task) const {
  const int32_t group = tasks_.group(task);
  return group == kNone ? task : tasks_.group_tasks(group)[0];
}

// The middle of the device's part of [1/2, 1).
uint16_t KeyCodec::OnDevice(KernelId task, DeviceId device) const {
  const auto allowed = tasks_.allowed(task);
  const auto at = std::find(allowed.begin(), allowed.end(), device);
  const auto index = static_cast<uint32_t>(at == allowed.end() ? 0 : at - allowed.begin());
  const auto count = static_cast<uint32_t>(allowed.size());
  return static_cast<uint16_t>(kOpen + (kOpen * (2 * index + 1)) / (2 * count));
}

uint16_t KeyCodec::Open(double stickiness) {
  return static_cast<uint16_t>(stickiness * (kOpen - 1));
}

RandomKeys KeyCodec::Encode(const StartPoint& start) const {
  const auto n = static_cast<size_t>(tasks_.num_tasks());
  RandomKeys keys{std::vector<uint32_t>(n), std::vector<uint16_t>(n * per_task_, 0)};
  for (size_t i = 0; i < n; ++i) {
    keys.priority[start.order[i]] = static_cast<uint32_t>((uint64_t{n - i} << 32) / (n + 1));
  }
  for (size_t task = 0; task < n; ++task) {
    const DeviceId device = start.device[task];
    if (meaning_ == KeyMeaning::kChooseDevices) {
      keys.affinity[task * per_task_ + device] = kAffinities - 1;
    } else {
      keys.affinity[task] = OnDevice(static_cast<KernelId>(task), device);
    }
  }
  return keys;
}

void KeyCodec::Randomize(Random* random, RandomKeys* keys) const {
  const auto n = static_cast<size_t>(tasks_.num_tasks());
  keys->priority.resize(n);
  keys->affinity.resize(n * per_task_);
  for (uint32_t& key : keys->priority) key = static_cast<uint32_t>(random->Next() >> 32);
  for (uint16_t& key : keys->affinity) key = static_cast<uint16_t>(random->Next() >> 48);
}

void KeyCodec::Decode(const RandomKeys& keys, Plan* plan) {
  priority_.assign(keys.priority.begin(), keys.priority.end());
  if (meaning_ == KeyMeaning::kChooseDevices) {
    if (plan->kernels != tasks_.kernels()) plan->kernels = tasks_.kernels();
    ChooseDevices(keys, &plan->device);
    sorter_.Sort(priority_, &plan->rank);
    return;
  }
  FixDevices(keys);
  options_.fixed = fixed_;
  decoder_.SetPlacement(options_);
  decoder_.Decode(priority_, stickiness_, plan);
}

void KeyCodec::ChooseDevices(const RandomKeys& keys, std::vector<DeviceId>* device) const {
  device->resize(tasks_.num_tasks());
  for (KernelId task = 0; task < tasks_.num_tasks(); ++task) {
    const KernelId leader = Leader(task);
    const uint16_t* affinity = &keys.affinity[static_cast<size_t>(leader) * per_task_];
    const auto allowed = tasks_.allowed(leader);
    (*device)[task] =
        *std::max_element(allowed.begin(), allowed.end(),
                          [&](DeviceId a, DeviceId b) { return affinity[a] < affinity[b]; });
  }
}

void KeyCodec::FixDevices(const RandomKeys& keys) {
  const KernelGraph& graph = tasks_.kernel_graph();
  fixed_.resize(tasks_.num_tasks());
  stickiness_.resize(graph.inputs.size());
  for (KernelId task = 0; task < tasks_.num_tasks(); ++task) {
    const KernelId leader = Leader(task);
    const uint32_t affinity = keys.affinity[leader];
    const auto allowed = tasks_.allowed(leader);
    const bool open = affinity < kOpen;
    fixed_[task] = open ? kNone : allowed[(affinity - kOpen) * allowed.size() / kOpen];
    const float kappa = open ? static_cast<float>(affinity) / (kOpen - 1) : 0.0f;
    std::fill(stickiness_.begin() + graph.input_begin[task],
              stickiness_.begin() + graph.input_begin[task + 1], kappa);
  }
}

}  // namespace gopt
