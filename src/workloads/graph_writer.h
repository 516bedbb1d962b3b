#ifndef GOPT_SRC_WORKLOADS_GRAPH_WRITER_H_
#define GOPT_SRC_WORKLOADS_GRAPH_WRITER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "gopt/base/types.h"
#include "gopt/graph/graph.h"

namespace gopt {

// Fills a graph's columns op by op, in topological order: several times faster and smaller than
// GraphBuilder, which keeps a record of each op until it has sorted them.
class GraphWriter {
 public:
  struct Op {
    std::string name;  // Unique; not checked before Finish().
    std::string type;
    std::string scope = {};
    OpKind kind = OpKind::kCompute;
    Phase phase = Phase::kForward;
    FusionClass fusion_class = FusionClass::kOpaque;
    OpId forward_twin = kNone;
    double flops = 0.0;
    int64_t bytes_read = -1;
    int64_t bytes_written = -1;
  };

  explicit GraphWriter(std::string name);

  OpId AddOp(Op op, std::span<const PortId> operands);
  // One more operand of the op added last.
  void AddOperand(PortId port) {
    ++columns_.op_num_operands.back();
    columns_.operand_port.push_back(port);
  }
  // Of the op added last, in a storage of its own. float32 where dims are given.
  PortId AddPort(int64_t bytes, std::span<const int64_t> dims = {});
  // The port added last is a parameter's.
  void MakePersistent(int optimizer_copies);
  void SetMetadata(std::string key, std::string value);

  int num_ops() const { return static_cast<int>(columns_.op_kind.size()); }
  int num_ports() const { return static_cast<int>(columns_.port_bytes.size()); }
  int64_t port_bytes(PortId port) const { return columns_.port_bytes[port]; }
  std::span<const int64_t> dims(PortId port) const {
    return {columns_.port_dims.data() + dim_begin_[port], columns_.port_rank[port]};
  }
  const GraphColumns& columns() const { return columns_; }

  // For costs that are drawn when all ops are there.
  void SetFlops(OpId op, double flops) { columns_.op_flops[op] = flops; }
  void SetPortBytes(PortId port, int64_t bytes);

  // Validates. `duration`: per op, for devices of kind "device".
  absl::StatusOr<std::shared_ptr<const Graph>> Finish(std::vector<Nanoseconds> duration) &&;

 private:
  uint32_t Append(std::string text);       // A text that no other op has.
  uint32_t Intern(std::string_view text);  // One that many have.

  GraphColumns columns_;
  std::vector<size_t> dim_begin_;  // Per port.
  absl::flat_hash_map<std::string, uint32_t> interned_;
};

}  // namespace gopt

#endif  // GOPT_SRC_WORKLOADS_GRAPH_WRITER_H_
