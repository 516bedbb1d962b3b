#ifndef GOPT_FEATURES_TYPE_IDS_H_
#define GOPT_FEATURES_TYPE_IDS_H_

#include <cstdint>
#include <span>

#include "gopt/features/feature_spec.h"
#include "gopt/graph/graph.h"

namespace gopt {

// The id of each op's type in the spec. The spec has at least one bucket for unknown types.
void FillTypeIds(const Graph& graph, const FeatureSpec& spec, std::span<int64_t> ids);

}  // namespace gopt

#endif  // GOPT_FEATURES_TYPE_IDS_H_
