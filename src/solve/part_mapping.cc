#include "src/solve/part_mapping.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace gopt {
namespace {

// Routes are compared for machines of up to this many devices; above, all count as alike.
constexpr int kMostDevicesWithRoutes = 64;

// Square tables over parts and devices.
class PartMapper {
 public:
  PartMapper(const TaskGraph& tasks, std::span<const int32_t> part)
      : tasks_(tasks), size_(tasks.num_devices()) {
    time_.assign(Cells(), 0.0);
    forbidden_.assign(Cells(), 0.0);
    for (KernelId task = 0; task < tasks.num_tasks(); ++task) AddTask(task, part[task]);
    if (size_ > kMostDevicesWithRoutes) return;
    bytes_.assign(Cells(), 0.0);
    for (KernelId task = 0; task < tasks.num_tasks(); ++task) AddEdges(task, part);
  }

  std::vector<DeviceId> Map() {
    std::vector<int32_t> order(size_);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return Mean(a) > Mean(b); });
    device_.assign(size_, kNone);
    taken_.assign(size_, 0);
    for (size_t i = 0; i < order.size(); ++i) {
      const DeviceId device = Best(order[i], {order.data(), i});
      device_[order[i]] = device;
      taken_[device] = 1;
    }
    return device_;
  }

 private:
  size_t Cells() const { return static_cast<size_t>(size_) * size_; }
  size_t Cell(int32_t row, int32_t column) const {
    return static_cast<size_t>(row) * size_ + column;
  }
  double Mean(int32_t part) const {
    return std::accumulate(&time_[Cell(part, 0)], &time_[Cell(part, 0)] + size_, 0.0);
  }

  void AddTask(KernelId task, int32_t part) {
    for (DeviceId d = 0; d < size_; ++d) {
      time_[Cell(part, d)] += static_cast<double>(tasks_.time(task, d));
    }
    const auto allowed = tasks_.allowed(task);
    if (static_cast<int>(allowed.size()) == size_) return;
    const double cost = tasks_.mean_time(task) + 1.0;
    for (DeviceId d = 0; d < size_; ++d) forbidden_[Cell(part, d)] += cost;
    for (DeviceId d : allowed) forbidden_[Cell(part, d)] -= cost;
  }

  void AddEdges(KernelId task, std::span<const int32_t> part) {
    const KernelGraph& graph = tasks_.kernel_graph();
    for (int32_t e = graph.input_begin[task]; e < graph.input_begin[task + 1]; ++e) {
      const KernelId source = graph.inputs[e].source;
      if (source == kNone || part[source] == part[task]) continue;
      bytes_[Cell(part[source], part[task])] += static_cast<double>(tasks_.edge_bytes(e));
    }
  }

  double RouteTime(DeviceId from, DeviceId to, double bytes) const {
    const Machine& machine = tasks_.problem().machine();
    if (bytes <= 0.0) return 0.0;
    if (!machine.has_route(from, to)) return static_cast<double>(kSaturated);
    return bytes / machine.route_bandwidth(from, to) * 1e9;
  }

  double Cost(int32_t part, DeviceId device, std::span<const int32_t> placed) const {
    double cost = time_[Cell(part, device)] + 2.0 * forbidden_[Cell(part, device)];
    if (bytes_.empty()) return cost;
    for (int32_t other : placed) {
      cost += RouteTime(device, device_[other], bytes_[Cell(part, other)]);
      cost += RouteTime(device_[other], device, bytes_[Cell(other, part)]);
    }
    return cost;
  }

  // The free device of least cost; among equals the one the part was sized for, then the first.
  DeviceId Best(int32_t part, std::span<const int32_t> placed) const {
    DeviceId best = kNone;
    double best_cost = std::numeric_limits<double>::infinity();
    for (DeviceId d = 0; d < size_; ++d) {
      if (taken_[d] != 0) continue;
      const double cost = Cost(part, d, placed);
      if (best == kNone || cost < best_cost || (cost == best_cost && d == part)) {
        best = d;
        best_cost = cost;
      }
    }
    return best;
  }

  const TaskGraph& tasks_;
  const int size_;
  std::vector<double> time_;       // [part, device]: of all its tasks there.
  std::vector<double> forbidden_;  // [part, device]: mean time of tasks that may not run there.
  std::vector<double> bytes_;      // [part, part]: moved from one to the other.
  std::vector<DeviceId> device_;   // Of the parts placed so far.
  std::vector<uint8_t> taken_;
};

}  // namespace

std::vector<double> DeviceRates(const TaskGraph& tasks) {
  std::vector<double> total(tasks.num_devices(), 0.0);
  double mean = 0.0;
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
    for (DeviceId d = 0; d < tasks.num_devices(); ++d) {
      total[d] += static_cast<double>(tasks.time(task, d));
    }
    mean += tasks.mean_time(task);
  }
  std::vector<double> rates;
  for (double t : total) rates.push_back(t > 0.0 && mean > 0.0 ? mean / t : 1.0);
  return rates;
}

std::vector<DeviceId> MapPartsToDevices(const TaskGraph& tasks, std::span<const int32_t> part) {
  return PartMapper(tasks, part).Map();
}

}  // namespace gopt
