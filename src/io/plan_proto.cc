#include "src/io/plan_proto.h"

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gopt/base/status_macros.h"
#include "src/io/machine_proto.h"
#include "src/io/proto_guard.h"
#include "src/io/schema_version.h"

namespace gopt {
namespace {

template <typename T, typename Repeated>
void CopyTo(const std::vector<T>& values, Repeated* field) {
  field->Reserve(static_cast<int>(values.size()));
  for (const T& value : values) field->Add(value);
}

// Entries that index `count` things, or -1 where `none_ok`.
template <typename Repeated>
absl::StatusOr<std::vector<int32_t>> Ids(const Repeated& field, const char* name, int64_t count,
                                         bool none_ok = false) {
  std::vector<int32_t> ids;
  ids.reserve(static_cast<size_t>(field.size()));
  for (const int64_t id : field) {
    if (id >= count || id < (none_ok ? -1 : 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, "[", ids.size(), "]: ", id, " does not exist; there are ", count));
    }
    ids.push_back(static_cast<int32_t>(id));
  }
  return ids;
}

absl::Status CheckLength(const char* name, size_t length, size_t expected, bool empty_ok) {
  if (length == expected || (empty_ok && length == 0)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " has ", length, " entries, expected ", expected));
}

absl::StatusOr<std::vector<int32_t>> KernelBegins(const v1::PlanProto& proto) {
  std::vector<int32_t> begin = {0};
  begin.reserve(static_cast<size_t>(proto.kernel_num_ops_size()) + 1);
  int64_t sum = 0;
  for (const uint32_t count : proto.kernel_num_ops()) {
    sum += count;
    if (sum > proto.kernel_ops_size()) break;
    begin.push_back(static_cast<int32_t>(sum));
  }
  if (sum != proto.kernel_ops_size()) {
    return absl::InvalidArgumentError(absl::StrCat("kernel_num_ops adds up to ", sum,
                                                   " or more, kernel_ops has ",
                                                   proto.kernel_ops_size(), " entries"));
  }
  return begin;
}

absl::StatusOr<std::shared_ptr<const Kernels>> KernelsFromProto(
    const v1::PlanProto& proto, std::shared_ptr<const Graph> graph) {
  Kernels::Columns columns;
  GOPT_ASSIGN_OR_RETURN(columns.begin, KernelBegins(proto));
  const size_t kernels = columns.begin.size() - 1;
  const int num_ops = graph->num_ops();
  GOPT_ASSIGN_OR_RETURN(columns.ops, Ids(proto.kernel_ops(), "kernel_ops", num_ops));
  GOPT_ASSIGN_OR_RETURN(columns.recomputed_ops,
                        Ids(proto.recomputed_ops(), "recomputed_ops", num_ops));
  GOPT_RETURN_IF_ERROR(CheckLength("kernel_recompute",
                                   static_cast<size_t>(proto.kernel_recompute_size()), kernels,
                                   /*empty_ok=*/true));
  columns.recompute.assign(proto.kernel_recompute().begin(), proto.kernel_recompute().end());
  return Kernels::Create(std::move(graph), std::move(columns));
}

absl::Status FillDecisions(const v1::PlanProto& proto, int64_t num_devices, Plan* plan) {
  const size_t kernels = static_cast<size_t>(plan->kernels->size());
  const size_t parameters = plan->kernels->graph().parameters().size();
  GOPT_ASSIGN_OR_RETURN(plan->device, Ids(proto.kernel_device(), "kernel_device", num_devices));
  GOPT_RETURN_IF_ERROR(CheckLength("kernel_device", plan->device.size(), kernels, false));
  plan->rank.assign(proto.kernel_rank().begin(), proto.kernel_rank().end());
  GOPT_RETURN_IF_ERROR(CheckLength("kernel_rank", plan->rank.size(), kernels, false));
  GOPT_ASSIGN_OR_RETURN(plan->parameter_home, Ids(proto.parameter_home(), "parameter_home",
                                                  num_devices, /*none_ok=*/true));
  GOPT_RETURN_IF_ERROR(
      CheckLength("parameter_home", plan->parameter_home.size(), parameters, true));
  GOPT_ASSIGN_OR_RETURN(plan->sequence,
                        Ids(proto.sequence(), "sequence", static_cast<int64_t>(kernels)));
  const bool in_sequence = plan->dispatch == Dispatch::kSequence;
  return CheckLength("sequence", plan->sequence.size(), in_sequence ? kernels : 0, false);
}

absl::StatusOr<Dispatch> DispatchFromProto(v1::Dispatch dispatch) {
  switch (dispatch) {
    case v1::PRIORITY:
      return Dispatch::kPriority;
    case v1::FIFO:
      return Dispatch::kFifo;
    case v1::SEQUENCE:
      return Dispatch::kSequence;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("dispatch ", static_cast<int>(dispatch), " is missing or unknown"));
  }
}

absl::Status CheckNotNegative(int64_t value, const char* field) {
  if (value >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, " is ", value));
}

}  // namespace

v1::CostReportProto ToProto(const CostReport& report) {
  v1::CostReportProto proto;
  proto.set_outcome(static_cast<v1::Outcome>(report.outcome));
  proto.set_reason(report.reason);
  proto.set_step_time_ns(report.step_time);
  CopyTo(report.samples, proto.mutable_samples_ns());
  CopyTo(report.busy, proto.mutable_busy_ns());
  CopyTo(report.peak_bytes, proto.mutable_peak_bytes());
  proto.set_bytes_over_limit(report.bytes_over_limit);
  proto.set_transfers(report.transfers);
  proto.set_transfer_bytes(report.transfer_bytes);
  proto.set_unknown_flops_ops(report.unknown_flops_ops);
  proto.set_unmodelled_collectives(report.unmodelled_collectives);
  for (KernelId kernel : report.start_order) {
    proto.add_start_order(static_cast<uint32_t>(kernel));
  }
  return proto;
}

absl::StatusOr<CostReport> CostReportFromProto(const v1::CostReportProto& proto) {
  if (proto.outcome() < v1::OK || proto.outcome() > v1::FAILED) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected.outcome ", static_cast<int>(proto.outcome()), " is missing or unknown"));
  }
  GOPT_RETURN_IF_ERROR(CheckNotNegative(proto.step_time_ns(), "expected.step_time_ns"));
  GOPT_RETURN_IF_ERROR(CheckNotNegative(proto.bytes_over_limit(), "expected.bytes_over_limit"));
  GOPT_RETURN_IF_ERROR(CheckNotNegative(proto.transfers(), "expected.transfers"));
  GOPT_RETURN_IF_ERROR(CheckNotNegative(proto.transfer_bytes(), "expected.transfer_bytes"));
  CostReport report;
  report.outcome = static_cast<Outcome>(proto.outcome());
  report.reason = proto.reason();
  report.step_time = proto.step_time_ns();
  report.samples.assign(proto.samples_ns().begin(), proto.samples_ns().end());
  report.busy.assign(proto.busy_ns().begin(), proto.busy_ns().end());
  report.peak_bytes.assign(proto.peak_bytes().begin(), proto.peak_bytes().end());
  report.bytes_over_limit = proto.bytes_over_limit();
  report.transfers = proto.transfers();
  report.transfer_bytes = proto.transfer_bytes();
  report.unknown_flops_ops = proto.unknown_flops_ops();
  report.unmodelled_collectives = proto.unmodelled_collectives();
  GOPT_ASSIGN_OR_RETURN(report.start_order, Ids(proto.start_order(), "expected.start_order",
                                                std::numeric_limits<int32_t>::max()));
  return report;
}

v1::PlanProto ToProto(const PlanFile& file) {
  const Plan& plan = file.plan;
  const Kernels::Columns& kernels = plan.kernels->columns();
  v1::PlanProto proto;
  proto.set_schema_major(kSchemaMajor);
  proto.set_schema_minor(kSchemaMinor);
  proto.set_graph_fingerprint(plan.kernels->graph().fingerprint());
  if (file.machine.has_value()) *proto.mutable_machine() = ToProto(*file.machine);
  proto.set_dispatch(static_cast<v1::Dispatch>(plan.dispatch));
  proto.set_producer(plan.producer);
  for (size_t k = 0; k + 1 < kernels.begin.size(); ++k) {
    proto.add_kernel_num_ops(static_cast<uint32_t>(kernels.begin[k + 1] - kernels.begin[k]));
  }
  for (OpId op : kernels.ops) proto.add_kernel_ops(static_cast<uint32_t>(op));
  CopyTo(plan.device, proto.mutable_kernel_device());
  CopyTo(plan.rank, proto.mutable_kernel_rank());
  for (uint8_t recompute : kernels.recompute) proto.add_kernel_recompute(recompute != 0);
  CopyTo(plan.parameter_home, proto.mutable_parameter_home());
  for (OpId op : kernels.recomputed_ops) proto.add_recomputed_ops(static_cast<uint32_t>(op));
  for (KernelId kernel : plan.sequence) proto.add_sequence(static_cast<uint32_t>(kernel));
  if (file.expected.has_value()) *proto.mutable_expected() = ToProto(*file.expected);
  proto.set_lower_bound_ns(file.lower_bound);
  for (const auto& [key, value] : plan.metadata) (*proto.mutable_metadata())[key] = value;
  return proto;
}

absl::StatusOr<PlanFile> PlanFromProto(const v1::PlanProto& proto,
                                       std::shared_ptr<const Graph> graph) {
  if (proto.graph_fingerprint() != graph->fingerprint()) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "the plan was made for another graph: its fingerprint is %016x, that of '%s' is %016x",
        proto.graph_fingerprint(), graph->name(), graph->fingerprint()));
  }
  PlanFile file;
  file.graph_fingerprint = proto.graph_fingerprint();
  int64_t num_devices = std::numeric_limits<int32_t>::max();
  if (proto.has_machine()) {
    GOPT_ASSIGN_OR_RETURN(file.machine, MachineFromProto(proto.machine()));
    num_devices = file.machine->num_devices();
  }
  GOPT_ASSIGN_OR_RETURN(file.plan.dispatch, DispatchFromProto(proto.dispatch()));
  GOPT_ASSIGN_OR_RETURN(file.plan.kernels, KernelsFromProto(proto, std::move(graph)));
  GOPT_RETURN_IF_ERROR(FillDecisions(proto, num_devices, &file.plan));
  GOPT_RETURN_IF_ERROR(CheckNameText(proto.producer(), "producer"));
  file.plan.producer = proto.producer();
  file.plan.metadata.insert(proto.metadata().begin(), proto.metadata().end());
  if (proto.has_expected()) {
    GOPT_ASSIGN_OR_RETURN(file.expected, CostReportFromProto(proto.expected()));
  }
  GOPT_RETURN_IF_ERROR(CheckNotNegative(proto.lower_bound_ns(), "lower_bound_ns"));
  file.lower_bound = proto.lower_bound_ns();
  return file;
}

}  // namespace gopt
