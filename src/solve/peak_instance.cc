#include "src/solve/peak_instance.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace gopt {
namespace {

// Marks all that is reached from the item along the rows, itself included.
void MarkReached(const Rows& next, int32_t item, std::vector<uint8_t>* marked) {
  std::vector<int32_t> open = {item};
  (*marked)[item] = 1;
  while (!open.empty()) {
    const int32_t from = open.back();
    open.pop_back();
    for (int32_t to : next[from]) {
      if ((*marked)[to] != 0) continue;
      (*marked)[to] = 1;
      open.push_back(to);
    }
  }
}

bool AnyMarked(std::span<const int32_t> items, const std::vector<uint8_t>& marked) {
  return std::any_of(items.begin(), items.end(), [&](int32_t item) { return marked[item] != 0; });
}

// Copies what of an instance concerns some consecutive items of an order.
class WindowMaker {
 public:
  WindowMaker(const PeakInstance& whole, std::span<const int32_t> order, int first, int last)
      : whole_(whole), order_(order), first_(first), last_(last), position_(order.size()) {
    for (size_t i = 0; i < order.size(); ++i) position_[order[i]] = static_cast<int32_t>(i);
  }

  PeakInstance Make() {
    PeakInstance window;
    for (int i = first_; i < last_; ++i) {
      window.run_bytes.push_back(whole_.run_bytes[order_[i]]);
      window.takes_time.push_back(whole_.takes_time[order_[i]]);
      window.successors.Add(Inside(whole_.successors[order_[i]]));
      window.program.push_back(i - first_);
    }
    window.base_bytes = whole_.base_bytes;
    for (int32_t tensor = 0; tensor < whole_.num_tensors(); ++tensor) AddTensor(tensor, &window);
    window.FillRowsOfItems();
    return window;
  }

 private:
  std::vector<int32_t> Inside(std::span<const int32_t> items) const {
    std::vector<int32_t> inside;
    for (int32_t item : items) {
      const int32_t at = position_[item];
      if (at >= first_ && at < last_) inside.push_back(at - first_);
    }
    std::sort(inside.begin(), inside.end());
    return inside;
  }

  // One that lives all through the window is part of its base.
  void AddTensor(int32_t tensor, PeakInstance* window) const {
    const auto before = [&](int32_t item) { return position_[item] < first_; };
    const auto after = [&](int32_t item) { return position_[item] >= last_; };
    const auto takers = whole_.takers[tensor], givers = whole_.givers[tensor];
    const bool taken = takers.empty() || std::any_of(takers.begin(), takers.end(), before);
    const bool kept = givers.empty() || std::any_of(givers.begin(), givers.end(), after);
    if (!taken && std::all_of(takers.begin(), takers.end(), after)) return;
    if (!kept && std::all_of(givers.begin(), givers.end(), before)) return;
    if (taken && kept) {
      window->base_bytes += whole_.bytes[tensor];
      return;
    }
    window->bytes.push_back(whole_.bytes[tensor]);
    window->takers.Add(taken ? std::vector<int32_t>() : Inside(takers));
    window->givers.Add(kept ? std::vector<int32_t>() : Inside(givers));
  }

  const PeakInstance& whole_;
  const std::span<const int32_t> order_;
  const int first_, last_;
  std::vector<int32_t> position_;
};

}  // namespace

Rows Rows::Transposed(int num_values) const {
  Rows result;
  result.begin.assign(num_values + 1, 0);
  for (int32_t value : values) ++result.begin[value + 1];
  std::partial_sum(result.begin.begin(), result.begin.end(), result.begin.begin());
  result.values.resize(values.size());
  std::vector<int32_t> next(result.begin.begin(), result.begin.end() - 1);
  for (int32_t row = 0; row < size(); ++row) {
    for (int32_t value : (*this)[row]) result.values[next[value]++] = row;
  }
  return result;
}

void PeakInstance::FillRowsOfItems() {
  takes = takers.Transposed(num_items());
  gives = givers.Transposed(num_items());
  predecessors = successors.Transposed(num_items());
}

PeakInstance PeakInstance::Reversed() const {
  PeakInstance reversed = *this;
  std::swap(reversed.takers, reversed.givers);
  std::swap(reversed.takes, reversed.gives);
  std::swap(reversed.predecessors, reversed.successors);
  std::reverse(reversed.program.begin(), reversed.program.end());
  return reversed;
}

PeakInstance PeakInstance::Window(std::span<const int32_t> order, int first, int last) const {
  return WindowMaker(*this, order, first, last).Make();
}

int64_t PeakInstance::Peak(std::span<const int32_t> order, int* at) const {
  std::vector<uint8_t> taken(bytes.size(), 0);
  std::vector<int32_t> left(bytes.size());
  int64_t live = base_bytes;
  for (int32_t tensor = 0; tensor < num_tensors(); ++tensor) {
    left[tensor] = static_cast<int32_t>(givers[tensor].size());
    if (!takers[tensor].empty()) continue;
    taken[tensor] = 1;
    live += bytes[tensor];
  }
  int64_t peak = base_bytes;
  int reached = kNone;
  for (size_t i = 0; i < order.size(); ++i) {
    const int32_t item = order[i];
    for (int32_t tensor : takes[item]) {
      if (taken[tensor] == 0) live += bytes[tensor];
      taken[tensor] = 1;
    }
    if (takes_time[item] != 0 && live + run_bytes[item] > peak) {
      peak = live + run_bytes[item];
      reached = static_cast<int>(i);
    }
    for (int32_t tensor : gives[item]) {
      if (--left[tensor] == 0) live -= bytes[tensor];
    }
  }
  if (at != nullptr) *at = reached;
  return peak;
}

int64_t PeakInstance::PeakBound(int32_t item) const {
  if (takes_time[item] == 0) return base_bytes;
  std::vector<uint8_t> before(num_items(), 0), after(num_items(), 0);
  MarkReached(predecessors, item, &before);
  MarkReached(successors, item, &after);
  int64_t live = base_bytes + run_bytes[item];
  for (int32_t tensor = 0; tensor < num_tensors(); ++tensor) {
    const bool taken = takers[tensor].empty() || AnyMarked(takers[tensor], before);
    const bool needed = givers[tensor].empty() || AnyMarked(givers[tensor], after);
    if (taken && needed) live += bytes[tensor];
  }
  return live;
}

}  // namespace gopt
