#include "gopt/nn/policy_network.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/init.h>

#include <cmath>
#include <limits>
#include <string>

#include "gopt/base/check.h"
#include "src/nn/linear_rows.h"
#include "src/nn/seeded_init.h"

namespace gopt {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

torch::nn::Linear ZeroLinear(int64_t in, int64_t out) {
  torch::nn::Linear linear(in, out);
  torch::NoGradGuard no_grad;
  linear->weight.zero_();
  linear->bias.zero_();
  return linear;
}

torch::nn::Linear WithoutBias(int64_t in, int64_t out) {
  return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(false));
}

at::Tensor Apply(const torch::nn::Linear& linear, const at::Tensor& rows) {
  return LinearRows({.in = rows, .weight = linear->weight, .bias = linear->bias});
}

at::Tensor OneHot(const at::Tensor& choice, int64_t choices, const at::Tensor& like) {
  return at::one_hot(choice.clamp_min(0), choices).to(like.dtype()) *
         (choice >= 0).to(like.dtype()).unsqueeze(1);
}

}  // namespace

std::string_view ToString(Task task) {
  switch (task) {
    case Task::kFusion:
      return "fusion";
    case Task::kPlacement:
      return "placement";
    case Task::kScheduling:
      return "scheduling";
  }
  return "unknown";
}

TaskHeadImpl::TaskHeadImpl(int64_t width, int64_t head_width, int64_t choices)
    : hidden_(register_module("hidden", torch::nn::Linear(width, head_width))),
      output_(register_module("output", ZeroLinear(head_width, choices))) {}

at::Tensor TaskHeadImpl::Hidden(const at::Tensor& rows) {
  return LinearRows({.in = rows, .weight = hidden_->weight, .bias = hidden_->bias, .relu = true});
}

at::Tensor TaskHeadImpl::Output(const at::Tensor& hidden) { return Apply(output_, hidden); }

PolicyNetworkImpl::PolicyNetworkImpl(const NetworkOptions& options, const FeatureSpec& spec)
    : options_(options) {
  const SeededInit seeded(options.seed);
  const int64_t width = options.width, head = options.head_width;
  encoder_ = register_module(
      "encoder",
      GraphSageEncoder(GraphSageEncoderOptions{
          .in = static_cast<int>(spec.node_width()),
          .types = static_cast<int>(spec.num_type_ids()),
          .width = options.width,
          .layers = options.encoder_layers,
          .edge_width = options.edge_features ? static_cast<int>(spec.edge_width()) : 0}));
  const SegmentAttentionOptions attention = {
      .width = options.width, .heads = options.attention_heads, .recurrence = options.recurrence};
  if (options.modulation != Modulation::kNone) {
    modulation_ = register_module(
        "modulation", Superposition(SuperpositionOptions{.modulation = options.modulation,
                                                         .attention = attention}));
  }
  if (looks_at_state()) {
    state_device_ = register_module("state_device", WithoutBias(width, options.state_width));
    state_scalar_ = register_module("state_scalar", torch::nn::Linear(2, options.state_width));
  }
  begin_ = register_module("begin", torch::nn::Linear(width + options.state_width, width));
  for (int layer = 0; layer < options.attention_layers; ++layer) {
    trunk_.push_back(
        register_module("attention" + std::to_string(layer), SegmentAttention(attention)));
  }
  join_ = register_module("join", torch::nn::Linear(head + width, width));
  join_norm_ =
      register_module("join_norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})));
  if (options.task_attention) {
    SegmentAttentionOptions shared = attention;
    shared.feed_forward_ratio = 0;  // FC_t follows.
    task_attention_ = register_module("task_attention", SegmentAttention(shared));
  }
  fusion_ =
      register_module("fusion", TaskHead(width, head, is_direct() ? options.fusion_levels : 1));
  placement_ = register_module("placement", TaskHead(width, head, 1));
  if (is_direct()) {
    device_key_ =
        register_module("device_key", torch::nn::Linear(width + spec.device_width() + 1, head));
    device_query_ = register_module("device_query", ZeroLinear(head, head));
  } else {
    edge_source_ = register_module("edge_source", torch::nn::Linear(head, head));
    edge_target_ = register_module("edge_target", WithoutBias(head, head));
    edge_own_ = register_module("edge_own", WithoutBias(kKernelEdgeWidth, head));
  }
  scheduling_ = register_module("scheduling",
                                TaskHead(width, head, is_direct() ? options.priority_levels : 1));
  if (options.conditioning == Conditioning::kActions) {
    for (const Task task : {Task::kFusion, Task::kPlacement}) {
      condition_[static_cast<int>(task)] =
          register_module("condition_" + std::string(ToString(task)), torch::nn::Linear(1, head));
    }
  }
  if (options.value) {
    value_hidden_ = register_module("value_hidden", torch::nn::Linear(width, width));
    value_output_ = register_module("value_output", ZeroLinear(width, 1));
  }
}

EncodedGraph PolicyNetworkImpl::Encode(const GraphFeatures& features) {
  const at::Tensor& weight = begin_->weight;
  const GraphFeatures input = features.To(weight.device());
  EncodedGraph graph;
  graph.ops = encoder_->forward(
      input.node.to(weight.dtype()), input.op_type,
      GraphEdges{
          .source = input.edge_source,
          .target = input.edge_target,
          .in_begin = input.in_begin,
          .out_edge = input.out_edge,
          .out_begin = input.out_begin,
          .features = options_.edge_features ? input.edge.to(weight.dtype()) : at::Tensor()});
  graph.device = input.device.to(weight.dtype());
  if (!modulation_.is_empty()) {
    const auto layout =
        SegmentLayout::Create({graph.ops.size(0)}, options_.segment, graph.ops.device());
    graph.factor = modulation_->forward(graph.ops, layout);
  }
  return graph;
}

// [states, devices, width + 1]: the mean embedding of the ops on each device, and their share.
at::Tensor PolicyNetworkImpl::PoolDevices(const EncodedGraph& graph, const DecisionState& state) {
  const int64_t states = state.device.size(0), ops = state.device.size(1);
  const int64_t devices = graph.device.size(0), width = options_.width;
  // Row 0 of each state takes what is nowhere.
  const at::Tensor first_row =
      at::arange(states, state.device.options()).unsqueeze(1) * (devices + 1);
  const at::Tensor row = (state.device + 1 + first_row).flatten();
  const at::Tensor sums = at::zeros({states * (devices + 1), width}, graph.ops.options())
                              .index_add(0, row, graph.ops.repeat({states, 1}));
  const at::Tensor counts = at::zeros({states * (devices + 1)}, graph.ops.options())
                                .index_add(0, row, at::ones_like(row, graph.ops.options()));
  const at::Tensor means = sums / counts.clamp_min(1).unsqueeze(1);
  const at::Tensor share = counts.unsqueeze(1) / std::max<int64_t>(ops, 1);
  return at::cat({means, share}, 1).view({states, devices + 1, width + 1}).slice(1, 1);
}

// [states x ops, state_width]
at::Tensor PolicyNetworkImpl::EmbedState(const DecisionState& state, const at::Tensor& pooled) {
  const int64_t states = state.device.size(0), devices = pooled.size(1);
  const at::Tensor by_device =
      state_device_->forward(pooled.slice(2, 0, options_.width)).flatten(0, 1);
  const at::Tensor first_row = at::arange(states, state.device.options()).unsqueeze(1) * devices;
  const at::Tensor row = (state.device.clamp_min(0) + first_row).flatten();
  const at::Tensor placed = (state.device >= 0).to(pooled.dtype()).flatten().unsqueeze(1);
  const at::Tensor scalars =
      at::cat({state.position.flatten().unsqueeze(1), state.pick.flatten().unsqueeze(1)}, 1)
          .to(pooled.dtype());
  return by_device.index_select(0, row) * placed + Apply(state_scalar_, scalars);
}

TaskState PolicyNetworkImpl::Begin(const EncodedGraph& graph, const DecisionState& given) {
  const at::Device where = graph.ops.device();
  const DecisionState state = {given.device.to(where), given.position.to(where),
                               given.pick.to(where)};
  const int64_t states = state.device.size(0), ops = graph.ops.size(0);
  TaskState begin;
  begin.rows.assign(states, ops);
  begin.layout = SegmentLayout::Create(begin.rows, options_.segment, where);
  begin.device = state.device.flatten();
  begin.position = state.position.flatten();
  const at::Tensor embedding = states == 1 ? graph.ops : graph.ops.repeat({states, 1});
  if (graph.factor.defined()) {
    begin.factor =
        graph.factor.size(0) == 1 || states == 1 ? graph.factor : graph.factor.repeat({states, 1});
  }
  at::Tensor pooled, state_embedding;
  if (looks_at_state() || is_direct()) pooled = PoolDevices(graph, state);
  if (looks_at_state()) state_embedding = EmbedState(state, pooled);
  begin.hidden = LinearRows({.in = embedding,
                             .beside = state_embedding,
                             .weight = begin_->weight,
                             .bias = begin_->bias,
                             .residual = embedding});
  for (SegmentAttention& layer : trunk_) {
    begin.hidden = layer->forward(Modulate(begin.hidden, begin.factor), begin.layout);
  }
  begin.outputs = at::zeros({begin.hidden.size(0), options_.head_width}, begin.hidden.options());
  if (is_direct()) {
    const at::Tensor device = graph.device.unsqueeze(0).expand({states, -1, -1});
    begin.device_key = torch::relu(device_key_->forward(at::cat({pooled, device}, 2)));
  }
  return begin;
}

at::Tensor PolicyNetworkImpl::Value(const TaskState& ops) {
  GOPT_CHECK(options_.value);
  const int64_t states = static_cast<int64_t>(ops.rows.size());
  if (ops.hidden.size(0) == 0) return at::zeros({states}, ops.hidden.options());
  const at::Tensor mean = ops.hidden.view({states, -1, options_.width}).mean(1);
  return value_output_->forward(torch::relu(value_hidden_->forward(mean))).squeeze(1);
}

void PolicyNetworkImpl::RecurOverTasks(TaskState* state) {
  at::Tensor hidden = LinearRows({.in = state->outputs,
                                  .beside = state->hidden,
                                  .weight = join_->weight,
                                  .bias = join_->bias,
                                  .norm_weight = join_norm_->weight,
                                  .norm_bias = join_norm_->bias,
                                  .epsilon = join_norm_->options.eps()});
  if (!task_attention_.is_empty()) {
    hidden = task_attention_->forward(Modulate(hidden, state->factor), state->layout);
  }
  state->hidden = hidden;
}

void PolicyNetworkImpl::HandOn(const at::Tensor& hidden, TaskState* state) {
  if (options_.conditioning == Conditioning::kOutputs) state->outputs = hidden;
}

HeadOutput PolicyNetworkImpl::Fusion(TaskState* ops) {
  RecurOverTasks(ops);
  HeadOutput head = {.features = fusion_->Hidden(ops->hidden), .rows = ops->rows};
  head.value = fusion_->Output(head.features);
  if (is_direct()) {
    // The heuristic's choice is level 0 for all, the one after "does not try".
    const at::Tensor all_equal = at::ones_like(ops->device);
    head.value =
        head.value + options_.residual_logit * OneHot(all_equal, head.value.size(1), head.value);
  } else {
    head.value = head.value.squeeze(1);
  }
  HandOn(head.features, ops);
  return head;
}

TaskState PolicyNetworkImpl::Pool(const TaskState& ops, const PackedKernels& kernels) {
  TaskState state;
  state.hidden = PoolKernels(ops.hidden, kernels);
  state.outputs = PoolKernels(ops.outputs, kernels);
  state.factor = ops.factor.defined() && ops.factor.size(0) > 1 ? PoolKernels(ops.factor, kernels)
                                                                : ops.factor;
  state.device_key = ops.device_key;
  state.device = ops.device.index_select(0, kernels.first_row);
  state.position = ops.position.index_select(0, kernels.first_row);
  state.layout = kernels.layout;
  state.rows = kernels.kernels;
  return state;
}

// q(z) . k(device) / sqrt(head_width), and the residual.
at::Tensor PolicyNetworkImpl::DeviceLogits(const at::Tensor& hidden, const TaskState& state) {
  const at::Tensor query = Apply(device_query_, hidden) / std::sqrt(options_.head_width);
  const int64_t states = state.device_key.size(0), devices = state.device_key.size(1);
  at::Tensor logits;
  if (states == 1) {
    logits = at::matmul(query, state.device_key[0].t());
  } else {
    std::vector<at::Tensor> parts;
    int64_t begin = 0;
    for (size_t i = 0; i < state.rows.size(); ++i) {
      const at::Tensor rows = query.slice(0, begin, begin + state.rows[i]);
      parts.push_back(at::matmul(rows, state.device_key[static_cast<int64_t>(i)].t()));
      begin += state.rows[i];
    }
    logits = at::cat(parts);
  }
  return logits + options_.residual_logit * OneHot(state.device, devices, logits);
}

HeadOutput PolicyNetworkImpl::Placement(const PackedKernels& kernels, TaskState* state) {
  RecurOverTasks(state);
  const at::Tensor hidden = placement_->Hidden(state->hidden);
  HeadOutput head;
  if (is_direct()) {
    head = {.value = DeviceLogits(hidden, *state), .features = hidden, .rows = state->rows};
    if (kernels.allowed.defined()) {
      head.value = head.value.masked_fill(kernels.allowed.logical_not(), kMinusInfinity);
    }
  } else {
    head.features = torch::relu(Apply(edge_source_, hidden).index_select(0, kernels.edge_source) +
                                Apply(edge_target_, hidden).index_select(0, kernels.edge_target) +
                                Apply(edge_own_, kernels.edge.to(hidden.dtype())));
    head.value = placement_->Output(head.features).squeeze(1);
    head.rows = kernels.edges;
  }
  HandOn(hidden, state);
  return head;
}

HeadOutput PolicyNetworkImpl::Scheduling(TaskState* state) {
  RecurOverTasks(state);
  HeadOutput head = {.features = scheduling_->Hidden(state->hidden), .rows = state->rows};
  head.value = scheduling_->Output(head.features);
  if (is_direct()) {
    // High levels go first.
    const int64_t levels = options_.priority_levels;
    const at::Tensor level =
        ((1 - state->position) * levels).floor().to(at::kLong).clamp(0, levels - 1);
    head.value = head.value + options_.residual_logit * OneHot(level, levels, head.value);
  } else {
    head.value = head.value.squeeze(1);
  }
  HandOn(head.features, state);
  return head;
}

void PolicyNetworkImpl::Condition(Task task, const at::Tensor& action, TaskState* state) {
  if (options_.conditioning != Conditioning::kActions) return;
  const int64_t samples = action.dim() == 2 ? action.size(0) : 1;
  if (samples > 1) {
    GOPT_CHECK(state->rows.size() == 1);
    state->hidden = state->hidden.repeat({samples, 1});
    if (state->factor.defined() && state->factor.size(0) > 1) {
      state->factor = state->factor.repeat({samples, 1});
    }
    state->device = state->device.repeat({samples});
    state->position = state->position.repeat({samples});
    state->rows.assign(samples, state->rows[0]);
    state->layout = SegmentLayout::Create(state->rows, options_.segment, state->hidden.device());
  }
  const at::Tensor flat = action.flatten();
  if (task == Task::kPlacement && is_direct()) {
    const int64_t states = state->device_key.size(0), devices = state->device_key.size(1);
    at::Tensor row = flat.to(at::kLong).clamp_min(0);
    if (states > 1) row = row + state->layout.sequence() * devices;
    state->outputs = state->device_key.flatten(0, 1).index_select(0, row);
    return;
  }
  torch::nn::Linear& embed = condition_[static_cast<int>(task)];
  state->outputs = torch::relu(embed->forward(flat.to(state->hidden.dtype()).unsqueeze(1)));
}

int64_t PolicyNetworkImpl::num_parameters() const {
  int64_t count = 0;
  for (const at::Tensor& parameter : parameters()) count += parameter.numel();
  return count;
}

}  // namespace gopt
