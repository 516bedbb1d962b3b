#ifndef GOPT_SRC_IO_PLAN_PROTO_H_
#define GOPT_SRC_IO_PLAN_PROTO_H_

#include <memory>

#include "absl/status/statusor.h"
#include "gopt/cost/cost_report.h"
#include "gopt/io/plan_file.h"
#include "gopt/v1/plan.pb.h"

namespace gopt {

v1::PlanProto ToProto(const PlanFile& file);

// FailedPrecondition when the graph is not the one the plan was made for; InvalidArgument names the
// field and the kernel. Legality is ValidatePlan's to check.
absl::StatusOr<PlanFile> PlanFromProto(const v1::PlanProto& proto,
                                       std::shared_ptr<const Graph> graph);

v1::CostReportProto ToProto(const CostReport& report);
absl::StatusOr<CostReport> CostReportFromProto(const v1::CostReportProto& proto);

}  // namespace gopt

#endif  // GOPT_SRC_IO_PLAN_PROTO_H_
