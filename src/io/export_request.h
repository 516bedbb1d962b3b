#ifndef GOPT_SRC_IO_EXPORT_REQUEST_H_
#define GOPT_SRC_IO_EXPORT_REQUEST_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gopt/io/exporter.h"

namespace gopt {

// InvalidArgument unless problem, plan and report are about the same graph and machine: sizes,
// devices and spans agree. What an exporter needs beyond the problem it asks for itself.
absl::Status CheckRequest(const ExportRequest& request);

// FailedPrecondition "<exporter> needs a plan" / "... a report with its timeline".
absl::Status NeedPlan(const ExportRequest& request, const std::string& exporter);
absl::Status NeedTimeline(const ExportRequest& request, const std::string& exporter);

// The op's name, or "name +n" for a kernel of n more.
std::string KernelLabel(const Kernels& kernels, KernelId kernel);

// The device of the op's first kernel, or of a parameter's home; kNone for ops that run nowhere.
std::vector<DeviceId> DeviceOfOps(const Graph& graph, const Plan& plan);

}  // namespace gopt

#endif  // GOPT_SRC_IO_EXPORT_REQUEST_H_
