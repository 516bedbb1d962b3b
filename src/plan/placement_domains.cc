#include "src/plan/placement_domains.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace gopt {

PlacementDomains::PlacementDomains(const PlacementModel& model, Flows flows)
    : model_(&model),
      num_words_(model.words),
      neighbours_(flows == Flows::kNeighbours),
      ordered_(model.forward_only || neighbours_),
      tracks_flows_(model.triangle_free && !neighbours_),
      counts_(model.no_skipped || tracks_flows_),
      words_(model.domain),
      size_(model.num_units, 0),
      settled_(model.num_units, 0),
      used_(model.num_devices, 0),
      load_(model.capacity.size(), 0),
      heavier_(model.capacity.size(), 0),
      candidates_(counts_ ? model.num_devices : 0, 0),
      which_(candidates_.size(), 0),
      flows_(tracks_flows_ ? model.num_devices : 0, ordered_),
      flow_sets_(tracks_flows_ && ordered_ ? model.num_devices : 0),
      open_out_(tracks_flows_ ? model.num_devices : 0, 0),
      open_in_(open_out_),
      queued_(model.num_units, 0) {}

bool PlacementDomains::Start() {
  if (model_->contradiction) return Fail();
  for (int32_t unit = 0; unit < model_->num_units; ++unit) {
    num_running_ += model_->runs(unit) ? 1 : 0;
    for (size_t w = 0; w < num_words_; ++w) {
      const size_t word = static_cast<size_t>(unit) * num_words_ + w;
      size_[unit] += std::popcount(words_[word]);
      Count(word, words_[word], 1);
    }
    wiped_ = unit;
    if (size_[unit] == 0) return Fail();
    queue_.push_back(unit);
    queued_[unit] = 1;
  }
  return Propagate();
}

bool PlacementDomains::Narrow(int32_t unit, DeviceId device) {
  for (size_t w = 0; w < num_words_; ++w) {
    const bool here = w == static_cast<size_t>(device) / 64;
    if (!Keep(unit, w, here ? uint64_t{1} << (device % 64) : 0)) return false;
  }
  return true;
}

bool PlacementDomains::Assign(int32_t unit, DeviceId device) {
  return Narrow(unit, device) && Propagate();
}

bool PlacementDomains::Exclude(int32_t unit, DeviceId device) {
  return Keep(unit, static_cast<size_t>(device) / 64, ~(uint64_t{1} << (device % 64))) &&
         Propagate();
}

bool PlacementDomains::Propagate() {
  do {
    for (size_t i = 0; i < queue_.size(); ++i) {
      const int32_t unit = queue_[i];
      queued_[unit] = 0;
      ++steps_;
      if (!Spread(unit)) {
        for (size_t j = i + 1; j < queue_.size(); ++j) queued_[queue_[j]] = 0;
        queue_.clear();
        return false;
      }
    }
    queue_.clear();
    if (model_->no_skipped && !Cover()) return Fail();
    if (!lowest_count_.empty() && num_lowest_ <= top_) return Fail();  // Cover() has set wiped_.
  } while (!queue_.empty());
  if (!std::exchange(recheck_, false) || !keeps_completable_ || Completable()) return true;
  recheck_ = true;
  return Fail();
}

// Leaves nothing queued.
bool PlacementDomains::Fail() {
  for (const int32_t unit : queue_) queued_[unit] = 0;
  queue_.clear();
  return false;
}

void PlacementDomains::UndoTo(size_t mark) {
  Fail();
  while (trail_.size() > mark) {
    const Change change = trail_.back();
    trail_.pop_back();
    switch (change.kind) {
      case Kind::kWord: {
        const uint64_t back = change.old & ~words_[change.index];
        const auto unit = static_cast<int32_t>(change.index / num_words_);
        CountLowest(unit, -1);
        words_[change.index] = change.old;
        CountLowest(unit, 1);
        size_[unit] += std::popcount(back);
        Count(change.index, back, 1);
        break;
      }
      case Kind::kSettled:
        CountSettled(change.index, static_cast<DeviceId>(change.old), -1);
        settled_[change.index] = 0;
        break;
      case Kind::kFlow:
        flows_.Remove(change.index, static_cast<DeviceId>(change.old));
        ++flow_version_;
        break;
      case Kind::kTop:
        top_ = static_cast<DeviceId>(change.old);
        break;
      case Kind::kHeavier:
        heavier_[change.index] = change.old;
        break;
    }
  }
  recheck_ = keeps_completable_;
}

bool PlacementDomains::Keep(int32_t unit, size_t word, uint64_t mask) {
  const size_t index = static_cast<size_t>(unit) * num_words_ + word;
  const uint64_t removed = words_[index] & ~mask;
  if (removed == 0) return true;
  trail_.push_back({Kind::kWord, static_cast<int32_t>(index), words_[index]});
  CountLowest(unit, -1);
  words_[index] &= mask;
  CountLowest(unit, 1);
  size_[unit] -= std::popcount(removed);
  Count(index, removed, -1);
  if (size_[unit] == 0) {
    wiped_ = unit;
    return Fail();
  }
  if (queued_[unit] == 0) {
    queued_[unit] = 1;
    queue_.push_back(unit);
  }
  return true;
}

bool PlacementDomains::KeepAtLeast(int32_t unit, DeviceId device) {
  const size_t last = static_cast<size_t>(device) / 64;
  for (size_t w = 0; w < last; ++w) {
    if (!Keep(unit, w, 0)) return false;
  }
  return Keep(unit, last, ~uint64_t{0} << (device % 64));
}

bool PlacementDomains::KeepAtMost(int32_t unit, DeviceId device) {
  const size_t first = static_cast<size_t>(device) / 64;
  if (!Keep(unit, first, ~uint64_t{0} >> (63 - device % 64))) return false;
  for (size_t w = first + 1; w < num_words_; ++w) {
    if (!Keep(unit, w, 0)) return false;
  }
  return true;
}

bool PlacementDomains::KeepSet(int32_t unit, std::span<const uint64_t> set) {
  for (size_t w = 0; w < num_words_; ++w) {
    if (!Keep(unit, w, set[w])) return false;
  }
  return true;
}

void PlacementDomains::Count(size_t word, uint64_t bits, int change) {
  const auto unit = static_cast<int32_t>(word / num_words_);
  if (!counts_ || !model_->runs(unit)) return;
  const auto first = static_cast<DeviceId>(word % num_words_ * 64);
  for (; bits != 0; bits &= bits - 1) {
    const DeviceId d = first + std::countr_zero(bits);
    candidates_[d] += change;
    which_[d] ^= unit;
    if (change < 0 && d == completion_) recheck_ = true;
  }
}

// A unit with no device left has none.
void PlacementDomains::CountLowest(int32_t unit, int change) {
  if (lowest_count_.empty() || !model_->runs(unit)) return;
  const std::span<const uint64_t> left = possible(unit);
  if (std::all_of(left.begin(), left.end(), [](uint64_t word) { return word == 0; })) return;
  int32_t& count = lowest_count_[LowestDevice(left)];
  const bool none = count == 0;
  count += change;
  if (none || count == 0) num_lowest_ += change;
}

// Shrinks what the unit's neighbours may have, and books its device once it has one left.
bool PlacementDomains::Spread(int32_t unit) {
  if (model_->no_skipped && model_->runs(unit)) RaiseTop(LowestDevice(possible(unit)));
  if (ordered_ && !SpreadOrder(unit)) return false;
  if (model_->some_route_missing && !SpreadRoutes(unit)) return false;
  return size_[unit] > 1 || settled_[unit] != 0 || Settle(unit);
}

void PlacementDomains::RaiseTop(DeviceId device) {
  if (device <= top_) return;
  trail_.push_back({Kind::kTop, 0, static_cast<uint64_t>(static_cast<int64_t>(top_))});
  top_ = device;
}

bool PlacementDomains::SpreadOrder(int32_t unit) {
  const DeviceId low = LowestDevice(possible(unit)), high = HighestDevice(possible(unit));
  const DeviceId last = model_->num_devices - 1;
  for (const PlacementModel::Edge& edge : model_->Readers(unit)) {
    if (!edge.forward) continue;
    if (!KeepAtLeast(edge.unit, low)) return false;
    if (neighbours_ && high < last && !KeepAtMost(edge.unit, high + 1)) return false;
  }
  for (const PlacementModel::Edge& edge : model_->Sources(unit)) {
    if (!edge.forward) continue;
    if (!KeepAtMost(edge.unit, high)) return false;
    if (neighbours_ && low > 0 && !KeepAtLeast(edge.unit, low - 1)) return false;
  }
  return true;
}

bool PlacementDomains::SpreadRoutes(int32_t unit) {
  if (size_[unit] == model_->num_devices) return true;
  std::vector<uint64_t> to(num_words_, 0), from(num_words_, 0);
  ForEachDevice(possible(unit), [&](DeviceId d) {
    for (size_t w = 0; w < num_words_; ++w) {
      to[w] |= model_->route_to[d * num_words_ + w];
      from[w] |= model_->route_from[d * num_words_ + w];
    }
  });
  for (const PlacementModel::Edge& edge : model_->Readers(unit)) {
    if (!KeepSet(edge.unit, to)) return false;
  }
  for (const PlacementModel::Edge& edge : model_->Sources(unit)) {
    if (!KeepSet(edge.unit, from)) return false;
  }
  return true;
}

bool PlacementDomains::Settle(int32_t unit) {
  const DeviceId device = LowestDevice(possible(unit));
  settled_[unit] = 1;
  CountSettled(unit, device, 1);
  trail_.push_back({Kind::kSettled, unit, static_cast<uint64_t>(device)});
  wiped_ = unit;
  if (!SettleApart(unit, device)) return false;
  if (!load_.empty() && !SettleBytes(unit, device)) return false;
  return !tracks_flows_ || SettleFlows(unit, device);
}

void PlacementDomains::CountSettled(int32_t unit, DeviceId device, int change) {
  if (!load_.empty()) load_[device] += change * model_->bytes[unit];
  if (!model_->runs(unit)) return;
  const bool first = used_[device] == 0;
  used_[device] += change;
  if (first || used_[device] == 0) num_used_ += change;
  num_running_settled_ += change;
  if (tracks_flows_) CountOpenEdges(unit, device, change);
}

// An edge is open from when one end is settled until both are. The settled units are the same when
// this is undone.
void PlacementDomains::CountOpenEdges(int32_t unit, DeviceId device, int change) {
  const auto count = [&](std::span<const PlacementModel::Edge> edges, std::vector<int32_t>& here,
                         std::vector<int32_t>& there) {
    for (const PlacementModel::Edge& edge : edges) {
      if (!edge.forward) continue;
      if (settled_[edge.unit] != 0) {
        there[LowestDevice(possible(edge.unit))] -= change;
      } else {
        recheck_ = recheck_ || here[device] == 0;
        here[device] += change;
      }
    }
  };
  count(model_->Readers(unit), open_out_, open_in_);
  count(model_->Sources(unit), open_in_, open_out_);
}

bool PlacementDomains::SettleApart(int32_t unit, DeviceId device) {
  for (const int32_t rule : PlacementModel::Row(model_->rules, model_->rule_begin, unit)) {
    const auto members = PlacementModel::Row(model_->apart, model_->apart_begin, rule);
    const auto self = std::find_if(members.begin(), members.end(),
                                   [&](const auto& member) { return member.unit == unit; });
    const uint64_t others = ~(uint64_t{1} << (device % 64));
    for (const PlacementModel::Apart& member : members) {
      if (member.op == self->op) continue;
      if (!Keep(member.unit, static_cast<size_t>(device) / 64, others)) return false;
    }
  }
  return true;
}

bool PlacementDomains::SettleBytes(int32_t unit, DeviceId device) {
  if (model_->bytes[unit] == 0) return true;
  const int64_t left = model_->capacity[device] - load_[device];
  if (left < 0) return Fail();
  const uint64_t others = ~(uint64_t{1} << (device % 64));
  uint64_t position = heavier_[device];
  for (; position < model_->heaviest.size(); ++position) {
    const int32_t heavy = model_->heaviest[position];
    if (model_->bytes[heavy] <= left) break;
    if (settled_[heavy] != 0 || size_[heavy] == 1) continue;
    if (!Keep(heavy, static_cast<size_t>(device) / 64, others)) return false;
  }
  trail_.push_back({Kind::kHeavier, device, std::exchange(heavier_[device], position)});
  return true;
}

bool PlacementDomains::SettleFlows(int32_t unit, DeviceId device) {
  for (const PlacementModel::Edge& edge : model_->Readers(unit)) {
    if (!edge.forward || settled_[edge.unit] == 0) continue;
    if (!AddFlow(device, LowestDevice(possible(edge.unit)))) return Fail();
  }
  for (const PlacementModel::Edge& edge : model_->Sources(unit)) {
    if (!edge.forward || settled_[edge.unit] == 0) continue;
    if (!AddFlow(LowestDevice(possible(edge.unit)), device)) return Fail();
  }
  if (flow_sets_.empty()) return true;
  RefreshFlowSets(device);
  const FlowSets& sets = flow_sets_[device];
  for (const PlacementModel::Edge& edge : model_->Readers(unit)) {
    if (edge.forward && settled_[edge.unit] == 0 && !KeepSet(edge.unit, sets.readers)) return false;
  }
  for (const PlacementModel::Edge& edge : model_->Sources(unit)) {
    if (edge.forward && settled_[edge.unit] == 0 && !KeepSet(edge.unit, sets.sources)) return false;
  }
  return true;
}

bool PlacementDomains::AddFlow(DeviceId from, DeviceId to) {
  if (from == to || flows_.Has(from, to)) return true;
  if (!flows_.Add(from, to)) return false;
  trail_.push_back({Kind::kFlow, from, static_cast<uint64_t>(to)});
  ++flow_version_;
  recheck_ = true;
  return true;
}

void PlacementDomains::RefreshFlowSets(DeviceId device) {
  FlowSets& sets = flow_sets_[device];
  if (std::exchange(sets.version, flow_version_) == flow_version_) return;
  sets.readers.resize(num_words_);
  sets.sources.resize(num_words_);
  flows_.AllowedReaders(device, sets.readers);
  flows_.AllowedSources(device, sets.sources);
}

// Every device up to the highest that is needed has a candidate; the only one goes there; and there
// are as many undecided units as unused devices.
bool PlacementDomains::Cover() {
  wiped_ = kNone;
  const int holes = top_ + 1 - num_used_;
  if (holes <= 0) return true;
  if (holes > num_running_ - num_running_settled_) return false;
  for (DeviceId d = 0; d <= top_; ++d) {
    if (used_[d] > 0) continue;
    if (candidates_[d] == 0) return false;
    if (candidates_[d] == 1 && !Narrow(which_[d], d)) return false;
  }
  return true;
}

bool PlacementDomains::KeepCompletable() {
  keeps_completable_ = true;
  recheck_ = true;
  return Propagate();
}

bool PlacementDomains::KeepLowestLegal() {
  keeps_lowest_ = true;
  if (!model_->no_skipped) return true;
  lowest_count_.assign(model_->num_devices, 0);
  for (int32_t unit = 0; unit < model_->num_units; ++unit) CountLowest(unit, 1);
  return Propagate();
}

bool PlacementDomains::Completable() {
  wiped_ = kNone;
  if (CompletableOn(completion_)) return true;
  for (DeviceId d = 0; d < model_->num_devices; ++d) {
    if (d == completion_ || !CompletableOn(d)) continue;
    completion_ = d;
    return true;
  }
  return false;
}

// Tries the flows that the units left would add on one device, and takes them back.
bool PlacementDomains::CompletableOn(DeviceId device) {
  if (model_->no_skipped && device > top_ + 1) return false;
  if (candidates_[device] - used_[device] < num_running_ - num_running_settled_) return false;
  std::vector<std::pair<DeviceId, DeviceId>> added;
  bool fits = true;
  for (DeviceId d = 0; d < model_->num_devices && fits; ++d) {
    if (d == device) continue;
    if (open_out_[d] > 0 && !flows_.Has(d, device)) {
      fits = (!ordered_ || d < device) && flows_.Add(d, device);
      if (fits) added.push_back({d, device});
    }
    if (fits && open_in_[d] > 0 && !flows_.Has(device, d)) {
      fits = (!ordered_ || device < d) && flows_.Add(device, d);
      if (fits) added.push_back({device, d});
    }
  }
  for (const auto& [from, to] : added) flows_.Remove(from, to);
  return fits;
}

}  // namespace gopt
