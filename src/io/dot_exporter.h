#ifndef GOPT_SRC_IO_DOT_EXPORTER_H_
#define GOPT_SRC_IO_DOT_EXPORTER_H_

#include <string>

#include "gopt/io/exporter.h"

namespace gopt {

struct DotOptions {
  // Above this many ops a node is a scope on a device instead: the deepest cut of the scopes' paths
  // that leaves at most this many. Graphviz takes minutes for more than a few thousand.
  int max_nodes = 2000;
};

// Graphviz: ops as boxes in their device's colour, fused kernels as clusters, tensors as edges.
// Works without a plan, then without colours and clusters.
class DotExporter final : public Exporter {
 public:
  explicit DotExporter(DotOptions options = {}) : options_(options) {}

  std::string name() const override { return "dot"; }
  std::string file_extension() const override { return ".dot"; }
  absl::StatusOr<std::string> Export(const ExportRequest& request) const override;

 private:
  const DotOptions options_;
};

}  // namespace gopt

#endif  // GOPT_SRC_IO_DOT_EXPORTER_H_
