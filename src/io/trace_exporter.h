#ifndef GOPT_SRC_IO_TRACE_EXPORTER_H_
#define GOPT_SRC_IO_TRACE_EXPORTER_H_

#include <string>

#include "gopt/io/exporter.h"

namespace gopt {

// Chrome's trace event format, which Perfetto and chrome://tracing open: one process for the
// machine, a track per device and per channel in use, an arrow from the kernel that makes a tensor
// over its channels to the first kernel that reads it, a counter of live bytes per device.
// docs/formats/exports.md has the fields.
class TraceExporter final : public Exporter {
 public:
  std::string name() const override { return "trace"; }
  std::string file_extension() const override { return ".json"; }
  // Needs a report with its timeline.
  absl::StatusOr<std::string> Export(const ExportRequest& request) const override;
};

}  // namespace gopt

#endif  // GOPT_SRC_IO_TRACE_EXPORTER_H_
