#include <algorithm>
#include <cmath>
#include <vector>

#include "src/features/columns.h"
#include "src/features/scale.h"
#include "src/features/tables.h"

namespace gopt {
namespace {

constexpr float kUnknown = 0.5f;  // Between together (1) and apart (0).

float Together(DeviceId a, DeviceId b) {
  if (a == kNone || b == kNone) return kUnknown;
  return a == b ? 1.0f : 0.0f;
}

// 1 / sqrt(degree).
float Normalizer(int64_t degree) { return 1.0f / std::sqrt(static_cast<float>(degree)); }

struct Edge {
  int64_t id;
  OpId source, target;
};

void FillTraffic(const FeatureTables& t, const Edge& edge, float* row) {
  const double bytes = t.traffic.bytes[edge.id], transfer = t.traffic.transfer[edge.id];
  row[edge::kTransfer] = RelativeLog(transfer, t.times.mean_of_mean);
  row[edge::kBytes] = RelativeLog(bytes, t.sizes.mean_edge);
  row[edge::kReadShare] = PartOf(bytes, t.sizes.read_bytes[edge.target]);
  row[edge::kControlOnly] = t.traffic.control_only[edge.id] != 0 ? 1.0f : 0.0f;
  row[edge::kFromParameter] = t.graph().kind(edge.source) == OpKind::kParameter ? 1.0f : 0.0f;
  row[edge::kNeverMoves] = NeverMoves(t.graph(), edge.source, edge.target) ? 1.0f : 0.0f;
}

double EdgeSlack(const Levels& levels, const Edge& edge, double source_time, double transfer) {
  return levels.critical_path - levels.top[edge.source] - source_time - transfer -
         levels.bottom[edge.target];
}

void FillStructure(const FeatureTables& t, const Edge& edge, float* row) {
  const double time = t.times.mean[edge.source];
  const bool parameter = t.graph().kind(edge.source) == OpKind::kParameter;
  const double transfer = parameter ? 0.0 : t.traffic.transfer[edge.id];
  row[edge::kEdgeSlack] = PartOf(EdgeSlack(t.levels, edge, time, 0.0), t.levels.critical_path);
  row[edge::kEdgeSlackTransfer] =
      PartOf(EdgeSlack(t.transfer_levels, edge, time, transfer), t.transfer_levels.critical_path);
  row[edge::kSourceDegree] = Normalizer(t.edges.out_degree(edge.source));
  row[edge::kTargetDegree] = Normalizer(t.edges.in_degree(edge.target));
  row[edge::kDistance] = PartOf(edge.target - edge.source, t.graph().num_ops() - 1);
  row[edge::kSameScope] = t.scopes.scope[edge.source] == t.scopes.scope[edge.target] ? 1.0f : 0.0f;
  row[edge::kSamePhase] =
      t.graph().phase(edge.source) == t.graph().phase(edge.target) ? 1.0f : 0.0f;
}

void FillPlacements(const FeatureTables& t, const Edge& edge, float* row) {
  const IncumbentPlan& plan = t.context.incumbent;
  row[edge::kIncumbentColocated] = kUnknown;
  row[edge::kIncumbentGap] = 0.0f;
  if (!plan.empty()) {
    const DeviceId from = plan.device[edge.source], to = plan.device[edge.target];
    row[edge::kIncumbentColocated] = Together(from, to);
    if (from != kNone && to != kNone) {
      const Nanoseconds gap = plan.start[edge.target] - plan.finish[edge.source];
      row[edge::kIncumbentGap] =
          PartOf(static_cast<double>(gap), static_cast<double>(plan.makespan));
    }
  }
  const std::vector<std::vector<DeviceId>>& placements = t.context.placements;
  float together = placements.empty() ? kUnknown : 0.0f;
  for (const std::vector<DeviceId>& device : placements) {
    together += Together(device[edge.source], device[edge.target]);
  }
  row[edge::kPlacementsColocated] =
      together / static_cast<float>(std::max<size_t>(1, placements.size()));
}

}  // namespace

void FillEdgeFeatures(const FeatureTables& tables, std::span<float> values) {
  float* row = values.data();
  for (int64_t e = 0; e < tables.edges.size(); ++e, row += edge::kWidth) {
    const Edge edge{e, static_cast<OpId>(tables.edges.source[e]),
                    static_cast<OpId>(tables.edges.target[e])};
    FillTraffic(tables, edge, row);
    FillStructure(tables, edge, row);
    FillPlacements(tables, edge, row);
  }
}

}  // namespace gopt
