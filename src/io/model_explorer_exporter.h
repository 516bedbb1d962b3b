#ifndef GOPT_SRC_IO_MODEL_EXPLORER_EXPORTER_H_
#define GOPT_SRC_IO_MODEL_EXPLORER_EXPORTER_H_

#include <string>

#include "gopt/io/exporter.h"

namespace gopt {

// Google's Model Explorer opens this as a graph: a node per op, nested by scope, coloured by device
// where there is a plan. (Schema: GraphCollection of google-ai-edge/model-explorer.)
class ModelExplorerExporter final : public Exporter {
 public:
  std::string name() const override { return "model_explorer"; }
  std::string file_extension() const override { return ".json"; }
  absl::StatusOr<std::string> Export(const ExportRequest& request) const override;
};

// What Model Explorer shows on the nodes of that graph ("custom node data").
class ModelExplorerDataExporter final : public Exporter {
 public:
  enum class Value {
    kTime,    // Nanoseconds of the op's kernel, as a gradient; needs a report with its timeline.
    kStart,   // Nanoseconds at which it starts; likewise.
    kDevice,  // The device's name, in its colour; needs a plan.
  };
  explicit ModelExplorerDataExporter(Value value) : value_(value) {}

  std::string name() const override { return "model_explorer_data"; }
  std::string file_extension() const override { return ".json"; }
  absl::StatusOr<std::string> Export(const ExportRequest& request) const override;

 private:
  const Value value_;
};

}  // namespace gopt

#endif  // GOPT_SRC_IO_MODEL_EXPLORER_EXPORTER_H_
