#include "src/workloads/training_tape.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "src/workloads/draw.h"

namespace gopt {
namespace {

constexpr int64_t kElementBytes = 4;
constexpr double kOptimizerFlops = 10.0;  // Per element; Adam's.

// What the times for "device" are: those of a P100 (data sheet; launch as in the preset).
constexpr double kDeviceFlops = 9.3e12;
constexpr double kDeviceBandwidth = 732e9;
constexpr double kDeviceLaunch = 5'000.0;

int64_t Elements(std::span<const int64_t> dims) {
  int64_t elements = 1;
  for (const int64_t dim : dims) elements *= dim;
  return elements;
}

}  // namespace

absl::Status CheckGridOptions(std::string_view family, const GridOptions& options) {
  GOPT_RETURN_IF_ERROR(CheckRange(family, "batch", options.batch, 1, kMaxWidth));
  GOPT_RETURN_IF_ERROR(CheckRange(family, "optimizer_copies", options.optimizer_copies, 0, 16));
  return CheckRange(family, "spread", options.spread, 0.0, kMaxSpread);
}

TrainingTape::TrainingTape(std::string name, const GridOptions& options)
    : options_(options), writer_(std::move(name)) {}

// Bytes are those of the distinct operands and ports, and of a weight that is no operand.
OpId TrainingTape::Emit(GraphWriter::Op op, std::vector<PortId> operands,
                        int64_t weight_bytes_read) {
  std::vector<PortId> distinct = operands;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  op.bytes_read = weight_bytes_read;
  for (const PortId port : distinct) {
    op.bytes_read = SaturatingAdd(op.bytes_read, writer_.port_bytes(port));
  }
  return writer_.AddOp(std::move(op), operands);
}

TrainingTape::WeightId TrainingTape::AddWeight(std::string name, std::string_view scope,
                                               int64_t elements) {
  Weight weight = {.name = std::move(name), .scope = std::string(scope), .elements = elements};
  if (options_.parameters) {
    writer_.AddOp({.name = weight.name,
                   .type = "parameter",
                   .scope = weight.scope,
                   .kind = OpKind::kParameter,
                   .phase = Phase::kUnspecified},
                  {});
    weight.port = AddForwardPort({&elements, 1}, false);
    writer_.MakePersistent(HasOptimizer() ? options_.optimizer_copies : 0);
  }
  weights_.push_back(std::move(weight));
  return static_cast<WeightId>(weights_.size()) - 1;
}

PortId TrainingTape::AddInput(std::string name, std::vector<int64_t> dims) {
  writer_.AddOp({.name = std::move(name),
                 .type = "input",
                 .kind = OpKind::kInput,
                 .phase = Phase::kUnspecified},
                {});
  return AddForwardPort(dims, false);
}

PortId TrainingTape::AddForwardPort(std::span<const int64_t> dims, bool needs_gradient) {
  needs_gradient_.push_back(needs_gradient ? 1 : 0);
  return writer_.AddPort(Elements(dims) * kElementBytes, dims);
}

PortId TrainingTape::Add(ForwardOp op) {
  const int64_t port_bytes = Elements(op.dims) * kElementBytes;
  std::vector<PortId> reads = op.operands;
  reads.insert(reads.end(), op.constants.begin(), op.constants.end());
  int64_t weight_bytes = 0;
  if (op.weight != kNone && op.reads_rows) {
    weight_bytes = port_bytes * op.ports;
  } else if (op.weight != kNone) {
    weight_bytes = weights_[op.weight].elements * kElementBytes;
  }
  const OpId id = Emit({.name = std::move(op.name),
                        .type = std::string(op.type),
                        .scope = std::string(op.scope),
                        .fusion_class = op.fusion_class,
                        .flops = op.flops,
                        .bytes_written = port_bytes * op.ports},
                       reads, weight_bytes);
  if (op.weight != kNone && weights_[op.weight].port != kNone) {
    writer_.AddOperand(weights_[op.weight].port);
  }
  bool needs_gradient = op.weight != kNone;
  for (const PortId port : op.operands) needs_gradient |= needs_gradient_[port] != 0;
  Record record = {.op = id,
                   .first_port = writer_.num_ports(),
                   .ports = op.ports,
                   .operands = std::move(op.operands),
                   .constants = std::move(op.constants),
                   .weight = op.weight,
                   .saves_reads = op.saves_reads};
  for (int i = 0; i < op.ports; ++i) AddForwardPort(op.dims, needs_gradient);
  records_.push_back(std::move(record));
  return records_.back().first_port;
}

PortId TrainingTape::Matmul(std::string name, std::string_view scope, std::vector<PortId> operands,
                            WeightId weight, int64_t rows, int64_t inner, int64_t columns) {
  return Add({.name = std::move(name),
              .type = "matmul",
              .fusion_class = FusionClass::kContraction,
              .scope = scope,
              .flops = 2.0 * static_cast<double>(rows) * static_cast<double>(inner) *
                       static_cast<double>(columns),
              .dims = {rows, columns},
              .operands = std::move(operands),
              .constants = {},
              .weight = weight,
              .saves_reads = weight == kNone});
}

PortId TrainingTape::Elementwise(std::string name, std::string_view type, std::string_view scope,
                                 std::vector<PortId> operands) {
  const std::span<const int64_t> like = writer_.dims(operands[0]);
  std::vector<int64_t> dims(like.begin(), like.end());
  const double flops = static_cast<double>(Elements(dims)) * static_cast<double>(operands.size());
  return Add({.name = std::move(name),
              .type = type,
              .fusion_class = FusionClass::kElementwise,
              .scope = scope,
              .flops = flops,
              .dims = std::move(dims),
              .operands = std::move(operands),
              .constants = {}});
}

PortId TrainingTape::Sum(std::string name, std::string_view scope, std::vector<PortId> operands) {
  const std::span<const int64_t> like = writer_.dims(operands[0]);
  std::vector<int64_t> dims(like.begin(), like.end());
  const double flops = static_cast<double>(Elements(dims)) * static_cast<double>(operands.size());
  return Add({.name = std::move(name),
              .type = "add",
              .fusion_class = FusionClass::kElementwise,
              .scope = scope,
              .flops = flops,
              .dims = std::move(dims),
              .operands = std::move(operands),
              .constants = {},
              .saves_reads = false});
}

PortId TrainingTape::Embedding(std::string name, std::string_view scope, PortId ids,
                               WeightId weight, int64_t rows, int64_t columns, int ports) {
  return Add({.name = std::move(name),
              .type = "embedding",
              .fusion_class = FusionClass::kOpaque,
              .scope = scope,
              .dims = {rows / ports, columns},
              .operands = {},
              .constants = {ids},
              .weight = weight,
              .reads_rows = true,
              .ports = ports});
}

PortId TrainingTape::SoftmaxLoss(std::string name, std::string_view scope, PortId logits) {
  return Add({.name = std::move(name),
              .type = "cross_entropy",
              .fusion_class = FusionClass::kOpaque,
              .scope = scope,
              .flops = 5.0 * static_cast<double>(Elements(writer_.dims(logits))),
              .dims = {1},
              .operands = {logits},
              .constants = {}});
}

std::string TrainingTape::NameOf(OpId op, const char* suffix) const {
  const GraphColumns& columns = writer_.columns();
  return absl::StrCat(columns.strings[columns.op_name[op]], suffix);
}

GraphWriter::Op TrainingTape::BackwardOp(OpId forward, const char* suffix) const {
  const GraphColumns& columns = writer_.columns();
  return {.name = NameOf(forward, suffix),
          .type = columns.strings[columns.op_type[forward]],
          .scope = columns.strings[columns.op_scope[forward]],
          .phase = Phase::kBackward,
          .fusion_class = columns.op_fusion_class[forward],
          .forward_twin = forward,
          .flops = columns.op_flops[forward]};
}

PortId TrainingTape::AddPortLike(PortId port) {
  const std::span<const int64_t> like = writer_.dims(port);
  const std::vector<int64_t> dims(like.begin(), like.end());
  return writer_.AddPort(writer_.port_bytes(port), dims);
}

std::vector<PortId> TrainingTape::SumGradients(const Record& record) {
  std::vector<PortId> result;
  for (PortId port = record.first_port; port < record.first_port + record.ports; ++port) {
    std::vector<PortId> gradients;
    for (int32_t i = first_gradient_[port]; i != kNone; i = gradients_[i].next) {
      gradients.push_back(gradients_[i].gradient);
    }
    if (gradients.empty()) continue;
    if (gradients.size() == 1) {
      result.push_back(gradients[0]);
      continue;
    }
    std::reverse(gradients.begin(), gradients.end());  // In the order of their making.
    const std::string suffix =
        record.ports == 1 ? ".grad_sum" : absl::StrCat(".grad_sum", port - record.first_port);
    GraphWriter::Op op = BackwardOp(record.op, suffix.c_str());
    op.type = "add";
    op.fusion_class = FusionClass::kElementwise;
    op.flops = static_cast<double>(Elements(writer_.dims(port))) *
               static_cast<double>(gradients.size() - 1);
    op.bytes_written = writer_.port_bytes(port);
    Emit(std::move(op), std::move(gradients), 0);
    result.push_back(AddPortLike(port));
  }
  return result;
}

// One op makes the gradients of all operands.
void TrainingTape::PassGradients(const Record& record, const std::vector<PortId>& gradients) {
  std::vector<PortId> distinct = record.operands;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::erase_if(distinct, [this](PortId port) { return needs_gradient_[port] == 0; });
  if (distinct.empty()) return;
  GraphWriter::Op op = BackwardOp(record.op, ".grad");
  const bool is_product = op.fusion_class == FusionClass::kContraction && record.weight == kNone;
  if (is_product) op.flops *= static_cast<double>(distinct.size());
  op.bytes_written = 0;
  for (const PortId operand : distinct) {
    op.bytes_written = SaturatingAdd(op.bytes_written, writer_.port_bytes(operand));
  }
  std::vector<PortId> reads = gradients;
  if (record.saves_reads) {
    reads.insert(reads.end(), record.operands.begin(), record.operands.end());
    reads.insert(reads.end(), record.constants.begin(), record.constants.end());
  }
  const WeightId weight = record.weight;
  Emit(std::move(op), reads, weight == kNone ? 0 : weights_[weight].elements * kElementBytes);
  if (weight != kNone && weights_[weight].port != kNone) writer_.AddOperand(weights_[weight].port);
  for (const PortId operand : distinct) {
    const PortId gradient = AddPortLike(operand);
    gradients_.push_back({gradient, first_gradient_[operand]});
    first_gradient_[operand] = static_cast<int32_t>(gradients_.size()) - 1;
  }
}

void TrainingTape::AddWeightGradient(const Record& record, const std::vector<PortId>& gradients) {
  Weight& weight = weights_[record.weight];
  std::vector<PortId> reads = record.operands;
  reads.insert(reads.end(), record.constants.begin(), record.constants.end());
  reads.insert(reads.end(), gradients.begin(), gradients.end());
  GraphWriter::Op op = BackwardOp(record.op, ".weight_grad");
  op.bytes_written = weight.elements * kElementBytes;
  Emit(std::move(op), std::move(reads), 0);
  PortId gradient = writer_.AddPort(weight.elements * kElementBytes, {&weight.elements, 1});
  if (weight.gradient != kNone) {
    GraphWriter::Op sum = BackwardOp(record.op, ".weight_grad_sum");
    sum.type = "add";
    sum.fusion_class = FusionClass::kElementwise;
    sum.flops = static_cast<double>(weight.elements);
    sum.bytes_written = weight.elements * kElementBytes;
    Emit(std::move(sum), {weight.gradient, gradient}, 0);
    gradient = writer_.AddPort(weight.elements * kElementBytes, {&weight.elements, 1});
  }
  weight.gradient = gradient;
}

void TrainingTape::BackwardOf(const Record& record) {
  const bool is_loss = &record == &records_.back();
  std::vector<PortId> gradients = SumGradients(record);
  if (is_loss) gradients = {record.first_port};
  if (gradients.empty()) return;  // The loss does not depend on it.
  PassGradients(record, gradients);
  if (record.weight != kNone && options_.weight_gradients) AddWeightGradient(record, gradients);
}

void TrainingTape::Backward() {
  first_gradient_.assign(writer_.num_ports(), kNone);
  for (auto record = records_.rbegin(); record != records_.rend(); ++record) BackwardOf(*record);
}

void TrainingTape::AddOptimizer() {
  for (const Weight& weight : weights_) {
    if (weight.gradient == kNone) continue;
    const int64_t bytes = weight.elements * kElementBytes;
    const int64_t state = bytes * options_.optimizer_copies;
    Emit({.name = absl::StrCat(weight.name, ".update"),
          .type = "optimizer",
          .scope = weight.scope,
          .phase = Phase::kOptimizer,
          .flops = kOptimizerFlops * static_cast<double>(weight.elements),
          .bytes_written = bytes + state},
         {weight.port, weight.gradient}, state);
  }
}

void TrainingTape::AddOutputs(PortId loss) {
  std::vector<PortId> kept = {loss};
  for (const Weight& weight : weights_) {
    if (!HasOptimizer() && weight.gradient != kNone) kept.push_back(weight.gradient);
  }
  writer_.AddOp(
      {.name = "output", .type = "output", .kind = OpKind::kOutput, .phase = Phase::kUnspecified},
      kept);
}

std::vector<Nanoseconds> TrainingTape::Times() const {
  const GraphColumns& columns = writer_.columns();
  Random random(options_.seed);
  std::vector<Nanoseconds> time(writer_.num_ops(), -1);
  for (OpId op = 0; op < writer_.num_ops(); ++op) {
    if (columns.op_kind[op] != OpKind::kCompute) continue;
    const double bytes = static_cast<double>(columns.op_bytes_read[op]) +
                         static_cast<double>(columns.op_bytes_written[op]);
    const double work = std::max(columns.op_flops[op] / kDeviceFlops, bytes / kDeviceBandwidth);
    time[op] = SaturatingCeil((kDeviceLaunch + work * 1e9) * RandomFactor(random, options_.spread));
  }
  return time;
}

absl::StatusOr<std::shared_ptr<const Graph>> TrainingTape::Finish(std::vector<PortId> losses) && {
  const double count = static_cast<double>(losses.size());
  const PortId loss = Add({.name = "loss",
                           .type = "sum",
                           .fusion_class = FusionClass::kReduction,
                           .scope = "loss",
                           .flops = count,
                           .dims = {1},
                           .operands = std::move(losses),
                           .constants = {},
                           .saves_reads = false});
  if (options_.backward) Backward();
  if (HasOptimizer()) AddOptimizer();
  AddOutputs(loss);
  std::vector<Nanoseconds> times = Times();
  return std::move(writer_).Finish(std::move(times));
}

}  // namespace gopt
