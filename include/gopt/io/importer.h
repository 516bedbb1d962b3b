#ifndef GOPT_IO_IMPORTER_H_
#define GOPT_IO_IMPORTER_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/registry.h"
#include "gopt/graph/graph.h"
#include "gopt/machine/machine.h"

namespace gopt {

// What a file of another tool held.
struct Imported {
  std::shared_ptr<const Graph> graph;
  std::optional<Machine> machine;          // Of formats that carry one, or options that make one.
  std::vector<DeviceId> expert_placement;  // Per op; empty where unknown.
  std::map<std::string, double> figures;   // Reference values the file states, by their name there.
};

// Reads one foreign format. Thread-safe.
class GOPT_API Importer {
 public:
  virtual ~Importer() = default;
  virtual std::string name() const = 0;
  // A guess from the path and the first bytes.
  virtual bool Recognizes(std::string_view path, std::string_view first_bytes) const = 0;
  // InvalidArgument names the file, the op and the rule.
  virtual absl::StatusOr<Imported> Import(const std::string& path,
                                          const GraphLimits& limits) const = 0;
};

// Registered importers: "gopt" (our own files), "schedule_json" (scheduling problems as JSON),
// "pipedream" and "dnn_partitioning" (profiles and inputs of those projects).
GOPT_API Registry<Importer>& Importers();

// With the importer that `spec` names: "pipedream(training=false)"; if it is empty, asks the
// importers in order of name whose file it is. NotFound or InvalidArgument.
GOPT_API absl::StatusOr<Imported> ImportFile(const std::string& path,
                                             const GraphLimits& limits = {},
                                             std::string_view spec = {});

}  // namespace gopt

#endif  // GOPT_IO_IMPORTER_H_
