#include "gopt/features/graph_features.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "src/features/scale.h"
#include "src/features/tables.h"
#include "src/features/type_ids.h"

namespace gopt {
namespace {

absl::Status CheckSpec(const FeatureSpec& spec) {
  const FeatureSpec& here = FeatureSpec::Default();
  if (spec.unknown_buckets < 1) {
    return absl::InvalidArgumentError("feature spec: unknown_buckets is less than 1");
  }
  if (spec.version == here.version && spec.node_columns == here.node_columns &&
      spec.edge_columns == here.edge_columns && spec.device_columns == here.device_columns) {
    return absl::OkStatus();
  }
  FeatureSpec stored = spec;  // The vocabulary may differ.
  stored.op_types = here.op_types;
  stored.unknown_buckets = here.unknown_buckets;
  return absl::InvalidArgumentError(absl::StrCat(
      "feature spec: features of another version of gopt: ", DescribeDifference(stored, here)));
}

// What the edges from one kernel to another take: parameters follow their readers, so levels leave
// them out.
std::vector<double> KernelTransfers(const Graph& graph, const EdgeIndex& edges,
                                    const EdgeTraffic& traffic) {
  std::vector<double> transfers = traffic.transfer;
  for (int64_t e = 0; e < edges.size(); ++e) {
    if (graph.kind(static_cast<OpId>(edges.source[e])) == OpKind::kParameter) transfers[e] = 0.0;
  }
  return transfers;
}

FeatureTables MakeTables(const Problem& problem, const FeatureContext& context,
                         const EdgeIndex& edges) {
  const Graph& graph = problem.graph();
  FeatureTables t{.problem = problem, .context = context, .edges = edges};
  t.traffic = MakeEdgeTraffic(graph, edges, context.mean_latency, context.mean_inverse_bandwidth);
  t.times = MakeOpTimes(problem, context);
  t.sizes = MakeOpSizes(graph, edges, t.traffic);
  t.scopes = MakeScopes(graph);
  const std::vector<double> transfers = KernelTransfers(graph, edges, t.traffic);
  t.levels = MakeLevels(edges, t.times.mean, {});
  t.transfer_levels = MakeLevels(edges, t.times.mean, transfers);
  t.depth = MakeDepths(edges);
  for (const int depth : t.depth) t.largest_depth = std::max(t.largest_depth, depth);
  t.reached = EstimateReachedWork(edges, t.times.mean, t.times.total);
  t.transfer_in.assign(graph.num_ops(), 0.0);
  for (int64_t e = 0; e < edges.size(); ++e) t.transfer_in[edges.target[e]] += transfers[e];
  t.incumbent =
      MakeIncumbentView(context.incumbent, edges, t.times.mean, problem.machine().num_devices());
  return t;
}

template <typename Fill>
at::Tensor Rows(int64_t rows, int64_t width, Fill fill) {
  at::Tensor tensor = at::empty({rows, width}, at::kFloat);
  fill(std::span<float>(tensor.mutable_data_ptr<float>(), static_cast<size_t>(rows * width)));
  return tensor;
}

at::Tensor RelativeTimes(const std::vector<Nanoseconds>& times, Nanoseconds makespan, int ops) {
  at::Tensor tensor = at::empty({ops}, at::kFloat);
  float* values = tensor.mutable_data_ptr<float>();
  std::fill(values, values + ops, 0.0f);
  for (size_t op = 0; op < times.size(); ++op) {
    values[op] = PartOf(static_cast<double>(times[op]), static_cast<double>(makespan));
  }
  return tensor;
}

void FillIncumbent(const IncumbentPlan& plan, int ops, GraphFeatures* features) {
  features->op_device = at::empty({ops}, at::kLong);
  int64_t* device = features->op_device.mutable_data_ptr<int64_t>();
  std::fill(device, device + ops, int64_t{kNone});
  std::copy(plan.device.begin(), plan.device.end(), device);
  features->op_start = RelativeTimes(plan.start, plan.makespan, ops);
  features->op_finish = RelativeTimes(plan.finish, plan.makespan, ops);
}

}  // namespace

absl::StatusOr<GraphFeatures> MakeGraphFeatures(const Problem& problem,
                                                const FeatureContext& context,
                                                const FeatureSpec& spec) {
  GOPT_RETURN_IF_ERROR(CheckSpec(spec));
  GOPT_RETURN_IF_ERROR(CheckFeatureContext(problem, context));
  const int ops = problem.graph().num_ops();
  GraphFeatures features;
  const EdgeIndex edges = FillEdges(problem.graph(), &features);
  features.op_type = at::empty({ops}, at::kLong);
  FillTypeIds(problem.graph(), spec,
              {features.op_type.mutable_data_ptr<int64_t>(), static_cast<size_t>(ops)});
  const FeatureTables tables = MakeTables(problem, context, edges);
  const auto fill = [&tables](auto function) {
    return [&tables, function](std::span<float> values) { function(tables, values); };
  };
  features.node = Rows(ops, spec.node_width(), fill(FillNodeFeatures));
  features.edge = Rows(edges.size(), spec.edge_width(), fill(FillEdgeFeatures));
  features.device =
      Rows(problem.machine().num_devices(), spec.device_width(), fill(FillDeviceFeatures));
  FillIncumbent(context.incumbent, ops, &features);
  return features;
}

GraphFeatures GraphFeatures::To(at::Device target) const {
  GraphFeatures copy = *this;
  for (at::Tensor* tensor : {&copy.op_type, &copy.node, &copy.edge_source, &copy.edge_target,
                             &copy.in_begin, &copy.out_edge, &copy.out_begin, &copy.edge,
                             &copy.device, &copy.op_device, &copy.op_start, &copy.op_finish}) {
    *tensor = tensor->to(target);
  }
  return copy;
}

}  // namespace gopt
