#ifndef GOPT_IO_PLAN_FILE_H_
#define GOPT_IO_PLAN_FILE_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

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

// The graph must be the one the plan was made for: FailedPrecondition when fingerprints differ.
GOPT_API std::string PlanToText(const PlanFile& file);
GOPT_API absl::StatusOr<PlanFile> PlanFromText(std::string_view text,
                                               std::shared_ptr<const Graph> graph,
                                               std::string_view source = "<text>");
// .txtpb is text, everything else the container.
GOPT_API absl::Status WritePlanFile(const PlanFile& file, const std::string& path);
GOPT_API absl::StatusOr<PlanFile> ReadPlanFile(const std::string& path,
                                               std::shared_ptr<const Graph> graph);

// Constraints as text proto (ConstraintsProto); op ids and device ids must exist.
GOPT_API std::string ConstraintsToText(const Constraints& constraints);
GOPT_API absl::StatusOr<Constraints> ConstraintsFromText(std::string_view text, const Graph& graph,
                                                         std::string_view source = "<text>");
GOPT_API absl::StatusOr<Constraints> ReadConstraintsFile(const std::string& path,
                                                         const Graph& graph);

}  // namespace gopt

#endif  // GOPT_IO_PLAN_FILE_H_
