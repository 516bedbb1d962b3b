#include "src/solve/peak_state.h"

#include <algorithm>

#include "gopt/base/random.h"

namespace gopt {
namespace {

constexpr uint64_t kHashSeed = 1;

// A list without order of integers, each at a known place.
void Append(int32_t value, std::vector<int32_t>* list, std::vector<int32_t>* at) {
  (*at)[value] = static_cast<int32_t>(list->size());
  list->push_back(value);
}

void Remove(int32_t value, std::vector<int32_t>* list, std::vector<int32_t>* at) {
  const int32_t place = (*at)[value];
  (*list)[place] = list->back();
  (*at)[list->back()] = place;
  list->pop_back();
  (*at)[value] = kNone;
}

}  // namespace

PeakState::PeakState(const PeakInstance& instance)
    : instance_(instance), live_(instance.base_bytes) {
  const int items = instance.num_items();
  const int tensors = instance.num_tensors();
  ready_at_.assign(items, kNone);
  giving_at_.assign(items, kNone);
  start_.assign(items, 0);
  give_.assign(items, 0);
  taken_.assign(tensors, 0);
  for (int32_t tensor = 0; tensor < tensors; ++tensor) {
    const int64_t bytes = instance.bytes[tensor];
    if (instance.takers[tensor].empty()) live_ += bytes;
    for (int32_t item : instance.takers[tensor]) start_[item] += bytes;
    const auto givers = instance.givers[tensor];
    left_.push_back(static_cast<int32_t>(givers.size()));
    int32_t all = 0;
    for (int32_t item : givers) all ^= item;
    last_.push_back(all);
    if (givers.size() == 1) give_[givers[0]] += bytes;
  }
  Random random(kHashSeed);
  for (int32_t item = 0; item < items; ++item) {
    key_.emplace_back(random.Next(), random.Next());
    waiting_.push_back(static_cast<int32_t>(instance.predecessors[item].size()));
  }
  for (int32_t item = 0; item < items; ++item) {
    if (waiting_[item] == 0) AddReady(item);
  }
}

void PeakState::AddReady(int32_t item) {
  Append(item, &ready_, &ready_at_);
  Refresh(item);
}

void PeakState::RemoveReady(int32_t item) {
  Remove(item, &ready_, &ready_at_);
  Refresh(item);
}

void PeakState::Refresh(int32_t item) {
  const bool gives = ready_at_[item] != kNone && NetBytes(item) <= 0;
  if (gives == (giving_at_[item] != kNone)) return;
  if (gives) {
    Append(item, &giving_, &giving_at_);
  } else {
    Remove(item, &giving_, &giving_at_);
  }
}

// The tensor is taken (sign 1) or no longer taken (-1); its other takers need not take it, or must.
void PeakState::Take(int32_t tensor, int32_t by, int sign) {
  const int64_t bytes = sign * instance_.bytes[tensor];
  live_ += bytes;
  for (int32_t other : instance_.takers[tensor]) {
    if (other == by) continue;
    start_[other] -= bytes;
    Refresh(other);
  }
}

void PeakState::GiveOne(int32_t tensor, int32_t item) {
  last_[tensor] ^= item;
  const int32_t left = --left_[tensor];
  if (left == 0) live_ -= instance_.bytes[tensor];
  if (left != 1) return;
  give_[last_[tensor]] += instance_.bytes[tensor];
  Refresh(last_[tensor]);
}

void PeakState::UngiveOne(int32_t tensor, int32_t item) {
  const int32_t left = left_[tensor]++;
  if (left == 0) live_ += instance_.bytes[tensor];
  if (left == 1) {
    give_[last_[tensor]] -= instance_.bytes[tensor];
    Refresh(last_[tensor]);
  }
  last_[tensor] ^= item;
}

void PeakState::Do(int32_t item) {
  ++steps_;
  RemoveReady(item);
  order_.push_back(item);
  hash_.first ^= key_[item].first;
  hash_.second ^= key_[item].second;
  for (int32_t tensor : instance_.takes[item]) {
    if (taken_[tensor]++ == 0) Take(tensor, item, 1);
  }
  for (int32_t tensor : instance_.gives[item]) GiveOne(tensor, item);
  for (int32_t next : instance_.successors[item]) {
    if (--waiting_[next] == 0) AddReady(next);
  }
}

void PeakState::Undo(int32_t item) {
  ++steps_;
  for (int32_t next : instance_.successors[item]) {
    if (waiting_[next]++ == 0) RemoveReady(next);
  }
  for (int32_t tensor : instance_.gives[item]) UngiveOne(tensor, item);
  for (int32_t tensor : instance_.takes[item]) {
    if (--taken_[tensor] == 0) Take(tensor, item, -1);
  }
  hash_.first ^= key_[item].first;
  hash_.second ^= key_[item].second;
  AddReady(item);
}

void PeakState::UndoTo(size_t length) {
  while (order_.size() > length) {
    const int32_t item = order_.back();
    order_.pop_back();
    Undo(item);
  }
}

void PeakState::ForceWithin(int64_t budget) {
  while (true) {
    while (ForceSingle(budget)) continue;
    bool found = false;
    const auto tried = std::min<size_t>(ready_.size(), kMostTried);
    for (size_t i = 0; i < tried && !found; ++i) {
      found = ForceFrom(ready_[ready_.size() - 1 - i], budget);
    }
    if (!found) return;
  }
}

bool PeakState::ForceSingle(int64_t budget) {
  for (int32_t item : giving_) {
    if (RunBytes(item) > budget) continue;
    Do(item);
    return true;
  }
  return false;
}

// The only one of `open_` may take; the others must give back.
bool PeakState::ForceFrom(int32_t item, int64_t budget) {
  const size_t length = order_.size();
  const int64_t before = live_;
  open_.assign(1, item);
  while (open_.size() == 1 && RunBytes(open_[0]) <= budget && order_.size() < length + kMostLong) {
    DoAndOpen(open_[0], &open_);
    if (live_ <= before || GiveBackAmong(&open_, budget, before)) return true;
  }
  UndoTo(length);
  return false;
}

bool PeakState::GiveBackAmong(std::vector<int32_t>* open, int64_t budget, int64_t until) {
  for (size_t i = 0; i < open->size();) {
    const int32_t item = (*open)[i];
    if (NetBytes(item) > 0 || RunBytes(item) > budget) {
      ++i;
      continue;
    }
    DoAndOpen(item, open);
    if (live_ <= until) return true;
    i = 0;
  }
  return false;
}

void PeakState::DoAndOpen(int32_t item, std::vector<int32_t>* open) {
  open->erase(std::find(open->begin(), open->end(), item));
  Do(item);
  for (int32_t next : instance_.successors[item]) {
    if (waiting_[next] == 0) open->push_back(next);
  }
}

std::vector<int64_t> RunBytesAlong(const PeakInstance& instance, std::span<const int32_t> order) {
  PeakState state(instance);
  std::vector<int64_t> bytes;
  for (int32_t item : order) {
    bytes.push_back(state.RunBytes(item));
    state.Do(item);
  }
  return bytes;
}

}  // namespace gopt
