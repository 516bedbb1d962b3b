// Stacked LSTMs, unrolled: alone, and as encoder and decoder with attention.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/workloads/synthetic.h"
#include "src/workloads/draw.h"
#include "src/workloads/training_tape.h"

namespace gopt {
namespace {

// One layer of LSTM cells; keeps the state between steps.
class LstmLayer {
 public:
  // `inputs`: the operands beside the state, as wide as the state each.
  LstmLayer(TrainingTape* tape, std::string scope, int64_t batch, int64_t hidden, int inputs)
      : tape_(*tape), scope_(std::move(scope)), batch_(batch), hidden_(hidden), inputs_(inputs) {
    weight_ = tape_.AddWeight(absl::StrCat(scope_, ".weight"), scope_,
                              4 * hidden_ * hidden_ * (inputs_ + 1));
  }

  // The new output: a product, three gates (input and forget gate in one), state, output.
  PortId Step(int step, std::string_view scope, std::vector<PortId> inputs) {
    const auto name = [this, step](const char* what) {
      return absl::StrCat(scope_, ".t", step, ".", what);
    };
    if (output_ != kNone) inputs.push_back(output_);
    const int64_t inner = hidden_ * static_cast<int64_t>(inputs.size());
    const PortId product = tape_.Matmul(name("product"), scope, std::move(inputs), weight_, batch_,
                                        inner, 4 * hidden_);
    const PortId gates = Gate(name("gates"), "sigmoid", scope, product, 2 * hidden_);
    const PortId candidate = Gate(name("candidate"), "tanh", scope, product, hidden_);
    const PortId output_gate = Gate(name("output_gate"), "sigmoid", scope, product, hidden_);
    std::vector<PortId> parts = {candidate, gates};
    if (state_ != kNone) parts.push_back(state_);
    state_ = tape_.Elementwise(name("state"), "mul", scope, std::move(parts));
    output_ = tape_.Elementwise(name("output"), "mul", scope, {state_, output_gate});
    return output_;
  }

 private:
  PortId Gate(std::string name, std::string_view type, std::string_view scope, PortId product,
              int64_t columns) {
    return tape_.Add({.name = std::move(name),
                      .type = type,
                      .fusion_class = FusionClass::kElementwise,
                      .scope = scope,
                      .flops = static_cast<double>(batch_ * columns),
                      .dims = {batch_, columns},
                      .operands = {product},
                      .constants = {}});
  }

  TrainingTape& tape_;
  std::string scope_;
  int64_t batch_, hidden_;
  int inputs_;
  TrainingTape::WeightId weight_;
  PortId state_ = kNone, output_ = kNone;
};

// A port per step: embedded tokens, or the input itself.
std::vector<PortId> Inputs(TrainingTape* tape, const std::string& name, int64_t batch, int steps,
                           int64_t hidden, int64_t vocabulary) {
  std::vector<PortId> ports;
  if (vocabulary == 0) {
    for (int step = 0; step < steps; ++step) {
      ports.push_back(tape->AddInput(absl::StrCat(name, ".t", step), {batch, hidden}));
    }
    return ports;
  }
  const PortId ids = tape->AddInput(absl::StrCat(name, ".ids"), {batch, steps});
  const auto weight =
      tape->AddWeight(absl::StrCat(name, ".embedding.weight"), name, vocabulary * hidden);
  const PortId first = tape->Embedding(absl::StrCat(name, ".embedding"), name, ids, weight,
                                       batch * steps, hidden, steps);
  for (int step = 0; step < steps; ++step) ports.push_back(first + step);
  return ports;
}

// What is learnt from each step's output.
class LossHead {
 public:
  LossHead(TrainingTape* tape, int64_t batch, int64_t hidden, int64_t vocabulary)
      : tape_(*tape), batch_(batch), hidden_(hidden), vocabulary_(vocabulary) {
    if (vocabulary_ > 0) {
      weight_ = tape_.AddWeight("softmax.weight", "softmax", hidden * vocabulary);
    }
  }

  PortId Step(int step, PortId output) {
    const std::string name = absl::StrCat("softmax.t", step);
    if (vocabulary_ == 0) return tape_.SoftmaxLoss(name + ".loss", "softmax", output);
    const PortId logits =
        tape_.Matmul(name + ".logits", "softmax", {output}, weight_, batch_, hidden_, vocabulary_);
    return tape_.SoftmaxLoss(name + ".loss", "softmax", logits);
  }

 private:
  TrainingTape& tape_;
  int64_t batch_, hidden_, vocabulary_;
  TrainingTape::WeightId weight_ = kNone;
};

// Scores of a query against the encoder's outputs side by side, and their mean by softmax.
PortId Attend(TrainingTape* tape, int step, PortId query, PortId memory, int64_t batch,
              int64_t memory_steps, int64_t hidden) {
  const double flops = 2.0 * static_cast<double>(batch) * static_cast<double>(memory_steps) *
                       static_cast<double>(hidden);
  const std::string name = absl::StrCat("attention.t", step);
  const PortId scores = tape->Add({.name = name + ".scores",
                                   .type = "matmul",
                                   .fusion_class = FusionClass::kContraction,
                                   .scope = "attention",
                                   .flops = flops,
                                   .dims = {batch, memory_steps},
                                   .operands = {query, memory},
                                   .constants = {}});
  const PortId softmax = tape->Add({.name = name + ".softmax",
                                    .type = "softmax",
                                    .fusion_class = FusionClass::kReduction,
                                    .scope = "attention",
                                    .flops = 5.0 * static_cast<double>(batch * memory_steps),
                                    .dims = {batch, memory_steps},
                                    .operands = {scores},
                                    .constants = {}});
  return tape->Add({.name = name + ".context",
                    .type = "matmul",
                    .fusion_class = FusionClass::kContraction,
                    .scope = "attention",
                    .flops = flops,
                    .dims = {batch, hidden},
                    .operands = {softmax, memory},
                    .constants = {}});
}

absl::Status CheckGnmt(const GnmtOptions& options) {
  GOPT_RETURN_IF_ERROR(CheckGridOptions("gnmt", options.grid));
  GOPT_RETURN_IF_ERROR(CheckRange("gnmt", "layers", options.layers, 1, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckRange("gnmt", "encoder_steps", options.encoder_steps, 1, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckRange("gnmt", "decoder_steps", options.decoder_steps, 1, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckRange("gnmt", "hidden", options.hidden, 1, kMaxWidth));
  GOPT_RETURN_IF_ERROR(CheckRange("gnmt", "vocabulary", options.vocabulary, 0, kMaxVocabulary));
  const double steps = static_cast<double>(options.encoder_steps) + options.decoder_steps;
  return CheckRange("gnmt", "the number of forward ops", (6.0 * options.layers + 5.0) * steps, 1,
                    kMaxOps);
}

std::vector<LstmLayer> Stack(TrainingTape* tape, const char* name, int layers, int64_t batch,
                             int64_t hidden, int inputs_of_second) {
  std::vector<LstmLayer> stack;
  for (int layer = 0; layer < layers; ++layer) {
    stack.emplace_back(tape, absl::StrCat(name, layer), batch, hidden,
                       layer == 1 ? inputs_of_second : 1);
  }
  return stack;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Graph>> MakeRnn(const RnnOptions& options) {
  GOPT_RETURN_IF_ERROR(CheckGridOptions("rnn", options.grid));
  GOPT_RETURN_IF_ERROR(CheckRange("rnn", "layers", options.layers, 1, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckRange("rnn", "steps", options.steps, 1, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckRange("rnn", "hidden", options.hidden, 1, kMaxWidth));
  GOPT_RETURN_IF_ERROR(CheckRange("rnn", "vocabulary", options.vocabulary, 0, kMaxVocabulary));
  GOPT_RETURN_IF_ERROR(CheckRange("rnn", "scope_steps", options.scope_steps, 0, kMaxOps));
  const double cells = 6.0 * options.layers + 2.0;
  GOPT_RETURN_IF_ERROR(
      CheckRange("rnn", "the number of forward ops", cells * options.steps, 1, kMaxOps));
  TrainingTape tape("rnn", options.grid);
  const int64_t batch = options.grid.batch;
  const std::vector<PortId> inputs =
      Inputs(&tape, "input", batch, options.steps, options.hidden, options.vocabulary);
  std::vector<LstmLayer> layers =
      Stack(&tape, "layer", options.layers, batch, options.hidden, /*inputs_of_second=*/1);
  LossHead head(&tape, batch, options.hidden, options.vocabulary);
  std::vector<PortId> losses;
  for (int step = 0; step < options.steps; ++step) {
    PortId x = inputs[step];
    for (int layer = 0; layer < options.layers; ++layer) {
      std::string scope = absl::StrCat("layer", layer);
      if (options.scope_steps > 0) {
        absl::StrAppend(&scope, ".steps", step / options.scope_steps * options.scope_steps);
      }
      x = layers[layer].Step(step, scope, {x});
    }
    losses.push_back(head.Step(step, x));
  }
  return std::move(tape).Finish(std::move(losses));
}

absl::StatusOr<std::shared_ptr<const Graph>> MakeGnmt(const GnmtOptions& options) {
  GOPT_RETURN_IF_ERROR(CheckGnmt(options));
  TrainingTape tape("gnmt", options.grid);
  const int64_t batch = options.grid.batch, hidden = options.hidden;
  const std::vector<PortId> source =
      Inputs(&tape, "source", batch, options.encoder_steps, hidden, options.vocabulary);
  std::vector<LstmLayer> encoder =
      Stack(&tape, "encoder", options.layers, batch, hidden, /*inputs_of_second=*/1);
  std::vector<PortId> outputs;
  for (int step = 0; step < options.encoder_steps; ++step) {
    PortId x = source[step];
    for (int layer = 0; layer < options.layers; ++layer) {
      x = encoder[layer].Step(step, absl::StrCat("encoder", layer), {x});
    }
    outputs.push_back(x);
  }
  const PortId memory = tape.Add({.name = "attention.memory",
                                  .type = "concat",
                                  .fusion_class = FusionClass::kOpaque,
                                  .scope = "attention",
                                  .dims = {batch * options.encoder_steps, hidden},
                                  .operands = std::move(outputs),
                                  .constants = {},
                                  .saves_reads = false});
  const std::vector<PortId> target =
      Inputs(&tape, "target", batch, options.decoder_steps, hidden, options.vocabulary);
  std::vector<LstmLayer> decoder =
      Stack(&tape, "decoder", options.layers, batch, hidden, /*inputs_of_second=*/2);
  LossHead head(&tape, batch, hidden, options.vocabulary);
  std::vector<PortId> losses;
  for (int step = 0; step < options.decoder_steps; ++step) {
    PortId x = decoder[0].Step(step, "decoder0", {target[step]});
    const PortId context = Attend(&tape, step, x, memory, batch, options.encoder_steps, hidden);
    if (options.layers == 1) {
      x = tape.Sum(absl::StrCat("attention.t", step, ".combine"), "attention", {x, context});
    }
    for (int layer = 1; layer < options.layers; ++layer) {
      std::vector<PortId> reads = {x};
      if (layer == 1) reads.push_back(context);
      x = decoder[layer].Step(step, absl::StrCat("decoder", layer), std::move(reads));
    }
    losses.push_back(head.Step(step, x));
  }
  return std::move(tape).Finish(std::move(losses));
}

}  // namespace gopt
