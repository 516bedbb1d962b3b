#include <algorithm>
#include <limits>
#include <vector>

#include "src/cost/relaxed_schedule.h"

// Let L be the critical path and give each item the window it has in a schedule of length L:
// earliest start ES and end EF, latest start LS and end LF. In a schedule of length L + q it runs
// for at least its best time p, without pause, not before ES and not beyond LF + q. So within
// [a, b + q] it runs for at least
//     R(a, b) = max(0, min(p, EF - a, b - LS, b - a)),
// on whichever device. The devices offer num_devices * (b + q - a) there; hence
//     q >= sum of R(a, b) / num_devices - (b - a)
// for every interval: any set of intervals gives a valid bound. Here both ends run over a grid of
// points where windows begin or end (all of them in small problems).
//
// For fixed a, R as a function of b rises with slope 1 from `up` to `down` and is flat elsewhere:
//     ES >= a:        up = LS, down = LF
//     LS >= a > ES:   up = LS, down = LS + EF - a
//     EF > a > LS:    up = a,  down = EF
//     a >= EF:        nothing
// so that sum R(a, b) = sum over up <= b of (b - up) - sum over down <= b of (b - down), read off
// two prefix sums over the grid. Only items with ES < a < EF change with a; the others move from
// the first row to the last once.

namespace gopt {
namespace {

using Wide = __int128;

constexpr size_t kMaxGrid = 256;
constexpr size_t kMaxSample = 1 << 14;
constexpr double kStraddlersPerItem = 16.0;

struct Window {
  Nanoseconds es, ef, ls, lf;
};

std::vector<Window> Windows(const RelaxedSchedule& s) {
  std::vector<Window> windows(s.num_items);
  Nanoseconds length = 0;
  for (int32_t item : s.order) {
    Window& w = windows[item];
    w.es = 0;
    for (int32_t i = s.predecessor_begin[item]; i < s.predecessor_begin[item + 1]; ++i) {
      w.es = std::max(w.es, windows[s.predecessors[i]].ef);
    }
    w.ef = SaturatingAdd(w.es, s.best_time[item]);
    length = std::max(length, w.ef);
  }
  for (Window& w : windows) w.lf = length;
  for (auto it = s.order.rbegin(); it != s.order.rend(); ++it) {
    Window& w = windows[*it];
    w.ls = std::max(w.es, w.lf - s.best_time[*it]);  // The maximum matters when saturated only.
    for (int32_t i = s.predecessor_begin[*it]; i < s.predecessor_begin[*it + 1]; ++i) {
      Window& before = windows[s.predecessors[i]];
      before.lf = std::min(before.lf, w.ls);
    }
  }
  return windows;
}

// Ascending, distinct; from 0 to the critical path.
std::vector<Nanoseconds> MakeGrid(const std::vector<Window>& windows, Nanoseconds length) {
  const size_t stride = std::max<size_t>(1, 4 * windows.size() / kMaxSample);
  std::vector<Nanoseconds> points = {0, length};
  for (size_t i = 0; i < windows.size(); i += stride) {
    points.insert(points.end(), {windows[i].es, windows[i].ef, windows[i].ls, windows[i].lf});
  }
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  if (points.size() <= kMaxGrid) return points;
  std::vector<Nanoseconds> grid;
  for (size_t i = 0; i < kMaxGrid; ++i) {
    grid.push_back(points[i * (points.size() - 1) / (kMaxGrid - 1)]);
  }
  return grid;
}

// sum of (b - x)+ over added x, for every b of a grid.
class Ramps {
 public:
  explicit Ramps(const std::vector<Nanoseconds>& grid)
      : grid_(grid), count_(grid.size(), 0), sum_(grid.size(), 0) {}

  void Add(Nanoseconds x, int sign) {
    const size_t i = std::lower_bound(grid_.begin(), grid_.end(), x) - grid_.begin();
    if (i == grid_.size()) return;
    count_[i] += sign;
    sum_[i] += sign * Wide{x};
  }
  void Add(const Ramps& other) {
    for (size_t i = 0; i < count_.size(); ++i) {
      count_[i] += other.count_[i];
      sum_[i] += other.sum_[i];
    }
  }
  void Clear() {
    std::fill(count_.begin(), count_.end(), 0);
    std::fill(sum_.begin(), sum_.end(), 0);
  }

  // Largest of sum R(a, b) - devices * (b - a) over grid points b > a.
  Wide LargestExcess(Nanoseconds a, int devices) const {
    Wide largest = 0, count = 0, sum = 0;
    for (size_t i = 0; i < grid_.size(); ++i) {
      count += count_[i];
      sum += sum_[i];
      if (grid_[i] <= a) continue;
      largest = std::max(largest, count * grid_[i] - sum - Wide{devices} * (grid_[i] - a));
    }
    return largest;
  }

 private:
  const std::vector<Nanoseconds>& grid_;
  std::vector<int64_t> count_;
  std::vector<Wide> sum_;
};

std::vector<int32_t> ByEarliestStart(const std::vector<Window>& windows) {
  std::vector<int32_t> items(windows.size());
  for (size_t i = 0; i < items.size(); ++i) items[i] = static_cast<int32_t>(i);
  std::sort(items.begin(), items.end(),
            [&](int32_t x, int32_t y) { return windows[x].es < windows[y].es; });
  return items;
}

}  // namespace

Nanoseconds FernandezBussellBound(const RelaxedSchedule& schedule, int num_devices) {
  const std::vector<Window> windows = Windows(schedule);
  Nanoseconds length = 0;
  for (const Window& w : windows) length = std::max(length, w.ef);
  const std::vector<Nanoseconds> grid = MakeGrid(windows, length);
  const std::vector<int32_t> items = ByEarliestStart(windows);

  Ramps later(grid), all(grid);
  for (const Window& w : windows) {
    later.Add(w.ls, 1);
    later.Add(w.lf, -1);
  }
  Wide excess = 0;
  size_t next = 0;
  double credit = 0.0;
  std::vector<int32_t> straddling;  // ES < a < EF
  for (Nanoseconds a : grid) {
    for (; next < items.size() && windows[items[next]].es < a; ++next) {
      later.Add(windows[items[next]].ls, -1);
      later.Add(windows[items[next]].lf, 1);
      straddling.push_back(items[next]);
    }
    std::erase_if(straddling, [&](int32_t item) { return windows[item].ef <= a; });
    // Where many items straddle many grid points, some points are left out: linear time.
    credit +=
        kStraddlersPerItem * static_cast<double>(items.size()) / static_cast<double>(grid.size());
    if (static_cast<double>(straddling.size()) > credit) continue;
    credit -= static_cast<double>(straddling.size());
    all.Clear();
    all.Add(later);
    for (int32_t item : straddling) {
      const Window& w = windows[item];
      all.Add(std::max(a, w.ls), 1);
      all.Add(std::max(a, w.ls) + (w.ef - a), -1);
    }
    excess = std::max(excess, all.LargestExcess(a, num_devices));
  }
  const Wide more = (excess + num_devices - 1) / num_devices;
  return static_cast<Nanoseconds>(std::min<Wide>(kSaturated, Wide{length} + more));
}

}  // namespace gopt
