#ifndef GOPT_NN_POLICY_NETWORK_H_
#define GOPT_NN_POLICY_NETWORK_H_

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/features/feature_spec.h"
#include "gopt/features/graph_features.h"
#include "gopt/nn/graph_sage.h"
#include "gopt/nn/kernel_set.h"
#include "gopt/nn/modulation.h"
#include "gopt/nn/segment_attention.h"
#include "gopt/nn/segment_layout.h"
#include "gopt/training/config.h"

namespace gopt {

// In the order in which they are decided.
enum class Task : uint8_t { kFusion = 0, kPlacement = 1, kScheduling = 2 };
inline constexpr int kNumTasks = 3;
GOPT_API std::string_view ToString(Task task);  // "fusion", "placement", "scheduling"

// What was decided in the round before, y(t-1), by one or more samples.
struct DecisionState {
  at::Tensor device;    // [states, ops] int64; -1: none.
  at::Tensor position;  // [states, ops] float32, place in the order of starts over ops; 0: none.
  at::Tensor pick;      // [states, ops] float32, fusion picks; 0 before the first round.
};

// One graph, encoded once for all samples and rounds.
struct EncodedGraph {
  at::Tensor ops;     // [ops, width]
  at::Tensor factor;  // Modulation: [ops, width] or [1, width]; undefined: none.
  at::Tensor device;  // [devices, device features]
};

// Where a pass over tasks stands. Rows are ops, then kernels, of one or more sequences.
struct TaskState {
  at::Tensor hidden;      // [rows, width]
  at::Tensor outputs;     // [rows, head_width]: what the tasks before hand on.
  at::Tensor factor;      // As in EncodedGraph, by row.
  at::Tensor device_key;  // [states, devices, head_width]; undefined for the list decoder.
  at::Tensor device;      // [rows] int64: where the state has it.
  at::Tensor position;    // [rows] float32
  SegmentLayout layout;
  std::vector<int64_t> rows;  // Per sequence.
};

// What a head says of each row.
struct HeadOutput {
  at::Tensor value;           // [rows] outputs, or [rows, choices] logits.
  at::Tensor features;        // [rows, head_width], the last hidden layer.
  std::vector<int64_t> rows;  // Per sequence; rows are edges for the list decoder's placement.
};

// One head: z = relu(W h + b), and an output layer that begins at zero, so that training begins at
// the heuristic. FC_t of the GO paper.
class GOPT_API TaskHeadImpl : public torch::nn::Module {
 public:
  TaskHeadImpl(int64_t width, int64_t head_width, int64_t choices);
  at::Tensor Hidden(const at::Tensor& rows);
  at::Tensor Output(const at::Tensor& hidden);

 private:
  torch::nn::Linear hidden_{nullptr}, output_{nullptr};
};
TORCH_MODULE(TaskHead);

// The policy: GraphSAGE encoder, segment-recurrent attention modulated per graph, and a head per
// task, in the order fusion, placement, scheduling, each of which sees what the tasks before it
// said (Zhou et al., "Transferable Graph Optimizers for ML Compilers", NeurIPS 2020, sections 3.1
// to 3.3):
//
//   H^t = LN(W concat(A^(t-1), H^(t-1))),  A^t = FC_t(attention(H^t))
//
// The caller goes through a pass step by step, since kernels are made of the sampled picks between
// fusion and placement: Encode, Begin, Fusion, Pool, Placement, Scheduling. Device and dtype are
// those of the weights. Const in effect but for gradients; one thread at a time.
class GOPT_API PolicyNetworkImpl : public torch::nn::Module {
 public:
  // Weights are drawn from options.seed, whatever the global generator's state.
  PolicyNetworkImpl(const NetworkOptions& options, const FeatureSpec& spec);

  EncodedGraph Encode(const GraphFeatures& features);
  // Sequences of ops, one per state.
  TaskState Begin(const EncodedGraph& graph, const DecisionState& state);
  // [states]: what the value network expects the reward to be. The option `value` must be on.
  at::Tensor Value(const TaskState& ops);

  // direct: [rows, fusion_levels]; list: [rows].
  HeadOutput Fusion(TaskState* ops);
  // From ops to kernels.
  TaskState Pool(const TaskState& ops, const PackedKernels& kernels);
  // direct: [rows, devices]; list: [edges].
  HeadOutput Placement(const PackedKernels& kernels, TaskState* state);
  // direct: [rows, priority_levels]; list: [rows].
  HeadOutput Scheduling(TaskState* state);

  // With Conditioning::kActions: hands sampled actions on to the tasks after, one sequence per
  // sample where there was one for all. `action`: [samples, rows] or, where there is a sequence per
  // sample, [rows]: picks, or devices (direct); for list placement the mean stickiness of each
  // kernel's inputs.
  void Condition(Task task, const at::Tensor& action, TaskState* state);

  const NetworkOptions& options() const { return options_; }
  int64_t num_parameters() const;

 private:
  bool looks_at_state() const { return options_.state_width > 0; }
  bool is_direct() const { return options_.decoder == DecoderKind::kDirect; }
  at::Tensor PoolDevices(const EncodedGraph& graph, const DecisionState& state);
  at::Tensor EmbedState(const DecisionState& state, const at::Tensor& pooled);
  // H of the task from that of the task before.
  void RecurOverTasks(TaskState* state);
  // What the tasks after are told.
  void HandOn(const at::Tensor& hidden, TaskState* state);
  at::Tensor DeviceLogits(const at::Tensor& hidden, const TaskState& state);

  const NetworkOptions options_;
  GraphSageEncoder encoder_{nullptr};
  Superposition modulation_{nullptr};
  torch::nn::Linear state_device_{nullptr}, state_scalar_{nullptr}, begin_{nullptr};
  torch::nn::Linear device_key_{nullptr}, device_query_{nullptr};
  std::vector<SegmentAttention> trunk_;
  torch::nn::Linear join_{nullptr};
  torch::nn::LayerNorm join_norm_{nullptr};
  SegmentAttention task_attention_{nullptr};
  TaskHead fusion_{nullptr}, placement_{nullptr}, scheduling_{nullptr};
  torch::nn::Linear edge_source_{nullptr}, edge_target_{nullptr}, edge_own_{nullptr};
  torch::nn::Linear condition_[kNumTasks] = {nullptr, nullptr, nullptr};
  torch::nn::Linear value_hidden_{nullptr}, value_output_{nullptr};
};
TORCH_MODULE(PolicyNetwork);

}  // namespace gopt

#endif  // GOPT_NN_POLICY_NETWORK_H_
