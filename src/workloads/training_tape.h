#ifndef GOPT_SRC_WORKLOADS_TRAINING_TAPE_H_
#define GOPT_SRC_WORKLOADS_TRAINING_TAPE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/graph/graph.h"
#include "gopt/workloads/synthetic.h"
#include "src/workloads/graph_writer.h"

namespace gopt {

absl::Status CheckGridOptions(std::string_view family, const GridOptions& options);

// Records a model's forward ops and appends what training adds to them: gradients in reverse order,
// sums of gradients, optimizer ops, outputs. All tensors are float32.
class TrainingTape {
 public:
  using WeightId = int32_t;

  struct ForwardOp {
    std::string name;
    std::string_view type;
    FusionClass fusion_class;
    std::string_view scope;
    double flops = 0.0;
    std::vector<int64_t> dims;      // Of each of its ports.
    std::vector<PortId> operands;   // Get a gradient each.
    std::vector<PortId> constants;  // Read after the operands; no gradient goes back to them.
    WeightId weight = kNone;
    bool reads_rows = false;  // Of the weight, as many as it writes: an embedding.
    bool saves_reads = true;  // Its gradient op reads what it read; a sum's does not.
    int ports = 1;
  };

  TrainingTape(std::string name, const GridOptions& options);

  WeightId AddWeight(std::string name, std::string_view scope, int64_t elements);
  // An INPUT, which is everywhere.
  PortId AddInput(std::string name, std::vector<int64_t> dims);
  // The first of its ports; they have consecutive ids.
  PortId Add(ForwardOp op);

  // [rows, inner] x [inner, columns] -> [rows, columns]; several operands are read side by side.
  PortId Matmul(std::string name, std::string_view scope, std::vector<PortId> operands,
                WeightId weight, int64_t rows, int64_t inner, int64_t columns);
  // Of the shape of the first operand.
  PortId Elementwise(std::string name, std::string_view type, std::string_view scope,
                     std::vector<PortId> operands);
  // A sum of tensors of one shape.
  PortId Sum(std::string name, std::string_view scope, std::vector<PortId> operands);
  // Each of `rows` rows of the weight's `columns`, in `ports` equal parts.
  PortId Embedding(std::string name, std::string_view scope, PortId ids, WeightId weight,
                   int64_t rows, int64_t columns, int ports);
  // Mean cross entropy of [rows, classes]: a number.
  PortId SoftmaxLoss(std::string name, std::string_view scope, PortId logits);

  // Differentiates the sum of the losses. Nothing may be added afterwards.
  absl::StatusOr<std::shared_ptr<const Graph>> Finish(std::vector<PortId> losses) &&;

 private:
  struct Weight {
    std::string name, scope;
    int64_t elements;
    PortId port = kNone;      // With options.parameters.
    PortId gradient = kNone;  // The sum so far.
  };
  struct Record {  // A forward op and its id.
    OpId op;
    PortId first_port;
    int ports;
    std::vector<PortId> operands, constants;
    WeightId weight;
    bool saves_reads;
  };
  struct Gradient {  // One of a port's, linked.
    PortId gradient;
    int32_t next;
  };

  bool HasOptimizer() const {
    return options_.backward && options_.weight_gradients && options_.parameters &&
           options_.optimizer;
  }
  OpId Emit(GraphWriter::Op op, std::vector<PortId> operands, int64_t weight_bytes_read);
  PortId AddForwardPort(std::span<const int64_t> dims, bool needs_gradient);
  PortId AddPortLike(PortId port);
  std::string NameOf(OpId op, const char* suffix) const;
  GraphWriter::Op BackwardOp(OpId forward, const char* suffix) const;
  void Backward();
  void BackwardOf(const Record& record);
  // Of each of the op's ports that has a gradient, summed over its readers.
  std::vector<PortId> SumGradients(const Record& record);
  void PassGradients(const Record& record, const std::vector<PortId>& gradients);
  void AddWeightGradient(const Record& record, const std::vector<PortId>& gradients);
  void AddOptimizer();
  void AddOutputs(PortId loss);
  std::vector<Nanoseconds> Times() const;

  GridOptions options_;
  GraphWriter writer_;
  std::vector<Weight> weights_;
  std::vector<Record> records_;
  std::vector<uint8_t> needs_gradient_;  // Per port of forward ops: some weight is behind it.
  std::vector<int32_t> first_gradient_;  // Of each of them, into gradients_.
  std::vector<Gradient> gradients_;
};

}  // namespace gopt

#endif  // GOPT_SRC_WORKLOADS_TRAINING_TAPE_H_
