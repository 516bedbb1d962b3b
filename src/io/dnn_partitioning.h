#ifndef GOPT_SRC_IO_DNN_PARTITIONING_H_
#define GOPT_SRC_IO_DNN_PARTITIONING_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/io/importer.h"

namespace gopt {

// An input of the experiments of Tarnawski et al. (NeurIPS 2020) as the file states it;
// docs/formats/dnn_partitioning.md.
struct DnnPartitioningGraph {
  struct Node {
    std::string name;
    int64_t id = -1;
    bool on_accelerator = true;
    bool backward = false;
    double cpu_ms = 0.0, accelerator_ms = 0.0;
    int64_t color = -1;  // Nodes of one share a device; -1: none.
    double bytes = 0.0;  // Weights and activations.
  };
  struct Edge {
    int64_t from = -1, to = -1;  // Ids of nodes.
    double cost = 0.0;           // Milliseconds, or, by a slip of the source, seconds.
    double bytes = -1.0;         // -1: not stated.
  };
  double accelerator_bytes = -1.0;
  int64_t accelerators = -1, cpus = -1;
  std::vector<Node> nodes;
  std::vector<Edge> edges;
};

// Devices that an expert gave to nodes, by id.
struct DnnPartitioningSplit {
  std::vector<std::vector<int64_t>> accelerators, cpus;
};

struct DnnPartitioningOptions {
  std::string expert;     // A file with a split by an expert; empty: none.
  bool unlinked = false;  // Read training graphs whose backward nodes await no forward node, too.
  bool memory = true;     // Weights as PARAMETER ops; without, nodes keep only what they give.
};

// Memory is that of the result; InvalidArgument names the field and the entry: "nodes[3].size".
GOPT_API absl::StatusOr<DnnPartitioningGraph> ParseDnnPartitioning(std::string_view text,
                                                                   const GraphLimits& limits);
GOPT_API absl::StatusOr<DnnPartitioningSplit> ParseDnnPartitioningSplit(std::string_view text,
                                                                        const GraphLimits& limits);

// `split` may be null.
GOPT_API absl::StatusOr<Imported> ImportDnnPartitioning(const DnnPartitioningGraph& graph,
                                                        const DnnPartitioningSplit* split,
                                                        const std::string& name,
                                                        const DnnPartitioningOptions& options,
                                                        const GraphLimits& limits);

// From the bytes of a file, without a split. `source` names it in messages.
GOPT_API absl::StatusOr<Imported> ImportDnnPartitioningText(
    std::string_view text, std::string_view source, const DnnPartitioningOptions& options = {},
    const GraphLimits& limits = {});

class DnnPartitioningImporter final : public Importer {
 public:
  explicit DnnPartitioningImporter(DnnPartitioningOptions options = {})
      : options_(std::move(options)) {}

  std::string name() const override { return "dnn_partitioning"; }
  bool Recognizes(std::string_view path, std::string_view first_bytes) const override;
  absl::StatusOr<Imported> Import(const std::string& path,
                                  const GraphLimits& limits) const override;

 private:
  DnnPartitioningOptions options_;
};

}  // namespace gopt

#endif  // GOPT_SRC_IO_DNN_PARTITIONING_H_
