#ifndef GOPT_IO_EXPORTER_H_
#define GOPT_IO_EXPORTER_H_

#include <string>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/registry.h"
#include "gopt/cost/cost_report.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt {

// What an exporter may draw on. The report carries its timeline.
struct ExportRequest {
  const Problem* problem = nullptr;    // Required.
  const Plan* plan = nullptr;          // Null: the graph alone, where the exporter can.
  const CostReport* report = nullptr;  // Null: no times.
};

// Turns a plan into another tool's file. Thread-safe.
class GOPT_API Exporter {
 public:
  virtual ~Exporter() = default;
  virtual std::string name() const = 0;
  virtual std::string file_extension() const = 0;  // ".json"
  // The file's bytes. FailedPrecondition when the request lacks what this exporter needs.
  virtual absl::StatusOr<std::string> Export(const ExportRequest& request) const = 0;
};

// Registered exporters: "trace" (Chrome and Perfetto), "dot", "model_explorer",
// "model_explorer_data".
GOPT_API Registry<Exporter>& Exporters();

}  // namespace gopt

#endif  // GOPT_IO_EXPORTER_H_
