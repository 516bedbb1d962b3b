#include "src/solve/exact_memo.h"

#include <algorithm>
#include <cstddef>

namespace gopt {
namespace {

constexpr size_t kMostWords = size_t{1} << 25;  // 256 MiB.
constexpr int kMostCompared = 128;              // Entries of one hash, newest first.
constexpr int64_t kHeader = 4;                  // next, lengths of key, times and sets
constexpr int64_t kEnd = -1;

}  // namespace

void ExactMemo::Clear() {
  arena_.clear();
  first_.clear();
}

bool ExactMemo::IsMonotone(const ExactState& state) const {
  if (!instance_.open_order) return false;
  if (!instance_.contention) return true;
  const Bits asking = instance_.asking & ~state.settled & ~state.started;
  return instance_.channels_have_one_source && asking == 0;
}

void ExactMemo::Describe(const ExactState& state) {
  key_.clear();
  times_.clear();
  sets_.clear();
  const bool monotone = IsMonotone(state);
  DescribeKey(state, monotone);
  DescribeTimes(state, monotone);
  for (DeviceId d = 0; d < instance_.num_devices; ++d) {
    sets_.push_back(static_cast<int64_t>(state.refused[d] & ~state.started));
  }
}

void ExactMemo::DescribeKey(const ExactState& state, bool monotone) {
  const auto add = [&](Bits bits) { key_.push_back(static_cast<int64_t>(bits)); };
  // Without contention nobody looks at who still runs: the tensors' arrivals are known.
  const bool runs_matter = instance_.contention || instance_.roaming != instance_.all_tasks;
  const Bits left = instance_.all_tasks & ~state.started;
  add(static_cast<Bits>(state.cursor) * 2 + (monotone ? 1 : 0));
  add(state.started);
  add(state.used);
  if (runs_matter) {
    add(state.done);
    add(state.settled & left);
    for (int k : Each(state.started & ~state.done)) add(state.open[k]);
  }
  for (int k : Each(left)) add(state.open[k]);
  if (instance_.places_matter) {
    for (int k : Each(state.started)) add(state.open[k]);
  }
  for (size_t p = 0; p < instance_.parameters.size(); ++p) {
    if ((instance_.parameters[p].readers & left & ~state.settled) == 0) continue;
    add(static_cast<Bits>(state.home[p] + 1));
    Bits booked = 0;
    for (DeviceId d = 0; d < instance_.num_devices; ++d) {
      const int pair = instance_.pair(static_cast<int>(p), d);
      if (state.arrival[pair] != ExactState::kNotBooked) booked |= Bit(d);
    }
    add(booked);
  }
  if (!monotone) add(state.fresh);
}

// In a monotone state these may be compared; else they are part of the key, from now on, and the
// only time to compare is now.
void ExactMemo::DescribeTimes(const ExactState& state, bool monotone) {
  std::vector<int64_t>& out = monotone ? times_ : key_;
  const Nanoseconds zero = monotone ? 0 : state.now;
  const auto add = [&](Nanoseconds time) { out.push_back(std::max(time, state.now) - zero); };
  const Bits left = instance_.all_tasks & ~state.started;
  for (DeviceId d = 0; d < instance_.num_devices; ++d) add(state.free[d]);
  for (int k : Each(left)) {
    if ((instance_.before[k] & state.started) == 0 && !Has(state.settled, k)) continue;
    const bool asks = Has(instance_.asking & ~state.settled, k);
    for (int d : Each(state.open[k])) {
      // A task cannot start before its device is free, but it may ask for parameters.
      const Nanoseconds ready = state.ready[k * instance_.num_devices + d];
      add(asks ? ready : std::max(ready, state.free[d]));
    }
  }
  for (Nanoseconds free : state.channel_free) add(free);
  for (size_t p = 0; p < instance_.parameters.size(); ++p) {
    if ((instance_.parameters[p].readers & left & ~state.settled) == 0) continue;
    for (DeviceId d = 0; d < instance_.num_devices; ++d) {
      add(state.arrival[instance_.pair(static_cast<int>(p), d)]);
    }
  }
  if (!monotone) times_.push_back(state.now);
}

uint64_t ExactMemo::HashKey() const {
  uint64_t hash = 0x9e3779b97f4a7c15u;
  for (int64_t word : key_) {
    hash = (hash ^ static_cast<uint64_t>(word)) * 0xbf58476d1ce4e5b9u;
    hash ^= hash >> 29;
  }
  return hash;
}

bool ExactMemo::KeyIs(int64_t entry) const {
  return arena_[entry + 1] == static_cast<int64_t>(key_.size()) &&
         arena_[entry + 2] == static_cast<int64_t>(times_.size()) &&
         std::equal(key_.begin(), key_.end(), arena_.begin() + entry + kHeader);
}

bool ExactMemo::NoLarger(const int64_t* values) const {
  for (size_t i = 0; i < times_.size(); ++i) {
    if (values[i] > times_[i]) return false;
  }
  return SubsetsOf(values + times_.size(), true);
}

bool ExactMemo::NoSmaller(const int64_t* values) const {
  for (size_t i = 0; i < times_.size(); ++i) {
    if (values[i] < times_[i]) return false;
  }
  return SubsetsOf(values + times_.size(), false);
}

bool ExactMemo::SubsetsOf(const int64_t* values, bool stored_in_described) const {
  for (size_t i = 0; i < sets_.size(); ++i) {
    const int64_t small = stored_in_described ? values[i] : sets_[i];
    const int64_t large = stored_in_described ? sets_[i] : values[i];
    if ((small & ~large) != 0) return false;
  }
  return true;
}

bool ExactMemo::Covers(const ExactState& state) {
  Describe(state);
  const auto found = first_.find(HashKey());
  if (found == first_.end()) return false;
  int compared = 0;
  for (int64_t entry = found->second; entry != kEnd && compared < kMostCompared;
       entry = arena_[entry], ++compared) {
    if (KeyIs(entry) && NoLarger(arena_.data() + entry + kHeader + key_.size())) return true;
  }
  return false;
}

void ExactMemo::Add(const ExactState& state) {
  Describe(state);
  const auto [it, added] = first_.try_emplace(HashKey(), kEnd);
  int compared = 0;
  for (int64_t entry = it->second; entry != kEnd && compared < kMostCompared;
       entry = arena_[entry], ++compared) {
    if (!KeyIs(entry)) continue;
    int64_t* const values = arena_.data() + entry + kHeader + key_.size();
    if (!NoSmaller(values)) continue;
    std::copy(times_.begin(), times_.end(), values);
    std::copy(sets_.begin(), sets_.end(), values + times_.size());
    return;
  }
  const size_t size = kHeader + key_.size() + times_.size() + sets_.size();
  if (arena_.size() + size > kMostWords) return;
  const auto entry = static_cast<int64_t>(arena_.size());
  arena_.insert(arena_.end(), {it->second, static_cast<int64_t>(key_.size()),
                               static_cast<int64_t>(times_.size()), 0});
  arena_.insert(arena_.end(), key_.begin(), key_.end());
  arena_.insert(arena_.end(), times_.begin(), times_.end());
  arena_.insert(arena_.end(), sets_.begin(), sets_.end());
  it->second = entry;
}

}  // namespace gopt
