#include "src/plan/device_flow_graph.h"

#include <bit>

#include "src/plan/placement_model.h"

namespace gopt {
namespace {

using Words = std::vector<uint64_t>;

bool Meet(std::span<const uint64_t> a, std::span<const uint64_t> b) {
  for (size_t w = 0; w < a.size(); ++w) {
    if ((a[w] & b[w]) != 0) return true;
  }
  return false;
}

}  // namespace

DeviceFlowGraph::DeviceFlowGraph(int num_devices, bool forward)
    : num_devices_(num_devices),
      words_(static_cast<size_t>(num_devices + 63) / 64),
      forward_(forward),
      out_(num_devices * words_, 0),
      in_(out_) {}

bool DeviceFlowGraph::Has(DeviceId from, DeviceId to) const {
  return HasDevice(Row(out_, from), to);
}

bool DeviceFlowGraph::Add(DeviceId from, DeviceId to) {
  if (forward_ && ClosesTriangle(from, to)) return false;
  InsertDevice(Row(out_, from), to);
  InsertDevice(Row(in_, to), from);
  if (forward_ || !SomeDetour()) return true;
  Remove(from, to);
  return false;
}

void DeviceFlowGraph::Remove(DeviceId from, DeviceId to) {
  EraseDevice(Row(out_, from), to);
  EraseDevice(Row(in_, to), from);
}

// Adds to a set all that its members lead to.
void DeviceFlowGraph::Close(const Matrix& edges, std::span<uint64_t> set) const {
  Words open(set.begin(), set.end());
  for (bool grew = true; grew;) {
    grew = false;
    ForEachDevice(set, [&](DeviceId d) {
      if (!HasDevice(open, d)) return;
      EraseDevice(open, d);
      const std::span<const uint64_t> next = Row(edges, d);
      for (size_t w = 0; w < words_; ++w) {
        const uint64_t fresh = next[w] & ~set[w];
        set[w] |= fresh;
        open[w] |= fresh;
        grew |= fresh != 0;
      }
    });
  }
}

// Without cycles: a way from `from` to `to` exists already, or the new flow completes a way beside
// a direct flow that begins at or before it and ends at or after it.
bool DeviceFlowGraph::ClosesTriangle(DeviceId from, DeviceId to) const {
  Words before(words_, 0), after(words_, 0), reached(words_, 0);
  InsertDevice(before, from);
  Close(in_, before);
  InsertDevice(reached, from);
  Close(out_, reached);
  if (HasDevice(reached, to)) return true;
  InsertDevice(after, to);
  Close(out_, after);
  bool closes = false;
  ForEachDevice(before, [&](DeviceId d) { closes = closes || Meet(Row(out_, d), after); });
  return closes;
}

bool DeviceFlowGraph::SomeDetour() const {
  for (DeviceId from = 0; from < num_devices_; ++from) {
    bool found = false;
    ForEachDevice(Row(out_, from), [&](DeviceId to) { found = found || HasDetour(from, to); });
    if (found) return true;
  }
  return false;
}

bool DeviceFlowGraph::HasDetour(DeviceId from, DeviceId to) const {
  Words seen(words_, 0);
  InsertDevice(seen, from);
  InsertDevice(seen, to);
  std::vector<DeviceId> open = {from};
  while (!open.empty()) {
    const DeviceId d = open.back();
    open.pop_back();
    if (d != from && Has(d, to)) return true;
    ForEachDevice(Row(out_, d), [&](DeviceId next) {
      if (HasDevice(seen, next)) return;
      InsertDevice(seen, next);
      open.push_back(next);
    });
  }
  return false;
}

// Blocked: what leads to where somebody at or before `device` sends already, and what is reached
// over other devices; direct neighbours are fine.
void DeviceFlowGraph::Allow(const Matrix& ahead, const Matrix& back, DeviceId device,
                            std::span<uint64_t> set) const {
  Words behind(words_, 0), blocked(words_, 0), reached(words_, 0);
  InsertDevice(behind, device);
  Close(back, behind);
  ForEachDevice(behind, [&](DeviceId d) {
    for (size_t w = 0; w < words_; ++w) blocked[w] |= Row(ahead, d)[w];
  });
  Close(back, blocked);
  InsertDevice(reached, device);
  Close(ahead, reached);
  for (size_t w = 0; w < words_; ++w) set[w] = ~(blocked[w] | reached[w]) | Row(ahead, device)[w];
  InsertDevice(set, device);
}

}  // namespace gopt
