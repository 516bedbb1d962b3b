#include "gopt/features/feature_context.h"

#include <cmath>
#include <span>
#include <string>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"

namespace gopt {
namespace {

absl::Status CheckSize(const std::string& field, size_t size, int64_t expected, const char* unit) {
  if (static_cast<int64_t>(size) == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("feature context: ", field, ": ", size, " values for ", expected, " ", unit));
}

absl::Status CheckTimes(const std::string& field, std::span<const Nanoseconds> times,
                        const Graph& graph) {
  GOPT_RETURN_IF_ERROR(CheckSize(field, times.size(), graph.num_ops(), "ops"));
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    if (times[op] >= 0 && times[op] <= kSaturated) continue;
    return absl::InvalidArgumentError(absl::StrCat("feature context: ", field, ": ", times[op],
                                                   " for ", graph.Describe(op),
                                                   ", outside [0, 2^62]"));
  }
  return absl::OkStatus();
}

absl::Status CheckDevices(const std::string& field, std::span<const DeviceId> device,
                          const Problem& problem) {
  const Graph& graph = problem.graph();
  GOPT_RETURN_IF_ERROR(CheckSize(field, device.size(), graph.num_ops(), "ops"));
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    if (device[op] >= kNone && device[op] < problem.machine().num_devices()) continue;
    return absl::InvalidArgumentError(absl::StrCat("feature context: ", field, ": device ",
                                                   device[op], " for ", graph.Describe(op),
                                                   " does not exist"));
  }
  return absl::OkStatus();
}

absl::Status CheckKinds(const Problem& problem, const FeatureContext& context) {
  const int devices = problem.machine().num_devices();
  GOPT_RETURN_IF_ERROR(CheckSize("device_kind", context.device_kind.size(), devices, "devices"));
  for (const int32_t kind : context.device_kind) {
    if (kind >= 0 && kind < static_cast<int64_t>(context.times.size())) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("feature context: device_kind: there is no kind ", kind,
                     " among the times of ", context.times.size()));
  }
  for (size_t kind = 0; kind < context.times.size(); ++kind) {
    GOPT_RETURN_IF_ERROR(
        CheckTimes(absl::StrCat("times[", kind, "]"), context.times[kind], problem.graph()));
  }
  return absl::OkStatus();
}

absl::Status CheckIncumbent(const Problem& problem, const IncumbentPlan& plan) {
  const Graph& graph = problem.graph();
  if (plan.empty() && plan.start.empty() && plan.finish.empty() && plan.critical.empty()) {
    return absl::OkStatus();
  }
  GOPT_RETURN_IF_ERROR(CheckDevices("incumbent.device", plan.device, problem));
  GOPT_RETURN_IF_ERROR(CheckTimes("incumbent.start", plan.start, graph));
  GOPT_RETURN_IF_ERROR(CheckTimes("incumbent.finish", plan.finish, graph));
  GOPT_RETURN_IF_ERROR(
      CheckSize("incumbent.critical", plan.critical.size(), graph.num_ops(), "ops"));
  if (plan.makespan >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError("feature context: incumbent.makespan is negative");
}

}  // namespace

absl::Status CheckFeatureContext(const Problem& problem, const FeatureContext& context) {
  GOPT_RETURN_IF_ERROR(CheckKinds(problem, context));
  for (const double mean : {context.mean_latency, context.mean_inverse_bandwidth}) {
    if (std::isfinite(mean) && mean >= 0.0) continue;
    return absl::InvalidArgumentError(
        "feature context: the mean latency or inverse bandwidth is negative or not finite");
  }
  GOPT_RETURN_IF_ERROR(CheckIncumbent(problem, context.incumbent));
  for (size_t i = 0; i < context.placements.size(); ++i) {
    GOPT_RETURN_IF_ERROR(
        CheckDevices(absl::StrCat("placements[", i, "]"), context.placements[i], problem));
  }
  return absl::OkStatus();
}

}  // namespace gopt
