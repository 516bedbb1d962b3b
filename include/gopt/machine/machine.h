#ifndef GOPT_MACHINE_MACHINE_H_
#define GOPT_MACHINE_MACHINE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/graph/enums.h"

namespace gopt {

// Share of the peak rates that ops of a class, or of one type, reach.
struct Efficiency {
  std::string op_type;  // If set, applies to this op type only and overrides the class.
  FusionClass op_class = FusionClass::kUnspecified;
  double flops = 1.0;  // [1e-6, 1], of Device::peak_flops
  double bytes = 1.0;  // [1e-6, 1], of Device::memory_bandwidth

  bool operator==(const Efficiency&) const = default;
};

struct Device {
  std::string name;
  std::string kind;  // Cost tables match on it: "p100".
  int64_t memory_bytes = 0;
  double peak_flops = 0.0;        // per second
  double memory_bandwidth = 0.0;  // bytes per second
  Nanoseconds launch = 0;         // Overhead of each kernel.
  int host = 0;                   // Devices of one host share it; informative.
  std::vector<Efficiency> efficiency;
};

// A one-way, first-in-first-out channel.
struct Channel {
  std::string name;
  double bandwidth = 0.0;  // bytes per second
  Nanoseconds latency = 0;
};

// A channel between two devices that are neighbours.
struct Link {
  DeviceId from = 0;
  DeviceId to = 0;
  Channel channel;
};

// For each ordered pair, by from * devices + to: its channels and what they amount to. Routes that
// begin alike share their channels, so a ring of 1024 devices takes 30 MB, not 1 GB.
struct RouteTable {
  std::vector<int32_t> begin, length;  // Of the route in `channels`; length 0: no route.
  std::vector<ChannelId> channels;
  std::vector<double> bandwidth;     // Smallest along the route; 0: no route.
  std::vector<Nanoseconds> latency;  // Sum along the route.
};

// The devices and the routes between them. A value; copies share the routes.
class GOPT_API Machine {
 public:
  struct Route {
    DeviceId from = 0;
    DeviceId to = 0;
    std::vector<ChannelId> channels;  // In order of travel; at least one.
  };

  Machine() = default;

  // 1 to 1024 devices with unique names; rates within [1e-30, 1e30], efficiencies within [1e-6, 1],
  // memory, launch and latency within [0, 2^62]; each ordered pair at most one route, which passes
  // no channel twice. Pairs without a route are allowed: a
  // plan that needs one is rejected. InvalidArgument names the device, channel or route and the
  // field.
  static absl::StatusOr<Machine> Create(std::string name, std::vector<Device> devices,
                                        std::vector<Channel> channels, std::vector<Route> routes);

  // One channel per link, in that order; between any two devices the route of fewest links, among
  // those the one whose last device but one was reached first by a breadth-first search that takes
  // links in order. At most one link per ordered pair.
  static absl::StatusOr<Machine> CreateFromLinks(std::string name, std::vector<Device> devices,
                                                 std::vector<Link> links);

  const std::string& name() const { return name_; }
  int num_devices() const { return static_cast<int>(devices_.size()); }
  int num_channels() const { return static_cast<int>(channels_.size()); }
  const Device& device(DeviceId d) const { return devices_[d]; }
  const Channel& channel(ChannelId c) const { return channels_[c]; }
  std::span<const Device> devices() const { return devices_; }
  std::span<const Channel> channels() const { return channels_; }

  // Empty when from == to or when there is no route.
  std::span<const ChannelId> route(DeviceId from, DeviceId to) const {
    const size_t pair = Pair(from, to);
    return {routes_->channels.data() + routes_->begin[pair],
            static_cast<size_t>(routes_->length[pair])};
  }
  bool has_route(DeviceId from, DeviceId to) const { return !route(from, to).empty(); }
  // Smallest bandwidth and sum of latencies along the route; 0 where there is none.
  double route_bandwidth(DeviceId from, DeviceId to) const {
    return routes_->bandwidth[Pair(from, to)];
  }
  Nanoseconds route_latency(DeviceId from, DeviceId to) const {
    return routes_->latency[Pair(from, to)];
  }
  // Time a tensor occupies the route: ceil((double(bytes) * 1e9) / bandwidth), at most 2^62. 0 when
  // from == to, 2^62 when there is no route.
  Nanoseconds TransferDuration(int64_t bytes, DeviceId from, DeviceId to) const;

  // All routes, by (from, to); what Create was given. Written out: long on large rings.
  std::vector<Route> Routes() const;
  // -1 if no device has the name.
  DeviceId FindDevice(std::string_view name) const;

  // This machine with every device's memory set to `bytes`; negative counts as 0.
  Machine WithMemoryLimit(int64_t bytes) const;
  // The same for one device.
  Machine WithMemoryLimit(DeviceId device, int64_t bytes) const;

 private:
  absl::Status CheckParts() const;  // Devices and channels, each by itself.
  size_t Pair(DeviceId from, DeviceId to) const {
    return static_cast<size_t>(from) * devices_.size() + static_cast<size_t>(to);
  }

  std::string name_;
  std::vector<Device> devices_;
  std::vector<Channel> channels_;
  std::shared_ptr<const RouteTable> routes_;
};

// `count` equal devices with one channel per ordered pair.
struct UniformMachineOptions {
  int count = 2;
  std::string kind = "device";
  int64_t memory_bytes = int64_t{1} << 40;
  double peak_flops = 1e12;
  double memory_bandwidth = 1e12;
  Nanoseconds launch = 0;
  double bandwidth = 1e9;  // of each channel, bytes per second
  Nanoseconds latency = 0;
};
GOPT_API absl::StatusOr<Machine> UniformMachine(const UniformMachineOptions& options);

}  // namespace gopt

#endif  // GOPT_MACHINE_MACHINE_H_
