#ifndef GOPT_IO_PLAN_FILE_H_
#define GOPT_IO_PLAN_FILE_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/cost/cost_report.h"
#include "gopt/graph/graph.h"
#include "gopt/machine/machine.h"
#include "gopt/plan/constraints.h"
#include "gopt/plan/plan.h"

namespace gopt {

// A plan with what is needed to check and apply it elsewhere.
struct PlanFile {
  Plan plan;
  uint64_t graph_fingerprint = 0;
  std::optional<Machine> machine;      // The machine it was made for.
  std::optional<CostReport> expected;  // What its maker priced it at.
  Nanoseconds lower_bound = 0;         // 0: unknown.
};

// The graph must be the one the plan was made for: FailedPrecondition when fingerprints differ
// (that of the plan's own graph is what is written). `expected` is kept without its timeline, which
// pricing the plan again gives back. Devices are checked against the machine, if there is one;
// legality is ValidatePlan's.
GOPT_API std::string PlanToText(const PlanFile& file);
GOPT_API absl::StatusOr<PlanFile> PlanFromText(std::string_view text,
                                               std::shared_ptr<const Graph> graph,
                                               std::string_view source = "<text>");

// The container, as for graphs: cut and flipped bytes are always detected; warnings about a newer
// minor version go to `warnings`, or to stderr.
GOPT_API std::string SerializePlan(const PlanFile& file);
GOPT_API absl::StatusOr<PlanFile> DeserializePlan(std::string_view bytes,
                                                  std::shared_ptr<const Graph> graph,
                                                  std::string_view source = "<bytes>",
                                                  std::vector<std::string>* warnings = nullptr);

// .txtpb is text, everything else the container. Writing is atomic.
GOPT_API absl::Status WritePlanFile(const PlanFile& file, const std::string& path);
GOPT_API absl::StatusOr<PlanFile> ReadPlanFile(const std::string& path,
                                               std::shared_ptr<const Graph> graph,
                                               std::vector<std::string>* warnings = nullptr);

// Constraints as text proto (ConstraintsProto). Ops are given by id or by name and must exist;
// whether devices do is for Problem::Create to say. InvalidArgument names the rule: "pin 2: 'mlp'
// has no op named 'conv9'".
GOPT_API std::string ConstraintsToText(const Constraints& constraints);
GOPT_API absl::StatusOr<Constraints> ConstraintsFromText(std::string_view text, const Graph& graph,
                                                         std::string_view source = "<text>");
GOPT_API absl::StatusOr<Constraints> ReadConstraintsFile(const std::string& path,
                                                         const Graph& graph);

}  // namespace gopt

#endif  // GOPT_IO_PLAN_FILE_H_
