#include "src/plan/path_chains.h"

#include <algorithm>

namespace gopt {

PathChains::PathChains(const Graph& graph)
    : own_(graph.num_ops()), reached_(graph.num_ops()), reaching_(graph.num_ops()) {
  MakeChains(graph);
  const std::span<const OpId> ops = graph.kernel_ops();
  for (const OpId op : ops) {
    reached_[op][0] = reaching_[op][0] = own_[op];
    for (const OpId before : graph.predecessors(op)) {
      for (const Place& place : reaching_[before]) Add(place, /*first=*/false, &reaching_[op]);
    }
  }
  for (auto op = ops.rbegin(); op != ops.rend(); ++op) {
    for (const OpId before : graph.predecessors(*op)) {
      if (!graph.in_kernel(before)) continue;
      for (const Place& place : reached_[*op]) Add(place, /*first=*/true, &reached_[before]);
    }
  }
}

// Of two places on one chain the first (or last) stays, of several chains the longest.
void PathChains::Add(const Place& place, bool first, Places* places) const {
  if (place.chain == kNone) return;
  for (Place& known : *places) {
    if (known.chain != place.chain) continue;
    known.position =
        first ? std::min(known.position, place.position) : std::max(known.position, place.position);
    return;
  }
  Place left = place;
  for (Place& known : *places) {
    const bool longer = known.chain == kNone || Length(left.chain) > Length(known.chain) ||
                        (Length(left.chain) == Length(known.chain) && left.chain < known.chain);
    if (longer) std::swap(known, left);
    if (left.chain == kNone) return;
  }
}

// Per op the one to go on with: of those whose deepest predecessor it is, the one with the longest
// path ahead.
std::vector<OpId> PathChains::ChooseNext(const Graph& graph) const {
  const std::span<const OpId> ops = graph.kernel_ops();
  std::vector<int32_t> depth(graph.num_ops(), 0), height(graph.num_ops(), 0);
  std::vector<OpId> before(graph.num_ops(), kNone), next(graph.num_ops(), kNone);
  for (const OpId op : ops) {
    for (const OpId source : graph.predecessors(op)) {
      if (!graph.in_kernel(source) || depth[source] < depth[op]) continue;
      depth[op] = depth[source] + 1;
      before[op] = source;
    }
  }
  for (auto op = ops.rbegin(); op != ops.rend(); ++op) {
    for (const OpId source : graph.predecessors(*op)) {
      height[source] = std::max(height[source], height[*op] + 1);
    }
    if (const OpId source = before[*op]; source != kNone) {
      OpId& chosen = next[source];
      if (chosen == kNone || height[*op] >= height[chosen]) chosen = *op;
    }
  }
  return next;
}

void PathChains::MakeChains(const Graph& graph) {
  const std::vector<OpId> next = ChooseNext(graph);
  chain_begin_.push_back(0);
  chain_ops_.reserve(graph.kernel_ops().size());
  for (const OpId op : graph.kernel_ops()) {
    if (own_[op].chain != kNone) continue;
    const auto chain = static_cast<int32_t>(chain_begin_.size()) - 1;
    for (OpId at = op; at != kNone; at = next[at]) {
      own_[at] = {.chain = chain,
                  .position = static_cast<int32_t>(chain_ops_.size()) - chain_begin_.back()};
      chain_ops_.push_back(at);
    }
    chain_begin_.push_back(static_cast<int32_t>(chain_ops_.size()));
  }
}

}  // namespace gopt
