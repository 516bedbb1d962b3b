#include "gopt/cost/bounds.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "src/cost/relaxed_schedule.h"

namespace gopt {
namespace {

constexpr int kPriceRounds = 16;

Nanoseconds CriticalPath(const RelaxedSchedule& s) {
  std::vector<Nanoseconds> end(s.num_items, 0);
  Nanoseconds longest = 0;
  for (int32_t item : s.order) {
    Nanoseconds start = 0;
    for (int32_t i = s.predecessor_begin[item]; i < s.predecessor_begin[item + 1]; ++i) {
      start = std::max(start, end[s.predecessors[i]]);
    }
    end[item] = SaturatingAdd(start, s.best_time[item]);
    longest = std::max(longest, end[item]);
  }
  return longest;
}

// Exact where all devices are alike and every item may run on each: sum of times / devices.
Nanoseconds MeanBestWork(const RelaxedSchedule& s, int num_devices) {
  unsigned __int128 sum = 0;
  for (Nanoseconds time : s.best_time) sum += static_cast<uint64_t>(time);
  const auto devices = static_cast<uint64_t>(num_devices);
  const unsigned __int128 mean = (sum + devices - 1) / devices;
  return mean >= static_cast<uint64_t>(kSaturated) ? kSaturated : static_cast<Nanoseconds>(mean);
}

// sum over items of min over classes of price * time, and each class's share of that in its times.
double PricedWork(const RelaxedSchedule& s, const std::vector<double>& price,
                  std::vector<double>* load) {
  std::fill(load->begin(), load->end(), 0.0);
  double total = 0.0;
  for (int32_t item = 0; item < s.num_items; ++item) {
    int cheapest = 0;
    double least = INFINITY;
    for (int c = 0; c < s.num_classes(); ++c) {
      const Nanoseconds time = s.time_on(item, c);
      if (time == RelaxedSchedule::kForbidden) continue;
      const double cost = price[c] * static_cast<double>(time);
      if (cost < least) {
        least = cost;
        cheapest = c;
      }
    }
    if (least == INFINITY) continue;
    total += least;
    (*load)[cheapest] += static_cast<double>(s.time_on(item, cheapest)) / s.classes[cheapest].count;
  }
  return total;
}

void Normalize(const RelaxedSchedule& s, std::vector<double>* price) {
  double sum = 0.0;
  for (int c = 0; c < s.num_classes(); ++c) sum += (*price)[c] * s.classes[c].count;
  for (double& value : *price) value /= sum;
}

// Unequal devices. In a schedule of length T no device is busy for longer than T, so for prices
// y >= 0 that sum to 1 over the devices
//     T >= sum over devices of y * busy >= sum over items of the least y * time among its devices:
// weak duality of the linear program that spreads fractions of items over devices. The prices start
// in proportion to the devices' speeds, which is optimal where devices differ by a factor only, and
// then rise where the cheapest choice piles up work.
Nanoseconds WorkByPrices(const RelaxedSchedule& s) {
  std::vector<double> price(s.num_classes(), 0.0), load(s.num_classes(), 0.0);
  for (int c = 0; c < s.num_classes(); ++c) {
    double all = 0.0;
    for (int32_t item = 0; item < s.num_items; ++item) {
      const Nanoseconds time = s.time_on(item, c);
      all += static_cast<double>(time == RelaxedSchedule::kForbidden ? s.best_time[item] : time);
    }
    price[c] = 1.0 / std::max(1.0, all);
  }
  double best = 0.0;
  for (int round = 0; round < kPriceRounds; ++round) {
    Normalize(s, &price);
    best = std::max(best, PricedWork(s, price, &load));
    double mean = 0.0;
    for (int c = 0; c < s.num_classes(); ++c) mean += price[c] * load[c] * s.classes[c].count;
    if (mean <= 0.0) break;
    for (int c = 0; c < s.num_classes(); ++c) {
      const double pressure = std::clamp(load[c] / mean - 1.0, -1.0, 1.0);
      price[c] *= 1.0 + 0.5 * pressure / (1.0 + round);
    }
  }
  return SaturatingFloor(best * (1.0 - 1e-9));  // Below the sum's rounding errors.
}

Nanoseconds Work(const RelaxedSchedule& s, int num_devices) {
  const Nanoseconds mean = MeanBestWork(s, num_devices);
  return s.num_classes() > 1 ? std::max(mean, WorkByPrices(s)) : mean;
}

int64_t PersistentBytes(const Graph& graph) {
  unsigned __int128 sum = 0;
  for (OpId parameter : graph.parameters()) {
    for (int i = 0; i < graph.num_ports(parameter); ++i) {
      const PortId port = graph.first_port(parameter) + i;
      sum += static_cast<unsigned __int128>(graph.port_bytes(port)) *
             (1u + static_cast<unsigned>(graph.optimizer_copies(port)));
    }
  }
  return sum >= static_cast<uint64_t>(kSaturated) ? kSaturated : static_cast<int64_t>(sum);
}

}  // namespace

LowerBounds ComputeLowerBounds(const Problem& problem, const OpCostModel& costs) {
  LowerBounds bounds;
  const int num_devices = problem.machine().num_devices();
  for (const RelaxedSchedule& schedule : RelaxedSchedules(problem, costs)) {
    bounds.critical_path = std::max(bounds.critical_path, CriticalPath(schedule));
    bounds.work = std::max(bounds.work, Work(schedule, num_devices));
    bounds.fernandez_bussell =
        std::max(bounds.fernandez_bussell, FernandezBussellBound(schedule, num_devices));
  }
  bounds.persistent_bytes = PersistentBytes(problem.graph());
  for (DeviceId d = 0; d < num_devices; ++d) {
    bounds.capacity_bytes = SaturatingAdd(bounds.capacity_bytes, problem.memory_limit(d));
  }
  return bounds;
}

}  // namespace gopt
