#include "src/plan/group_paths.h"

#include <algorithm>
#include <utility>

namespace gopt {
namespace {

// Edges that a search looks at before it takes it that there is a path.
constexpr int64_t kMostWork = 8'192;
// And before it asks the chains, which mostly know of paths between what is far apart.
constexpr int64_t kLittleWork = 48;

}  // namespace

GroupPaths::GroupPaths(const Graph& graph, const GroupTable& groups)
    : graph_(graph), groups_(groups), order_(graph.num_ops()), chains_(graph) {
  forward_.forward = true;
  backward_.forward = false;
  for (Side* side : {&forward_, &backward_}) side->stamp.assign(graph.num_ops(), 0);
  order_.Assign(graph.kernel_ops());
}

bool GroupPaths::Joined(OpId a, OpId b, bool patient) {
  const auto [first, second] = order_.Before(a, b) ? std::pair(a, b) : std::pair(b, a);
  return Search(first, second, patient);
}

// A path between ops remains one between their groups, whatever else is joined, if an op in the
// middle is in a third group.
bool GroupPaths::ProvenByChains(OpId first, OpId second) const {
  const auto elsewhere = [&](OpId op) {
    const OpId group = groups_.group(op);
    return group != first && group != second;
  };
  for (const OpId from : groups_.ops(first)) {
    for (const OpId to : groups_.ops(second)) {
      if (chains_.SomeBetween(from, to, elsewhere)) return true;
    }
  }
  return false;
}

void GroupPaths::Start(Side* side, OpId from, OpId to) {
  side->from = from;
  side->to = to;
  side->work = 0;
  side->open.assign(1, from);
  side->seen.clear();
  LookAhead(side);
}

// Each step goes on at the side that has looked at fewer edges so far.
bool GroupPaths::Search(OpId first, OpId second, bool patient) {
  ++stamp_;
  Start(&forward_, first, second);
  Start(&backward_, second, first);
  bool asked_chains = false;
  while (!forward_.open.empty() && !backward_.open.empty()) {
    const int64_t least = std::min(forward_.ahead, backward_.ahead);
    if (least > kLittleWork && !asked_chains) {
      if (ProvenByChains(first, second)) return true;
      asked_chains = true;
    }
    if (!patient && least > kMostWork) return true;
    const bool go_forward = forward_.ahead <= backward_.ahead;
    if (go_forward ? Expand(&forward_, backward_) : Expand(&backward_, forward_)) return true;
  }
  return false;
}

void GroupPaths::LookAhead(Side* side) const {
  side->ahead = side->work;
  if (side->open.empty()) return;
  for (const OpId op : groups_.ops(side->open.back())) {
    side->ahead += std::ssize(Next(op, side->forward));
  }
}

bool GroupPaths::Expand(Side* side, const Side& other) {
  const OpId at = side->open.back();
  side->open.pop_back();
  for (const OpId op : groups_.ops(at)) {
    const std::span<const OpId> next = Next(op, side->forward);
    side->work += std::ssize(next);
    for (const OpId neighbour : next) {
      const OpId group = groups_.group(neighbour);
      if (group == kNone || group == at) continue;
      if (group == side->to) {
        if (at == side->from) continue;  // What the union would hold.
        return true;
      }
      if (order_.Before(group, side->to) != side->forward) continue;  // Beyond.
      if (other.stamp[group] == stamp_) return true;
      if (side->stamp[group] == stamp_) continue;
      side->stamp[group] = stamp_;
      side->open.push_back(group);
      side->seen.push_back(group);
    }
  }
  LookAhead(side);
  return false;
}

OpId GroupPaths::Join(OpId a, OpId b) {
  const auto [first, second] = order_.Before(a, b) ? std::pair(a, b) : std::pair(b, a);
  const bool moves_later = forward_.open.empty();  // What the first reaches, else what reaches.
  std::vector<OpId>& moved = moves_later ? forward_.seen : backward_.seen;
  std::sort(moved.begin(), moved.end(), [&](OpId x, OpId y) { return order_.Before(x, y); });
  if (moves_later) std::reverse(moved.begin(), moved.end());
  for (const OpId group : moved) {
    order_.Erase(group);
    moves_later ? order_.InsertAfter(second, group) : order_.InsertBefore(first, group);
  }
  const OpId kept = moves_later ? second : first;
  const OpId dropped = moves_later ? first : second;
  order_.Erase(dropped);
  if (dropped < kept) order_.Replace(kept, dropped);
  return first;
}

void GroupPaths::Split(OpId group, std::span<const OpId> pieces) {
  if (pieces.front() != group) order_.Replace(group, pieces.front());
  for (size_t i = 1; i < pieces.size(); ++i) order_.InsertAfter(pieces[i - 1], pieces[i]);
}

}  // namespace gopt
