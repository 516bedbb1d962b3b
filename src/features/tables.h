#ifndef GOPT_FEATURES_TABLES_H_
#define GOPT_FEATURES_TABLES_H_

#include <span>

#include "gopt/features/feature_context.h"
#include "gopt/plan/problem.h"
#include "src/features/edge_index.h"
#include "src/features/incumbent.h"
#include "src/features/levels.h"
#include "src/features/op_sizes.h"
#include "src/features/op_times.h"
#include "src/features/reach_sketch.h"
#include "src/features/scopes.h"

namespace gopt {

// All that the columns are computed from. Views of problem and context.
struct FeatureTables {
  const Problem& problem;
  const FeatureContext& context;
  EdgeIndex edges;
  EdgeTraffic traffic;
  OpTimes times;
  OpSizes sizes;
  Scopes scopes;
  Levels levels;           // Ops' mean times, no transfers.
  Levels transfer_levels;  // With the transfers between kernels.
  std::vector<int> depth;
  int largest_depth = 0;
  ReachedWork reached;
  std::vector<double> transfer_in;  // [ops] ns; of edges between kernels.
  IncumbentView incumbent;

  const Graph& graph() const { return problem.graph(); }
};

// Row by row into `values`: [ops, node::kWidth], [edges, edge::kWidth], [devices, device::kWidth].
void FillNodeFeatures(const FeatureTables& tables, std::span<float> values);
void FillEdgeFeatures(const FeatureTables& tables, std::span<float> values);
void FillDeviceFeatures(const FeatureTables& tables, std::span<float> values);

}  // namespace gopt

#endif  // GOPT_FEATURES_TABLES_H_
