// Transformer-XL, unrolled over segments, with an op per head.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/workloads/synthetic.h"
#include "src/workloads/draw.h"
#include "src/workloads/training_tape.h"

namespace gopt {
namespace {

absl::Status Check(const TransformerXlOptions& options) {
  GOPT_RETURN_IF_ERROR(CheckGridOptions("txl", options.grid));
  GOPT_RETURN_IF_ERROR(CheckRange("txl", "layers", options.layers, 1, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckRange("txl", "segments", options.segments, 1, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckRange("txl", "heads", options.heads, 1, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckRange("txl", "tokens", options.tokens, 1, kMaxWidth));
  GOPT_RETURN_IF_ERROR(CheckRange("txl", "width", options.width, 1, kMaxWidth));
  GOPT_RETURN_IF_ERROR(CheckRange("txl", "feed_forward", options.feed_forward, 1, kMaxWidth));
  GOPT_RETURN_IF_ERROR(CheckRange("txl", "vocabulary", options.vocabulary, 1, kMaxVocabulary));
  if (options.width % options.heads != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("txl: width ", options.width, " is not a multiple of heads ", options.heads));
  }
  const double block = 6.0 * options.heads + 9.0;
  return CheckRange("txl", "the number of forward ops",
                    (block * options.layers + 4.0) * options.segments, 1, kMaxOps);
}

class Model {
 public:
  explicit Model(const TransformerXlOptions& options)
      : options_(options),
        tape_("txl", options.grid),
        batch_(options.grid.batch),
        rows_(batch_ * options.tokens),
        head_width_(options.width / options.heads) {}

  absl::StatusOr<std::shared_ptr<const Graph>> Make() && {
    const int64_t width = options_.width, vocabulary = options_.vocabulary;
    const auto embedding = tape_.AddWeight("embedding.weight", "embedding", vocabulary * width);
    for (int layer = 0; layer < options_.layers; ++layer) AddWeights(layer);
    const auto softmax = tape_.AddWeight("softmax.weight", "softmax", vocabulary * width);
    std::vector<PortId> losses;
    for (int segment = 0; segment < options_.segments; ++segment) {
      const std::string name = absl::StrCat(".s", segment);
      const PortId ids = tape_.AddInput(absl::StrCat("ids", name), {batch_, options_.tokens});
      PortId x = tape_.Embedding("embedding" + name, "embedding", ids, embedding, rows_, width, 1);
      for (int layer = 0; layer < options_.layers; ++layer) x = Block(layer, segment, x);
      x = tape_.Matmul(absl::StrCat("softmax", name, ".logits"), "softmax", {x}, softmax, rows_,
                       width, vocabulary);
      losses.push_back(tape_.SoftmaxLoss(absl::StrCat("softmax", name, ".loss"), "softmax", x));
    }
    return std::move(tape_).Finish(std::move(losses));
  }

 private:
  struct Layer {
    std::string scope;
    std::vector<TrainingTape::WeightId> query, key, value;  // Per head.
    TrainingTape::WeightId project, expand, contract;
    PortId memory = kNone;  // Its normalised input at the segment before.
  };

  void AddWeights(int index) {
    Layer layer;
    layer.scope = absl::StrCat("layer", index);
    const auto add = [this, &layer](const std::string& name, int64_t elements) {
      return tape_.AddWeight(absl::StrCat(layer.scope, ".", name, ".weight"), layer.scope,
                             elements);
    };
    const int64_t width = options_.width;
    for (int head = 0; head < options_.heads; ++head) {
      const std::string name = absl::StrCat("head", head);
      layer.query.push_back(add(name + ".query", width * head_width_));
      layer.key.push_back(add(name + ".key", width * head_width_));
      layer.value.push_back(add(name + ".value", width * head_width_));
    }
    layer.project = add("project", width * width);
    layer.expand = add("expand", width * options_.feed_forward);
    layer.contract = add("contract", width * options_.feed_forward);
    layers_.push_back(std::move(layer));
  }

  // x + attention(norm(x)), then x + feed_forward(x); the norm of the second half is left out.
  PortId Block(int index, int segment, PortId x) {
    Layer& layer = layers_[index];
    const auto name = [&](const char* what) {
      return absl::StrCat(layer.scope, ".s", segment, ".", what);
    };
    const int64_t width = options_.width, inner = options_.feed_forward;
    const PortId norm = tape_.Add({.name = name("norm"),
                                   .type = "norm",
                                   .fusion_class = FusionClass::kReduction,
                                   .scope = layer.scope,
                                   .flops = 5.0 * static_cast<double>(rows_ * width),
                                   .dims = {rows_, width},
                                   .operands = {x},
                                   .constants = {}});
    std::vector<PortId> heads;
    for (int head = 0; head < options_.heads; ++head) {
      heads.push_back(Head(layer, head, segment, norm));
    }
    layer.memory = norm;
    const PortId mixed = tape_.Matmul(name("project"), layer.scope,
                                      {tape_.Add({.name = name("concat"),
                                                  .type = "concat",
                                                  .fusion_class = FusionClass::kOpaque,
                                                  .scope = layer.scope,
                                                  .dims = {rows_, width},
                                                  .operands = std::move(heads),
                                                  .constants = {},
                                                  .saves_reads = false})},
                                      layer.project, rows_, width, width);
    x = tape_.Sum(name("residual1"), layer.scope, {x, mixed});
    PortId y = tape_.Matmul(name("expand"), layer.scope, {x}, layer.expand, rows_, width, inner);
    y = tape_.Elementwise(name("relu"), "relu", layer.scope, {y});
    y = tape_.Matmul(name("contract"), layer.scope, {y}, layer.contract, rows_, inner, width);
    return tape_.Sum(name("residual2"), layer.scope, {x, y});
  }

  // Keys and values are made of the segment and the one before, queries of the segment alone.
  PortId Head(const Layer& layer, int head, int segment, PortId norm) {
    const std::string prefix = absl::StrCat(layer.scope, ".s", segment, ".head", head, ".");
    const int64_t keys = options_.tokens * (layer.memory == kNone ? 1 : 2);
    const auto project = [&](const char* what, TrainingTape::WeightId weight, bool with_memory) {
      TrainingTape::ForwardOp op = {.name = prefix + what,
                                    .type = "matmul",
                                    .fusion_class = FusionClass::kContraction,
                                    .scope = layer.scope,
                                    .dims = {with_memory ? batch_ * keys : rows_, head_width_},
                                    .operands = {norm},
                                    .constants = {},
                                    .weight = weight,
                                    .saves_reads = false};
      op.flops = 2.0 * static_cast<double>(op.dims[0]) * static_cast<double>(options_.width) *
                 static_cast<double>(head_width_);
      if (with_memory && layer.memory != kNone) {
        (options_.gradient_to_memory ? op.operands : op.constants).push_back(layer.memory);
      }
      return tape_.Add(std::move(op));
    };
    const PortId query = project("query", layer.query[head], false);
    const PortId key = project("key", layer.key[head], true);
    const PortId value = project("value", layer.value[head], true);
    const double flops = 2.0 * static_cast<double>(rows_) * static_cast<double>(keys) *
                         static_cast<double>(head_width_);
    const auto add = [&](const char* what, const char* type, FusionClass fusion_class,
                         double op_flops, int64_t columns, std::vector<PortId> operands) {
      return tape_.Add({.name = prefix + what,
                        .type = type,
                        .fusion_class = fusion_class,
                        .scope = layer.scope,
                        .flops = op_flops,
                        .dims = {rows_, columns},
                        .operands = std::move(operands),
                        .constants = {}});
    };
    const PortId scores =
        add("scores", "matmul", FusionClass::kContraction, flops, keys, {query, key});
    const PortId softmax = add("softmax", "softmax", FusionClass::kReduction,
                               5.0 * static_cast<double>(rows_ * keys), keys, {scores});
    return add("mix", "matmul", FusionClass::kContraction, flops, head_width_, {softmax, value});
  }

  const TransformerXlOptions& options_;
  TrainingTape tape_;
  int64_t batch_, rows_, head_width_;
  std::vector<Layer> layers_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Graph>> MakeTransformerXl(
    const TransformerXlOptions& options) {
  GOPT_RETURN_IF_ERROR(Check(options));
  return Model(options).Make();
}

}  // namespace gopt
