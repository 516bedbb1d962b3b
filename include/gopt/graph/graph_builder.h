#ifndef GOPT_GRAPH_GRAPH_BUILDER_H_
#define GOPT_GRAPH_GRAPH_BUILDER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/graph/graph.h"

namespace gopt {

struct OpOptions {
  std::string name;  // Unique within the graph.
  std::string type;  // Canonical: "matmul".
  std::string native;
  std::string scope;
  OpKind kind = OpKind::kCompute;
  Phase phase = Phase::kForward;
  FusionClass fusion_class = FusionClass::kOpaque;
  OpId forward_twin = kNone;  // Builder's id.
  int32_t colocation = kNone;
  double flops = -1.0;      // Negative: unknown.
  int64_t bytes_read = -1;  // -1: unknown; then the distinct operand ports' bytes.
  int64_t bytes_written = -1;
  int64_t scratch_bytes = 0;
  bool side_effect = false;
};

struct PortOptions {
  int64_t bytes = 0;
  DType dtype = DType::kFloat32;
  std::vector<int64_t> dims;
  PortId share_storage_with = kNone;  // A port of the same op, for slices.
  int64_t storage_bytes = -1;         // Of a new storage; -1: the port's bytes.
  bool persistent = false;
  int optimizer_copies = 0;
};

// Makes graphs by hand and in importers. Ids handed out are the builder's own: ops may be added in
// any order and edges may point anywhere; Build() sorts topologically (by builder id where free)
// and groups ports by op. Ids that do not exist are reported by Build(), not here.
class GOPT_API GraphBuilder {
 public:
  explicit GraphBuilder(std::string name = "", std::string source = "");

  OpId AddOp(OpOptions options);
  PortId AddPort(OpId op, PortOptions options);
  void AddOperands(OpId reader, std::span<const PortId> ports);
  void AddControls(OpId reader, std::span<const OpId> sources);
  // durations: one per builder op id; shorter tables are padded with -1.
  void AddCostTable(std::string source, std::string device_kind, std::vector<Nanoseconds> duration);
  void SetMetadata(std::string key, std::string value);
  // Source nodes that the op stands for.
  void SetUngroup(OpId op, std::vector<std::string> names);
  void SetAttributes(std::string attributes);

  int num_ops() const { return static_cast<int>(ops_.size()); }

  // The graph and where each builder op went. InvalidArgument as Graph::Create; a cycle is printed
  // as one of the shortest: "cycle: 'a' -> 'b' -> 'a'".
  absl::StatusOr<std::shared_ptr<const Graph>> Build(std::vector<OpId>* op_of_builder_id = nullptr,
                                                     const GraphLimits& limits = {}) const;

 private:
  struct Port {
    OpId op;
    PortOptions options;
  };

  bool HasOp(OpId op, const char* call);
  std::string Describe(OpId op) const;
  absl::Status CheckIds() const;
  absl::StatusOr<std::vector<OpId>> SortedOps() const;
  GraphColumns ToColumns(const std::vector<OpId>& order, const std::vector<OpId>& new_id) const;
  static void AddPortColumns(const PortOptions& port, const std::vector<PortId>& new_port,
                             GraphColumns* c);

  std::string name_, source_;
  std::vector<OpOptions> ops_;
  std::vector<Port> ports_;
  std::vector<std::vector<PortId>> operands_;
  std::vector<std::vector<OpId>> controls_;
  std::vector<CostTable> costs_;
  std::vector<std::vector<std::string>> ungroup_;
  std::map<std::string, std::string> metadata_;
  std::string attributes_;
  absl::Status status_;  // The first call with an id that does not exist.
};

}  // namespace gopt

#endif  // GOPT_GRAPH_GRAPH_BUILDER_H_
