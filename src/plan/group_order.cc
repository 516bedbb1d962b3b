#include "src/plan/group_order.h"

#include "gopt/base/check.h"

namespace gopt {
namespace {

constexpr int kLabelBits = 62;
constexpr int64_t kLabels = int64_t{1} << kLabelBits;
constexpr double kSpread = 1.5;  // A range of 2^i labels may hold (2 / kSpread)^i items.

}  // namespace

GroupOrder::GroupOrder(int capacity)
    : end_(capacity), next_(capacity + 1), previous_(capacity + 1), label_(capacity + 1) {
  Assign({});
}

void GroupOrder::Assign(std::span<const int32_t> items) {
  next_[end_] = previous_[end_] = end_;
  label_[end_] = -1;
  const int64_t step = kLabels / (static_cast<int64_t>(items.size()) + 1);
  int64_t label = 0;
  for (const int32_t item : items) {
    Link(previous_[end_], item, end_);
    label_[item] = label += step;
  }
}

void GroupOrder::Link(int32_t before, int32_t item, int32_t after) {
  next_[before] = previous_[after] = item;
  previous_[item] = before;
  next_[item] = after;
}

void GroupOrder::InsertAfter(int32_t at, int32_t item) {
  const auto room = [&] {
    const int64_t after = next_[at] == end_ ? kLabels : label_[next_[at]];
    return after - label_[at];
  };
  if (room() < 2) SpreadAround(at);
  GOPT_CHECK(room() >= 2);
  label_[item] = label_[at] + room() / 2;
  Link(at, item, next_[at]);
}

void GroupOrder::InsertBefore(int32_t at, int32_t item) {
  if (previous_[at] != end_) return InsertAfter(previous_[at], item);
  if (label_[at] < 1) SpreadAround(at);
  GOPT_CHECK(label_[at] >= 1);
  label_[item] = label_[at] / 2;
  Link(end_, item, at);
}

void GroupOrder::Erase(int32_t item) {
  next_[previous_[item]] = next_[item];
  previous_[next_[item]] = previous_[item];
}

void GroupOrder::Replace(int32_t old, int32_t item) {
  label_[item] = label_[old];
  Link(previous_[old], item, next_[old]);
}

// Spreads the items of the smallest aligned range around this one that is not too dense.
void GroupOrder::SpreadAround(int32_t item) {
  int32_t first = item, last = item;
  int64_t count = 1;
  double most = 1.0;
  for (int bits = 1; bits <= kLabelBits; ++bits) {
    const int64_t size = int64_t{1} << bits;
    const int64_t low = label_[item] & ~(size - 1), high = low + size;
    most *= 2.0 / kSpread;
    for (; previous_[first] != end_ && label_[previous_[first]] >= low; ++count) {
      first = previous_[first];
    }
    for (; next_[last] != end_ && label_[next_[last]] < high; ++count) last = next_[last];
    if (bits < kLabelBits && static_cast<double>(count) >= most) continue;
    const int64_t step = size / (count + 1);
    if (step < 2) continue;
    int64_t label = low;
    for (int32_t i = first;; i = next_[i]) {
      label_[i] = label += step;
      if (i == last) return;
    }
  }
}

}  // namespace gopt
