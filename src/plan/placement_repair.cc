#include "src/plan/placement_repair.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <tuple>
#include <utility>

#include "gopt/base/check.h"
#include "src/plan/device_flow_graph.h"
#include "src/plan/placement_check.h"
#include "src/plan/placement_domains.h"

namespace gopt {
namespace {

// For each unit, the number of rules between units that its wanted device breaks.
class ConflictCounter {
 public:
  ConflictCounter(const PlacementModel& model, std::span<const DeviceId> wanted, bool neighbours)
      : model_(model), wanted_(wanted), neighbours_(neighbours), conflicts_(model.num_units, 0) {}

  std::vector<int32_t> Count() {
    if (model_.triangle_free && !neighbours_) KeepCommonFlows();
    for (int32_t unit = 0; unit < model_.num_units; ++unit) {
      for (const PlacementModel::Edge& edge : model_.Readers(unit)) {
        if (!Breaks(edge, wanted_[unit], wanted_[edge.unit])) continue;
        ++conflicts_[unit];
        ++conflicts_[edge.unit];
      }
    }
    CountApart();
    if (!model_.capacity.empty()) CountOverfull();
    return std::move(conflicts_);
  }

 private:
  bool Breaks(const PlacementModel::Edge& edge, DeviceId from, DeviceId to) const {
    if (from == to || from == kNone || to == kNone) return false;
    if (model_.some_route_missing &&
        !HasDevice({model_.route_to.data() + static_cast<size_t>(from) * model_.words,
                    static_cast<size_t>(model_.words)},
                   to)) {
      return true;
    }
    if (!edge.forward) return false;
    if (neighbours_) return to != from + 1;
    if (model_.forward_only && from > to) return true;
    return !kept_.empty() && kept_[Flow(from, to)] == 0;
  }

  size_t Flow(DeviceId from, DeviceId to) const {
    return static_cast<size_t>(from) * model_.num_devices + to;
  }

  // Of the wanted flows those that most edges make, as long as they close no triangle.
  void KeepCommonFlows() {
    std::vector<int32_t> count(static_cast<size_t>(model_.num_devices) * model_.num_devices, 0);
    std::vector<size_t> flows;
    for (int32_t unit = 0; unit < model_.num_units; ++unit) {
      for (const PlacementModel::Edge& edge : model_.Readers(unit)) {
        const DeviceId from = wanted_[unit], to = wanted_[edge.unit];
        if (!edge.forward || from == to || Breaks(edge, from, to)) continue;
        if (from == kNone || to == kNone) continue;
        if (count[Flow(from, to)]++ == 0) flows.push_back(Flow(from, to));
      }
    }
    std::sort(flows.begin(), flows.end(), [&](size_t a, size_t b) {
      return std::pair(-count[a], a) < std::pair(-count[b], b);
    });
    DeviceFlowGraph graph(model_.num_devices, model_.forward_only);
    kept_.assign(count.size(), 0);
    for (const size_t flow : flows) {
      kept_[flow] = graph.Add(static_cast<DeviceId>(flow / model_.num_devices),
                              static_cast<DeviceId>(flow % model_.num_devices));
    }
  }

  void CountApart() {
    std::vector<int32_t> first(model_.num_devices, kNone);  // Position of the member there.
    for (size_t rule = 0; rule + 1 < model_.apart_begin.size(); ++rule) {
      std::fill(first.begin(), first.end(), kNone);
      for (int32_t i = model_.apart_begin[rule]; i < model_.apart_begin[rule + 1]; ++i) {
        const PlacementModel::Apart& member = model_.apart[i];
        if (wanted_[member.unit] == kNone) continue;
        int32_t& other = first[wanted_[member.unit]];
        if (other == kNone) {
          other = i;
        } else if (model_.apart[other].op != member.op) {
          ++conflicts_[member.unit];
          ++conflicts_[model_.apart[other].unit];
        }
      }
    }
  }

  void CountOverfull() {
    std::vector<int64_t> load(model_.num_devices, 0);
    for (const int32_t unit : model_.heaviest) {
      const DeviceId device = wanted_[unit];
      if (device == kNone) continue;
      if (load[device] > model_.capacity[device] - model_.bytes[unit]) {
        ++conflicts_[unit];
      } else {
        load[device] += model_.bytes[unit];
      }
    }
  }

  const PlacementModel& model_;
  const std::span<const DeviceId> wanted_;
  const bool neighbours_;
  std::vector<uint8_t> kept_;  // [devices, devices]: wanted flows that may stay.
  std::vector<int32_t> conflicts_;
};

// Keeps what can be kept in the state, then decides the rest near what is wanted.
class Keeper {
 public:
  Keeper(const PlacementModel& model, std::span<const DeviceId> wanted, PlacementDomains state)
      : model_(model), wanted_(wanted), state_(std::move(state)), votes_(model.num_devices, 0) {}

  // Ends early, and returns false, once tries in vain have taken more than so many steps.
  bool Keep(const std::vector<int32_t>& conflicts, int64_t max_steps_in_vain) {
    NarrowUnits(conflicts);
    std::vector<int32_t> rest;
    for (int32_t unit = 0; unit < model_.num_units; ++unit) {
      if (!state_.decided(unit) && wanted_[unit] != kNone) rest.push_back(unit);
    }
    std::stable_sort(rest.begin(), rest.end(),
                     [&](int32_t a, int32_t b) { return conflicts[a] < conflicts[b]; });
    int64_t in_vain = 0;
    for (size_t i = 0; i < rest.size() && in_vain <= max_steps_in_vain; ++i) {
      const int64_t before = state_.steps();
      if (!KeepOne(rest[i])) in_vain += state_.steps() - before;
    }
    return in_vain <= max_steps_in_vain;
  }

  std::optional<std::vector<DeviceId>> Finish(std::span<const int32_t> order, NextUnit next,
                                              const SearchLimits& limits) {
    const auto choose = [this](int32_t unit, std::span<const uint64_t> possible) {
      return Nearest(unit, possible);
    };
    SearchOutcome outcome = SearchPlacement(order, next, choose, limits, &state_);
    if (outcome == SearchOutcome::kLimit) outcome = TakeLowest(order, limits, &state_);
    if (outcome != SearchOutcome::kFound) return std::nullopt;
    std::vector<DeviceId> devices(model_.num_units);
    for (int32_t unit = 0; unit < model_.num_units; ++unit) devices[unit] = state_.lowest(unit);
    return devices;
  }

 private:
  // All units without conflicts at once; no change if together they break a rule.
  void NarrowUnits(const std::vector<int32_t>& conflicts) {
    const size_t mark = state_.mark();
    bool agree = true;
    for (int32_t unit = 0; unit < model_.num_units && agree; ++unit) {
      if (conflicts[unit] > 0 || !Wanted(unit)) continue;
      agree = state_.Narrow(unit, wanted_[unit]);
    }
    agree = agree && state_.Propagate();
    if (!agree) state_.UndoTo(mark);
  }

  bool Wanted(int32_t unit) const {
    return wanted_[unit] != kNone && state_.IsPossible(unit, wanted_[unit]);
  }

  // False: that was tried in vain.
  bool KeepOne(int32_t unit) {
    if (state_.decided(unit) || !Wanted(unit)) return true;
    const size_t mark = state_.mark();
    if (state_.Assign(unit, wanted_[unit])) return true;
    state_.UndoTo(mark);
    return false;
  }

  // The wanted device; else the one with most neighbours, ties by distance, then lower id.
  DeviceId Nearest(int32_t unit, std::span<const uint64_t> possible) {
    const DeviceId wish = wanted_[unit];
    if (wish != kNone && HasDevice(possible, wish)) return wish;
    Vote(model_.Readers(unit), 1);
    Vote(model_.Sources(unit), 1);
    DeviceId best = kNone;
    const auto key = [&](DeviceId d) {
      return std::tuple(-votes_[d], wish == kNone ? 0 : std::abs(d - wish), d);
    };
    ForEachDevice(possible, [&](DeviceId d) {
      if (best == kNone || key(d) < key(best)) best = d;
    });
    Vote(model_.Readers(unit), -1);
    Vote(model_.Sources(unit), -1);
    return best;
  }

  void Vote(std::span<const PlacementModel::Edge> edges, int32_t change) {
    for (const PlacementModel::Edge& edge : edges) {
      if (state_.decided(edge.unit)) votes_[state_.lowest(edge.unit)] += change;
    }
  }

  const PlacementModel& model_;
  const std::span<const DeviceId> wanted_;
  PlacementDomains state_;
  std::vector<int32_t> votes_;
};

std::vector<int32_t> UsedBy(const PlacementModel& model, std::span<const DeviceId> wanted) {
  std::vector<int32_t> used(model.num_devices, 0);
  for (int32_t unit = 0; unit < model.num_units; ++unit) {
    if (wanted[unit] != kNone && model.runs(unit)) ++used[wanted[unit]];
  }
  return used;
}

// The lowest unused device below a used one from `low` on; num_devices: there is none.
DeviceId NextHole(const std::vector<int32_t>& used, DeviceId low) {
  const auto size = static_cast<DeviceId>(used.size());
  DeviceId top = size - 1;
  while (top > 0 && used[top] == 0) --top;
  while (low < top && used[low] > 0) ++low;
  return low < top ? low : size;
}

// Moves single units into skipped devices where their neighbours' order allows it.
std::vector<DeviceId> WithHolesFilled(const PlacementModel& model,
                                      std::span<const DeviceId> wanted) {
  std::vector<DeviceId> filled(wanted.begin(), wanted.end());
  std::vector<int32_t> used = UsedBy(model, wanted);
  for (int32_t unit = 0; unit < model.num_units; ++unit) {
    if (filled[unit] == kNone || !model.runs(unit) || used[filled[unit]] < 2) continue;
    DeviceId low = 0, high = model.num_devices - 1;
    for (const PlacementModel::Edge& edge : model.Sources(unit)) {
      if (edge.forward && model.forward_only) low = std::max(low, filled[edge.unit]);
    }
    for (const PlacementModel::Edge& edge : model.Readers(unit)) {
      if (!edge.forward || !model.forward_only || filled[edge.unit] == kNone) continue;
      high = std::min(high, filled[edge.unit]);
    }
    const DeviceId hole = NextHole(used, low);
    if (hole > high || hole == model.num_devices) continue;
    --used[filled[unit]];
    ++used[hole];
    filled[unit] = hole;
  }
  return filled;
}

// Closes ranks: the devices in use, in their order, become 0, 1, ...
std::vector<DeviceId> Compacted(const PlacementModel& model, std::span<const DeviceId> wanted) {
  const std::vector<int32_t> used = UsedBy(model, wanted);
  std::vector<DeviceId> rank(model.num_devices, 0);
  for (DeviceId d = 0, next = 0; d < model.num_devices; ++d) {
    rank[d] = next;
    next += used[d] > 0 ? 1 : 0;
  }
  std::vector<DeviceId> compacted(wanted.begin(), wanted.end());
  for (DeviceId& device : compacted) {
    if (device != kNone) device = rank[device];
  }
  return compacted;
}

int NumMoved(std::span<const DeviceId> devices, std::span<const DeviceId> wanted) {
  int count = 0;
  for (size_t unit = 0; unit < wanted.size(); ++unit) {
    if (wanted[unit] != kNone && wanted[unit] != devices[unit]) ++count;
  }
  return count;
}

class Repairer {
 public:
  Repairer(const PlacementModel& model, const PlacementRoots& roots, int64_t max_steps)
      : model_(model),
        roots_(roots),
        limits_(model.triangle_free ? FewSteps(model, max_steps) : SearchLimits{max_steps}),
        in_vain_(model.triangle_free ? 1'000 + static_cast<int64_t>(model.num_units)
                                     : std::numeric_limits<int64_t>::max() / 4),
        order_(TopologicalOrder(model, nullptr)) {}

  std::optional<std::vector<DeviceId>> Repair(std::span<const DeviceId> wanted) const {
    const bool holes =
        model_.no_skipped && NextHole(UsedBy(model_, wanted), 0) != model_.num_devices;
    auto devices = RepairFlows(holes ? WithHolesFilled(model_, wanted)
                                     : std::vector<DeviceId>(wanted.begin(), wanted.end()));
    if (!holes) return devices.has_value() ? std::move(devices) : Completable(wanted);
    if (devices.has_value() && NumMoved(*devices, wanted) <= 1) return devices;
    auto others = RepairFlows(wanted);
    if (!devices.has_value() && !others.has_value())
      others = RepairFlows(Compacted(model_, wanted));
    if (!devices.has_value() && !others.has_value()) return Completable(wanted);
    const bool first =
        devices.has_value() &&
        (!others.has_value() || NumMoved(*devices, wanted) <= NumMoved(*others, wanted));
    return first ? std::move(devices) : std::move(others);
  }

 private:
  std::optional<std::vector<DeviceId>> RepairFlows(std::span<const DeviceId> wanted) const {
    if (auto devices = KeepAnyFlows(wanted)) return devices;
    for (const auto* root : {&roots_.lowest_legal, &roots_.neighbours}) {
      if (!root->has_value()) continue;
      if (auto devices = KeepNeighbours(wanted, **root)) return devices;
    }
    return std::nullopt;
  }

  std::optional<std::vector<DeviceId>> KeepAnyFlows(std::span<const DeviceId> wanted) const {
    std::vector<int32_t> conflicts = ConflictCounter(model_, wanted, false).Count();
    auto devices = KeepAnyFlows(wanted, conflicts);
    if (devices.has_value() && NumMoved(*devices, wanted) <= 1) return devices;
    const auto in_conflict = [](int32_t count) { return count > 0; };
    if (std::count_if(conflicts.begin(), conflicts.end(), in_conflict) != 2) return devices;
    // Two units break a rule between them: now the other one is kept first.
    ++*std::find_if(conflicts.begin(), conflicts.end(), in_conflict);
    auto others = KeepAnyFlows(wanted, conflicts);
    const bool other =
        others.has_value() &&
        (!devices.has_value() || NumMoved(*others, wanted) < NumMoved(*devices, wanted));
    return other ? others : devices;
  }

  // Gives up early on what is far from legal, if another way is left.
  std::optional<std::vector<DeviceId>> KeepAnyFlows(std::span<const DeviceId> wanted,
                                                    const std::vector<int32_t>& conflicts) const {
    Keeper keeper(model_, wanted, *roots_.any);
    const bool near = keeper.Keep(conflicts, in_vain_);
    if (!near && roots_.lowest_legal.has_value()) return std::nullopt;
    return keeper.Finish(order_, NextUnit::kConflictFirst, limits_);
  }

  std::optional<std::vector<DeviceId>> KeepNeighbours(std::span<const DeviceId> wanted,
                                                      const PlacementDomains& root) const {
    Keeper keeper(model_, wanted, root);
    keeper.Keep(ConflictCounter(model_, wanted, true).Count(), 4 * in_vain_);
    return keeper.Finish(order_, NextUnit::kConflictFirst, limits_);
  }

  // In topological order, nothing kept beforehand.
  std::optional<std::vector<DeviceId>> Completable(std::span<const DeviceId> wanted) const {
    PlacementDomains state = *roots_.any;
    if (model_.triangle_free && !state.KeepCompletable()) state = *roots_.any;
    return Keeper(model_, wanted, std::move(state)).Finish(order_, NextUnit::kInOrder, limits_);
  }

  const PlacementModel& model_;
  const PlacementRoots& roots_;
  const SearchLimits limits_;
  const int64_t in_vain_;  // Steps that tries to keep a unit in vain may take.
  const std::vector<int32_t> order_;
};

}  // namespace

std::optional<std::vector<DeviceId>> RepairPlacement(const PlacementModel& model,
                                                     const PlacementRoots& roots,
                                                     std::span<const DeviceId> wanted,
                                                     int64_t max_steps) {
  return Repairer(model, roots, max_steps).Repair(wanted);
}

void MoveBack(const PlacementModel& model, std::span<const DeviceId> wanted,
              std::vector<DeviceId>* devices) {
  PlacementCheck check(model);
  GOPT_CHECK(check.Load(*devices));
  std::vector<int32_t> away;
  for (int32_t unit = 0; unit < model.num_units; ++unit) {
    if (wanted[unit] != kNone && wanted[unit] != (*devices)[unit]) away.push_back(unit);
  }
  for (size_t before = away.size() + 1; away.size() < before;) {
    before = away.size();
    std::erase_if(away, [&](int32_t unit) { return check.Move(unit, wanted[unit]); });
  }
  *devices = check.devices();
}

}  // namespace gopt
