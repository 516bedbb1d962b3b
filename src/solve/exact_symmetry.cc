#include "src/solve/exact_symmetry.h"

#include <algorithm>
#include <utility>

namespace gopt {
namespace {

// Devices `a` and `b` trade places.
class Trade {
 public:
  Trade(const ExactInstance& instance, DeviceId a, DeviceId b)
      : instance_(instance),
        a_(a),
        b_(b),
        image_(instance.num_channels, kNone),
        is_image_(instance.num_channels, false) {}

  bool KeepsMakespans() { return KeepsTasks() && KeepsHomes() && KeepsRoutes(); }

 private:
  DeviceId Other(DeviceId d) const { return d == a_ ? b_ : d == b_ ? a_ : d; }

  bool KeepsTasks() const {
    for (KernelId k = 0; k < instance_.num_tasks; ++k) {
      if (Has(instance_.open[k], a_) != Has(instance_.open[k], b_)) return false;
      if (Has(instance_.open[k], a_) && instance_.time(k, a_) != instance_.time(k, b_)) {
        return false;
      }
    }
    return true;
  }

  bool KeepsHomes() const {
    return instance_.fixed_home.empty() &&
           std::all_of(instance_.parameters.begin(), instance_.parameters.end(),
                       [&](const auto& p) { return Has(p.homes, a_) == Has(p.homes, b_); });
  }

  bool KeepsRoutes() {
    const Machine& machine = instance_.tasks->problem().machine();
    for (DeviceId from = 0; from < instance_.num_devices; ++from) {
      for (DeviceId to = 0; to < instance_.num_devices; ++to) {
        if (machine.route_bandwidth(from, to) != machine.route_bandwidth(Other(from), Other(to)) ||
            machine.route_latency(from, to) != machine.route_latency(Other(from), Other(to)) ||
            !Renames(instance_.route(from, to), instance_.route(Other(from), Other(to)))) {
          return false;
        }
      }
    }
    return true;
  }

  // Whether the channels can be renamed in the way that this needs, too. Those of routes that the
  // trade leaves alone keep their names.
  bool Renames(std::span<const ChannelId> route, std::span<const ChannelId> image) {
    if (route.size() != image.size()) return false;
    for (size_t i = 0; i < route.size(); ++i) {
      ChannelId& known = image_[route[i]];
      if (known == image[i]) continue;
      if (known != kNone || is_image_[image[i]]) return false;
      known = image[i];
      is_image_[image[i]] = true;
    }
    return true;
  }

  const ExactInstance& instance_;
  const DeviceId a_, b_;
  std::vector<ChannelId> image_;
  std::vector<bool> is_image_;
};

// Rules that look at device ids, and ranks that are given and break ties by device, are not blind
// to names.
bool NamesMatter(const ExactInstance& instance) {
  const Constraints& rules = instance.tasks->problem().constraints();
  return rules.forward_only_devices || rules.no_skipped_devices ||
         (!instance.open_order && instance.contention);
}

}  // namespace

std::vector<Bits> InterchangeableDevices(const ExactInstance& instance, bool memory) {
  std::vector<Bits> same(instance.num_devices);
  for (DeviceId d = 0; d < instance.num_devices; ++d) same[d] = Bit(d);
  if (NamesMatter(instance)) return same;
  const Problem& problem = instance.tasks->problem();
  for (DeviceId b = 0; b < instance.num_devices; ++b) {
    for (DeviceId a = 0; a < b; ++a) {
      if (Lowest(same[a]) != a) continue;  // Its class was tried by its first device.
      if (memory && problem.memory_limit(a) != problem.memory_limit(b)) continue;
      if (!Trade(instance, a, b).KeepsMakespans()) continue;
      same[a] |= Bit(b);
      for (int d : Each(same[a])) same[d] = same[a];
      break;
    }
  }
  return same;
}

}  // namespace gopt
