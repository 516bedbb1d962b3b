#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "src/features/columns.h"
#include "src/features/scale.h"
#include "src/features/tables.h"

namespace gopt {
namespace {

constexpr double kMaxLog = 2.5;

void FillCategories(const FeatureTables& t, OpId op, float* row) {
  const Graph& graph = t.graph();
  // The enumerations' values begin with kUnspecified, for which there is no column.
  const int kind = static_cast<int>(graph.kind(op));
  if (kind > 0) row[node::kKindCompute + kind - 1] = 1.0f;
  const int phase = static_cast<int>(graph.phase(op));
  if (phase > 0) row[node::kPhaseForward + phase - 1] = 1.0f;
  const FusionClass fusion = graph.fusion_class(op) == FusionClass::kUnspecified
                                 ? FusionClass::kOpaque
                                 : graph.fusion_class(op);
  row[node::kFusionElementwise + static_cast<int>(fusion) - 1] = 1.0f;
  row[node::kSideEffect] = graph.has_side_effect(op) ? 1.0f : 0.0f;
  row[node::kColocated] = t.problem.colocation_group()[op] != kNone ? 1.0f : 0.0f;
  row[node::kAllowedDevices] = PartOf(static_cast<double>(t.problem.allowed_devices(op).size()),
                                      t.problem.machine().num_devices());
}

float LogDim(double size) { return std::min(2.5f, LogCount(size, 1.0f / 16)); }

void FillShape(const FeatureTables& t, OpId op, float* row) {
  const Graph& graph = t.graph();
  row[node::kPorts] = LogCount(graph.num_ports(op), 0.125f);
  if (graph.num_ports(op) == 0) return;
  PortId largest = graph.first_port(op);
  for (PortId port = largest; port < graph.first_port(op) + graph.num_ports(op); ++port) {
    if (graph.port_bytes(port) > graph.port_bytes(largest)) largest = port;
  }
  const std::span<const int64_t> dims = graph.dims(largest);
  row[node::kRank] = static_cast<float>(std::min<size_t>(dims.size(), 8)) * 0.25f;
  if (dims.empty()) return;
  double middle = 1.0;
  for (size_t i = 1; i + 1 < dims.size(); ++i) middle *= static_cast<double>(dims[i]);
  row[node::kDimFirst] = LogDim(static_cast<double>(dims.front()));
  row[node::kDimMiddle] = dims.size() > 2 ? LogDim(std::min(middle, 1e30)) : 0.0f;
  row[node::kDimLast] = LogDim(static_cast<double>(dims.back()));
}

void FillSizes(const FeatureTables& t, OpId op, float* row) {
  const OpSizes& sizes = t.sizes;
  row[node::kOutputBytes] = RelativeLog(sizes.output_bytes[op], sizes.mean_output);
  row[node::kReadBytes] = RelativeLog(sizes.read_bytes[op], sizes.mean_read);
  if (sizes.persistent_bytes[op] > 0.0) {
    row[node::kPersistentBytes] = RelativeLog(sizes.persistent_bytes[op], sizes.mean_persistent);
  }
  if (sizes.parameter_bytes_read[op] > 0.0) {
    row[node::kParameterBytesRead] =
        RelativeLog(sizes.parameter_bytes_read[op], sizes.mean_persistent);
  }
}

void FillTimes(const FeatureTables& t, OpId op, float* row) {
  if (!t.graph().in_kernel(op)) return;
  const OpTimes& times = t.times;
  if (t.graph().flops(op) >= 0.0) {
    row[node::kFlops] = RelativeLog(t.graph().flops(op), t.sizes.mean_flops);
  }
  row[node::kTimeMean] = RelativeLog(times.mean[op], times.mean_of_mean);
  row[node::kTimeBest] = RelativeLog(times.best[op], times.mean_of_best);
  if (times.worst[op] > times.best[op]) {
    row[node::kTimeSpread] = std::max(0.0f, RelativeLog(times.worst[op], times.best[op]));
  }
  row[node::kTimeShare] = PartOf(times.mean[op], t.levels.critical_path);
}

void FillStructure(const FeatureTables& t, OpId op, float* row) {
  row[node::kInDegree] = LogCount(static_cast<double>(t.edges.in_degree(op)), 0.125f);
  row[node::kOutDegree] = LogCount(static_cast<double>(t.edges.out_degree(op)), 0.125f);
  row[node::kPosition] = PartOf(op, t.graph().num_ops() - 1);
  row[node::kDepth] = PartOf(t.depth[op], t.largest_depth);
  const OpId twin = t.graph().forward_twin(op);
  if (twin != kNone) {
    row[node::kTwinDistance] = PartOf(std::abs(op - twin), t.graph().num_ops() - 1);
  }
}

void FillLevels(const FeatureTables& t, OpId op, float* row) {
  const Levels &plain = t.levels, &transfer = t.transfer_levels;
  row[node::kTopLevel] = PartOf(plain.top[op], plain.critical_path);
  row[node::kBottomLevel] = PartOf(plain.bottom[op], plain.critical_path);
  row[node::kSlack] = PartOf(plain.Slack(op), plain.critical_path);
  row[node::kTopLevelTransfer] = PartOf(transfer.top[op], transfer.critical_path);
  row[node::kBottomLevelTransfer] = PartOf(transfer.bottom[op], transfer.critical_path);
  row[node::kSlackTransfer] = PartOf(transfer.Slack(op), transfer.critical_path);
  // Whatever lies on a path is reached: a lower bound.
  const double below = plain.bottom[op] - t.times.mean[op];
  row[node::kAncestorWork] =
      std::max(t.reached.ancestors[op], PartOf(plain.top[op], t.times.total));
  row[node::kDescendantWork] = std::max(t.reached.descendants[op], PartOf(below, t.times.total));
  row[node::kTransferIn] = Against(t.transfer_in[op], t.times.mean[op]);
  row[node::kTransferOut] = Against(t.traffic.port_transfer[op], t.times.mean[op]);
}

void FillScope(const FeatureTables& t, OpId op, float* row) {
  const Scopes::Scope& scope = t.scopes.scopes[t.scopes.scope[op]];
  const auto count = static_cast<double>(t.scopes.scopes.size());
  row[node::kScopeIndex] = PartOf(t.scopes.scope[op], count - 1.0);
  row[node::kScopeDepth] = scope.depth;
  row[node::kScopeOuter] = scope.outer;
  row[node::kScopeInner] = scope.inner;
  row[node::kScopeSize] = RelativeLog(scope.ops, t.graph().num_ops() / count);
  row[node::kScopePosition] = PartOf(t.scopes.position[op], scope.ops - 1);
  std::copy(scope.code.begin(), scope.code.end(), row + node::kScopeCode0);
}

void FillIncumbent(const FeatureTables& t, OpId op, float* row) {
  const IncumbentPlan& plan = t.context.incumbent;
  if (plan.empty() || plan.device[op] == kNone) return;
  const IncumbentOp& derived = t.incumbent.ops[op];
  const auto makespan = static_cast<double>(plan.makespan);
  row[node::kIncumbentPlaced] = 1.0f;
  row[node::kIncumbentStart] = PartOf(static_cast<double>(plan.start[op]), makespan);
  row[node::kIncumbentFinish] = PartOf(static_cast<double>(plan.finish[op]), makespan);
  row[node::kIncumbentCritical] = plan.critical[op] != 0 ? 1.0f : 0.0f;
  row[node::kIncumbentRemoteInputs] = derived.remote_inputs;
  row[node::kIncumbentRemoteReads] = derived.remote_reads;
  row[node::kIncumbentWait] = derived.wait;
  row[node::kIncumbentSlack] = derived.slack;
  row[node::kIncumbentLoad] = PartOf(t.incumbent.load[plan.device[op]], t.incumbent.largest_load);
}

// The slowest device's time for the whole graph against the fastest one's.
float Unequal(const FeatureTables& t) {
  double fastest = std::numeric_limits<double>::infinity(), slowest = 0.0;
  for (const int32_t kind : t.context.device_kind) {
    fastest = std::min(fastest, t.times.kind_total[kind]);
    slowest = std::max(slowest, t.times.kind_total[kind]);
  }
  return slowest > fastest ? std::max(0.0f, RelativeLog(slowest, fastest)) : 0.0f;
}

// The columns that are the same for all ops.
std::array<float, node::kWidth> GraphRow(const FeatureTables& t) {
  const int devices = t.problem.machine().num_devices();
  double memory = 0.0, transfer = 0.0;
  for (DeviceId d = 0; d < devices; ++d) memory += static_cast<double>(t.problem.memory_limit(d));
  for (const OpId op : t.graph().kernel_ops()) transfer += t.traffic.port_transfer[op];
  std::array<float, node::kWidth> row{};
  row[node::kGraphOps] = LogCount(t.graph().num_ops(), 1.0f / 16);
  row[node::kGraphEdges] = static_cast<float>(std::min(
      kMaxLog,
      std::log2(1.0 + MeanOf(static_cast<double>(t.edges.size()), t.graph().num_ops())) / 2));
  row[node::kGraphDevices] = static_cast<float>(std::log2(devices) / 4);
  row[node::kGraphUnequal] = Unequal(t);
  row[node::kGraphParallelism] = static_cast<float>(std::clamp(
      std::log2(std::max(1.0, MeanOf(t.times.total, t.levels.critical_path))) / 4, 0.0, kMaxLog));
  row[node::kGraphTransfer] = Against(transfer, t.times.total);
  row[node::kGraphPersistent] = Against(t.sizes.total_persistent, memory);
  row[node::kGraphActivations] = Against(t.sizes.total_output, memory);
  return row;
}

}  // namespace

void FillNodeFeatures(const FeatureTables& tables, std::span<float> values) {
  const std::array<float, node::kWidth> graph_row = GraphRow(tables);
  float* row = values.data();
  for (OpId op = 0; op < tables.graph().num_ops(); ++op, row += node::kWidth) {
    std::copy(graph_row.begin(), graph_row.end(), row);
    FillCategories(tables, op, row);
    FillShape(tables, op, row);
    FillSizes(tables, op, row);
    FillTimes(tables, op, row);
    FillStructure(tables, op, row);
    FillLevels(tables, op, row);
    FillScope(tables, op, row);
    FillIncumbent(tables, op, row);
  }
}

}  // namespace gopt
