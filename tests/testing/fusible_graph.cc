#include "tests/testing/fusible_graph.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gopt/base/check.h"
#include "gopt/graph/graph_builder.h"

namespace gopt::testing {
namespace {

class FusibleGraphMaker {
 public:
  FusibleGraphMaker(Random& random, const FusibleGraphOptions& options)
      : random_(random), options_(options) {}

  std::shared_ptr<const Graph> Make() {
    for (int i = 0; i < 2; ++i) AddSource(i == 0 ? OpKind::kInput : OpKind::kParameter);
    const int64_t num_ops = 1 + random_.Below(options_.max_ops);
    for (int64_t i = 0; i < num_ops; ++i) AddCompute(2 * i > num_ops);
    if (Chance(0.5)) AddOutput();
    auto graph = builder_.Build();
    GOPT_CHECK(graph.ok());
    return *std::move(graph);
  }

 private:
  bool Chance(double probability) { return random_.Uniform() < probability; }
  std::string Name() const { return "op" + std::to_string(builder_.num_ops()); }

  PortOptions Port(std::vector<int64_t> dims) {
    PortOptions port = {.bytes = 4, .dims = std::move(dims)};
    for (const int64_t dim : port.dims) port.bytes *= dim;
    return port;
  }
  std::vector<int64_t> Shape() {
    return Chance(0.85) ? std::vector<int64_t>{8, 4} : std::vector<int64_t>{4, 16};
  }

  void AddSource(OpKind kind) {
    const OpId op = builder_.AddOp({.name = Name(), .type = "source", .kind = kind});
    PortOptions port = Port(Shape());
    port.persistent = kind == OpKind::kParameter;
    ports_.push_back(builder_.AddPort(op, port));
    ops_.push_back(op);
  }

  FusionClass Class() {
    const double kind = random_.Uniform();
    if (kind < 0.55) return FusionClass::kElementwise;
    if (kind < 0.65) return FusionClass::kBroadcast;
    if (kind < 0.76) return FusionClass::kReduction;
    if (kind < 0.87) return FusionClass::kContraction;
    if (kind < 0.95) return FusionClass::kDataMovement;
    return FusionClass::kOpaque;
  }

  void AddCompute(bool backward) {
    const FusionClass fusion_class = Class();
    const OpId op = builder_.AddOp({.name = Name(),
                                    .type = "op",
                                    .kind = Chance(0.02) ? OpKind::kCollective : OpKind::kCompute,
                                    .phase = backward ? Phase::kBackward : Phase::kForward,
                                    .fusion_class = fusion_class,
                                    .flops = static_cast<double>(random_.Below(20)),
                                    .bytes_read = Chance(0.8) ? -1 : random_.Below(200),
                                    .bytes_written = Chance(0.8) ? -1 : random_.Below(200),
                                    .side_effect = Chance(0.02)});
    std::vector<PortId> reads;
    const int64_t operands = fusion_class == FusionClass::kDataMovement ? 1 : 1 + random_.Below(3);
    for (int64_t i = 0; i < operands; ++i) reads.push_back(NearPort());
    builder_.AddOperands(op, reads);
    if (Chance(options_.controls)) {
      const OpId source = ops_[random_.Below(static_cast<int64_t>(ops_.size()))];
      builder_.AddControls(op, std::vector<OpId>{source});
    }
    const int64_t num_ports = Chance(0.9) ? 1 : random_.Below(4);
    for (int64_t i = 0; i < num_ports; ++i) {
      std::vector<int64_t> dims = Shape();
      if (fusion_class == FusionClass::kReduction && Chance(0.6)) dims.back() = 1;
      ports_.push_back(builder_.AddPort(op, Port(dims)));
    }
    ops_.push_back(op);
  }

  PortId NearPort() {
    const auto near = std::min<int64_t>(options_.window, static_cast<int64_t>(ports_.size()));
    return ports_[ports_.size() - 1 - static_cast<size_t>(random_.Below(near))];
  }

  void AddOutput() {
    const OpId op = builder_.AddOp({.name = Name(), .type = "output", .kind = OpKind::kOutput});
    builder_.AddOperands(op, std::vector<PortId>{NearPort(), NearPort()});
  }

  Random& random_;
  const FusibleGraphOptions options_;
  GraphBuilder builder_;
  std::vector<PortId> ports_;
  std::vector<OpId> ops_;
};

}  // namespace

std::shared_ptr<const Graph> RandomFusibleGraph(Random& random,
                                                const FusibleGraphOptions& options) {
  return FusibleGraphMaker(random, options).Make();
}

}  // namespace gopt::testing
