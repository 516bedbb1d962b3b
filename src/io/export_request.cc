#include "src/io/export_request.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/plan/validate.h"

namespace gopt {
namespace {

absl::Status Mismatch(const char* what) {
  return absl::InvalidArgumentError(absl::StrCat("export: ", what));
}

absl::Status CheckPlan(const Problem& problem, const Plan& plan) {
  if (plan.kernels == nullptr) return Mismatch("the plan has no kernels");
  if (&plan.kernels->graph() != &problem.graph() &&
      plan.kernels->graph().fingerprint() != problem.graph().fingerprint()) {
    return Mismatch("the plan is for another graph");
  }
  const size_t kernels = static_cast<size_t>(plan.kernels->size());
  if (plan.device.size() != kernels || plan.rank.size() != kernels) {
    return Mismatch("the plan's devices or ranks are not one per kernel");
  }
  for (DeviceId device : plan.device) {
    if (device < 0 || device >= problem.machine().num_devices()) {
      return Mismatch("the plan uses a device that the machine does not have");
    }
  }
  const size_t homes = plan.parameter_home.size();
  if (homes != 0 && homes != problem.graph().parameters().size()) {
    return Mismatch("the plan's homes are not one per parameter");
  }
  return absl::OkStatus();
}

absl::Status CheckReport(const Problem& problem, const Plan& plan, const CostReport& report) {
  const int kernels = plan.kernels->size();
  const auto is_kernel = [&](KernelId k) { return k >= 0 && k < kernels; };
  const auto is_device = [&](DeviceId d) { return d >= 0 && d < problem.machine().num_devices(); };
  for (size_t k = 0; k < report.kernel_spans.size(); ++k) {
    const KernelSpan& span = report.kernel_spans[k];
    if (!is_kernel(span.kernel) || span.kernel != static_cast<KernelId>(k) ||
        !is_device(span.device)) {
      return Mismatch("the report's kernels are not the plan's");
    }
  }
  for (const TransferSpan& span : report.transfer_spans) {
    const bool port = span.port >= 0 && span.port < problem.graph().num_ports();
    const bool producer = span.producer == kNone || is_kernel(span.producer);
    if (!port || !producer || !is_device(span.from) || !is_device(span.to)) {
      return Mismatch("the report's transfers are not the plan's");
    }
  }
  if (report.memory_samples.size() > static_cast<size_t>(problem.machine().num_devices())) {
    return Mismatch("the report has more devices than the machine");
  }
  for (const CriticalStep& step : report.critical_chain) {
    if (!is_kernel(step.kernel)) return Mismatch("the critical chain's kernels are not the plan's");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckRequest(const ExportRequest& request) {
  if (request.problem == nullptr) return Mismatch("the request has no problem");
  if (request.plan == nullptr) return absl::OkStatus();
  GOPT_RETURN_IF_ERROR(CheckPlan(*request.problem, *request.plan));
  if (request.report == nullptr) return absl::OkStatus();
  return CheckReport(*request.problem, *request.plan, *request.report);
}

absl::Status NeedPlan(const ExportRequest& request, const std::string& exporter) {
  if (request.plan != nullptr) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(exporter, " needs a plan"));
}

absl::Status NeedTimeline(const ExportRequest& request, const std::string& exporter) {
  GOPT_RETURN_IF_ERROR(NeedPlan(request, exporter));
  if (request.report != nullptr &&
      request.report->kernel_spans.size() == static_cast<size_t>(request.plan->kernels->size())) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(exporter, " needs a report with its timeline"));
}

std::string KernelLabel(const Kernels& kernels, KernelId kernel) {
  const auto ops = kernels.ops(kernel);
  if (ops.empty()) return absl::StrCat("kernel ", kernel);
  std::string label(kernels.graph().op_name(ops[0]));
  if (ops.size() > 1) absl::StrAppend(&label, " +", ops.size() - 1);
  return label;
}

std::vector<DeviceId> DeviceOfOps(const Graph& graph, const Plan& plan) {
  std::vector<DeviceId> device(static_cast<size_t>(graph.num_ops()), kNone);
  for (OpId op : graph.kernel_ops()) {
    const KernelId kernel = plan.kernels->kernel_of(op);
    if (kernel != kNone) device[op] = plan.device[kernel];
  }
  const std::vector<DeviceId> homes = ParameterHomes(graph, plan);
  for (size_t p = 0; p < homes.size(); ++p) device[graph.parameters()[p]] = homes[p];
  return device;
}

}  // namespace gopt
