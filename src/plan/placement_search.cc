#include "src/plan/placement_search.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace gopt {
namespace {

class DepthFirst {
 public:
  DepthFirst(std::span<const int32_t> order, NextUnit next, ChooseDevice choose,
             PlacementDomains* state)
      : order_(order), next_(next), choose_(choose), state_(*state) {}

  SearchOutcome Run(const SearchLimits& limits) {
    const int64_t last_step = state_.steps() + limits.steps;
    int64_t contradictions = 0;
    for (int32_t unit = Next(); unit != kNone; unit = Next()) {
      if (state_.steps() > last_step || contradictions > limits.contradictions) {
        return SearchOutcome::kLimit;
      }
      const Decision decision = {unit, choose_(unit, state_.possible(unit)), state_.mark(),
                                 position_};
      decisions_.push_back(decision);
      if (state_.Assign(unit, decision.device)) continue;
      ++contradictions;
      if (!Refute()) return SearchOutcome::kNone;
    }
    return SearchOutcome::kFound;
  }

 private:
  struct Decision {
    int32_t unit;
    DeviceId device;
    size_t mark;
    size_t position;
  };

  int32_t Next() {
    const bool conflict_first = next_ == NextUnit::kConflictFirst && wiped_ != kNone;
    if (conflict_first && !state_.decided(wiped_)) return wiped_;
    while (position_ < order_.size() && state_.decided(order_[position_])) ++position_;
    return position_ < order_.size() ? order_[position_] : kNone;
  }

  // Takes decisions back until the device of one can be excluded; false: none is left.
  bool Refute() {
    wiped_ = state_.last_wiped();
    while (!decisions_.empty()) {
      const Decision decision = decisions_.back();
      decisions_.pop_back();
      state_.UndoTo(decision.mark);
      position_ = decision.position;
      if (state_.Exclude(decision.unit, decision.device)) return true;
    }
    return false;
  }

  std::span<const int32_t> order_;
  NextUnit next_;
  ChooseDevice choose_;
  PlacementDomains& state_;
  std::vector<Decision> decisions_;
  size_t position_ = 0;
  int32_t wiped_ = kNone;
};

int ForwardSources(const PlacementModel& model, int32_t unit) {
  const auto edges = model.Sources(unit);
  return static_cast<int>(
      std::count_if(edges.begin(), edges.end(), [](const auto& edge) { return edge.forward; }));
}

}  // namespace

SearchOutcome SearchPlacement(std::span<const int32_t> order, NextUnit next, ChooseDevice choose,
                              const SearchLimits& limits, PlacementDomains* state) {
  return DepthFirst(order, next, choose, state).Run(limits);
}

SearchOutcome TakeLowest(std::span<const int32_t> order, const SearchLimits& limits,
                         PlacementDomains* state) {
  if (!state->keeps_lowest_legal()) return SearchOutcome::kLimit;
  const auto lowest = [](int32_t, std::span<const uint64_t> possible) {
    return LowestDevice(possible);
  };
  return SearchPlacement(order, NextUnit::kInOrder, lowest, limits, state);
}

SearchLimits FewSteps(const PlacementModel& model, int64_t max_steps) {
  constexpr int64_t kContradictions = 30;
  return {std::min(3'000 + 8 * static_cast<int64_t>(model.num_units), max_steps), kContradictions};
}

std::vector<int32_t> MostConstrainedFirst(const PlacementModel& model,
                                          const PlacementDomains& state) {
  std::vector<int32_t> order(model.num_units);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return state.num_possible(a) < state.num_possible(b);
  });
  return order;
}

std::vector<int32_t> RandomOrder(const PlacementModel& model, Random* random) {
  std::vector<int32_t> order(model.num_units);
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[random->Below(static_cast<int64_t>(i))]);
  }
  return order;
}

std::vector<int32_t> RankParts(const PlacementModel& model) {
  std::vector<int32_t> part(model.num_units, kNone), sizes, open;
  const auto reach = [&](std::span<const PlacementModel::Edge> edges) {
    for (const PlacementModel::Edge& edge : edges) {
      if (!edge.forward || part[edge.unit] != kNone) continue;
      part[edge.unit] = static_cast<int32_t>(sizes.size()) - 1;
      open.push_back(edge.unit);
    }
  };
  for (int32_t first = 0; first < model.num_units; ++first) {
    if (part[first] != kNone) continue;
    part[first] = static_cast<int32_t>(sizes.size());
    sizes.push_back(0);
    for (open = {first}; !open.empty(); ++sizes.back()) {
      const int32_t unit = open.back();
      open.pop_back();
      reach(model.Readers(unit));
      reach(model.Sources(unit));
    }
  }
  std::vector<int32_t> by_size(sizes.size()), rank(sizes.size());
  std::iota(by_size.begin(), by_size.end(), 0);
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](int32_t a, int32_t b) { return sizes[a] > sizes[b]; });
  for (size_t i = 0; i < by_size.size(); ++i) rank[by_size[i]] = static_cast<int32_t>(i);
  for (int32_t& p : part) p = rank[p];
  return part;
}

std::vector<int32_t> TopologicalOrder(const PlacementModel& model, Random* random) {
  std::vector<int32_t> waits(model.num_units), ready, order;
  std::vector<uint8_t> listed(model.num_units, 0);
  order.reserve(model.num_units);
  const auto list = [&](int32_t unit) {
    listed[unit] = 1;
    ready.push_back(unit);
  };
  for (int32_t unit = 0; unit < model.num_units; ++unit) {
    waits[unit] = ForwardSources(model, unit);
    if (waits[unit] == 0) list(unit);
  }
  size_t taken = 0;
  for (int32_t lowest = 0; order.size() < waits.size();) {
    if (taken == ready.size()) {  // A cycle: begin with its lowest unit.
      while (listed[lowest] != 0) ++lowest;
      list(lowest);
    }
    if (random != nullptr) {
      const auto left = static_cast<int64_t>(ready.size() - taken);
      std::swap(ready[taken], ready[taken + random->Below(left)]);
    }
    const int32_t unit = ready[taken++];
    order.push_back(unit);
    for (const PlacementModel::Edge& edge : model.Readers(unit)) {
      if (edge.forward && --waits[edge.unit] == 0 && listed[edge.unit] == 0) list(edge.unit);
    }
  }
  return order;
}

PlacementRoots::PlacementRoots(const PlacementModel& model) {
  any.emplace(model, PlacementDomains::Flows::kAny);
  if (!any->Start()) {
    any.reset();
    return;
  }
  if (!model.triangle_free) return;
  neighbours.emplace(model, PlacementDomains::Flows::kNeighbours);
  if (!neighbours->Start()) {
    neighbours.reset();
    return;
  }
  part_rank = RankParts(model);
  lowest_legal = neighbours;
  if (!lowest_legal->KeepLowestLegal()) lowest_legal.reset();
}

}  // namespace gopt
