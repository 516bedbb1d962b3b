#include "gopt/machine/machine.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "src/machine/route_table.h"

namespace gopt {
namespace {

constexpr size_t kMaxDevices = 1024;
constexpr size_t kMaxNameBytes = 4096;
// Rates beyond these are typing errors; within them no product or quotient that the cost model
// forms with an efficiency factor under- or overflows to 0 or NaN.
constexpr double kMinRate = 1e-30;
constexpr double kMaxRate = 1e30;
constexpr double kMinEfficiency = 1e-6;

absl::Status Invalid(const std::string& what, std::string_view field, std::string_view rule) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, ": ", std::string(field), " ", std::string(rule)));
}

absl::Status CheckRate(const std::string& what, std::string_view field, double value) {
  if (value >= kMinRate && value <= kMaxRate) return absl::OkStatus();
  return Invalid(what, field, absl::StrCat("is ", value, ", must be within [1e-30, 1e30]"));
}

absl::Status CheckAmount(const std::string& what, std::string_view field, int64_t value) {
  if (value >= 0 && value <= kSaturated) return absl::OkStatus();
  return Invalid(what, field, absl::StrCat("is ", value, ", must be within [0, 2^62]"));
}

absl::Status CheckFactor(const std::string& what, std::string_view field, double value) {
  if (value >= kMinEfficiency && value <= 1.0) return absl::OkStatus();
  return Invalid(what, field, absl::StrCat("is ", value, ", must be within [1e-6, 1]"));
}

absl::Status CheckText(const std::string& what, std::string_view field, std::string_view text) {
  if (text.size() > kMaxNameBytes) return Invalid(what, field, "is over 4096 bytes");
  if (!IsValidUtf8(text)) return Invalid(what, field, "is not valid UTF-8");
  return absl::OkStatus();
}

absl::Status CheckEfficiencies(const std::string& what, const std::vector<Efficiency>& factors) {
  std::unordered_set<std::string> types;
  bool class_seen[kNumFusionClasses] = {};
  for (size_t i = 0; i < factors.size(); ++i) {
    const Efficiency& factor = factors[i];
    const std::string entry = absl::StrCat(what, ": efficiency ", i);
    GOPT_RETURN_IF_ERROR(CheckFactor(entry, "flops", factor.flops));
    GOPT_RETURN_IF_ERROR(CheckFactor(entry, "bytes", factor.bytes));
    if (!factor.op_type.empty()) {
      GOPT_RETURN_IF_ERROR(CheckText(entry, "op_type", factor.op_type));
      if (!types.insert(factor.op_type).second) {
        return Invalid(entry, "op_type", absl::StrCat("'", factor.op_type, "' is listed twice"));
      }
      continue;
    }
    const int op_class = static_cast<int>(factor.op_class);
    if (op_class <= 0 || op_class >= kNumFusionClasses) {
      return Invalid(entry, "op_class", "or op_type must be given");
    }
    if (std::exchange(class_seen[op_class], true)) return Invalid(entry, "op_class", "is repeated");
  }
  return absl::OkStatus();
}

absl::Status CheckDevice(const std::string& what, const Device& device) {
  if (device.name.empty()) return Invalid(what, "name", "is empty");
  GOPT_RETURN_IF_ERROR(CheckText(what, "name", device.name));
  GOPT_RETURN_IF_ERROR(CheckText(what, "kind", device.kind));
  GOPT_RETURN_IF_ERROR(CheckAmount(what, "memory_bytes", device.memory_bytes));
  GOPT_RETURN_IF_ERROR(CheckRate(what, "peak_flops", device.peak_flops));
  GOPT_RETURN_IF_ERROR(CheckRate(what, "memory_bandwidth", device.memory_bandwidth));
  GOPT_RETURN_IF_ERROR(CheckAmount(what, "launch", device.launch));
  return CheckEfficiencies(what, device.efficiency);
}

absl::Status CheckDevices(const std::vector<Device>& devices) {
  if (devices.empty() || devices.size() > kMaxDevices) {
    return absl::InvalidArgumentError(
        absl::StrCat("a machine has 1 to 1024 devices, not ", devices.size()));
  }
  std::unordered_set<std::string_view> names;
  for (size_t i = 0; i < devices.size(); ++i) {
    const std::string what =
        absl::StrCat("device ", i, " ", "'", Printable(devices[i].name, 64), "'");
    GOPT_RETURN_IF_ERROR(CheckDevice(what, devices[i]));
    if (!names.insert(devices[i].name).second) return Invalid(what, "name", "is taken");
  }
  return absl::OkStatus();
}

absl::Status CheckChannels(const std::vector<Channel>& channels) {
  for (size_t i = 0; i < channels.size(); ++i) {
    const std::string what =
        absl::StrCat("channel ", i, " ", "'", Printable(channels[i].name, 64), "'");
    GOPT_RETURN_IF_ERROR(CheckText(what, "name", channels[i].name));
    GOPT_RETURN_IF_ERROR(CheckRate(what, "bandwidth", channels[i].bandwidth));
    GOPT_RETURN_IF_ERROR(CheckAmount(what, "latency", channels[i].latency));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Machine> Machine::Create(std::string name, std::vector<Device> devices,
                                        std::vector<Channel> channels, std::vector<Route> routes) {
  Machine machine;
  machine.name_ = std::move(name);
  machine.devices_ = std::move(devices);
  machine.channels_ = std::move(channels);
  GOPT_RETURN_IF_ERROR(machine.CheckParts());
  RouteTableBuilder builder(machine.num_devices(), machine.channels_);
  std::stable_sort(routes.begin(), routes.end(), [](const Route& a, const Route& b) {
    return a.from != b.from ? a.from < b.from : a.channels.size() > b.channels.size();
  });
  for (const Route& route : routes) {
    GOPT_RETURN_IF_ERROR(builder.Add(route.from, route.to, route.channels));
  }
  machine.routes_ = std::make_shared<const RouteTable>(std::move(builder).Build());
  return machine;
}

absl::StatusOr<Machine> Machine::CreateFromLinks(std::string name, std::vector<Device> devices,
                                                 std::vector<Link> links) {
  Machine machine;
  machine.name_ = std::move(name);
  machine.devices_ = std::move(devices);
  for (const Link& link : links) machine.channels_.push_back(link.channel);
  GOPT_RETURN_IF_ERROR(machine.CheckParts());
  RouteTableBuilder builder(machine.num_devices(), machine.channels_);
  GOPT_RETURN_IF_ERROR(builder.AddShortest(links));
  machine.routes_ = std::make_shared<const RouteTable>(std::move(builder).Build());
  return machine;
}

absl::Status Machine::CheckParts() const {
  GOPT_RETURN_IF_ERROR(CheckText("machine", "name", name_));
  GOPT_RETURN_IF_ERROR(CheckDevices(devices_));
  return CheckChannels(channels_);
}

Nanoseconds Machine::TransferDuration(int64_t bytes, DeviceId from, DeviceId to) const {
  if (from == to) return 0;
  const double bandwidth = route_bandwidth(from, to);
  if (bandwidth == 0.0) return kSaturated;
  return SaturatingCeil((static_cast<double>(bytes) * 1e9) / bandwidth);
}

std::vector<Machine::Route> Machine::Routes() const {
  std::vector<Route> routes;
  for (DeviceId from = 0; from < num_devices(); ++from) {
    for (DeviceId to = 0; to < num_devices(); ++to) {
      const std::span<const ChannelId> channels = route(from, to);
      if (channels.empty()) continue;
      routes.push_back({from, to, {channels.begin(), channels.end()}});
    }
  }
  return routes;
}

DeviceId Machine::FindDevice(std::string_view name) const {
  const auto it = std::find_if(devices_.begin(), devices_.end(),
                               [&](const Device& device) { return device.name == name; });
  return it == devices_.end() ? kNone : static_cast<DeviceId>(it - devices_.begin());
}

Machine Machine::WithMemoryLimit(int64_t bytes) const {
  Machine machine = *this;
  for (Device& device : machine.devices_) {
    device.memory_bytes = std::clamp<int64_t>(bytes, 0, kSaturated);
  }
  return machine;
}

Machine Machine::WithMemoryLimit(DeviceId device, int64_t bytes) const {
  Machine machine = *this;
  machine.devices_[device].memory_bytes = std::clamp<int64_t>(bytes, 0, kSaturated);
  return machine;
}

absl::StatusOr<Machine> UniformMachine(const UniformMachineOptions& options) {
  if (options.count < 1 || options.count > static_cast<int>(kMaxDevices)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a machine has 1 to 1024 devices, not ", options.count));
  }
  std::vector<Device> devices(options.count);
  std::vector<Link> links;
  for (int i = 0; i < options.count; ++i) {
    devices[i] = {.name = absl::StrCat(options.kind, ":", i),
                  .kind = options.kind,
                  .memory_bytes = options.memory_bytes,
                  .peak_flops = options.peak_flops,
                  .memory_bandwidth = options.memory_bandwidth,
                  .launch = options.launch,
                  .host = 0,
                  .efficiency = {}};
    for (int j = 0; j < options.count; ++j) {
      if (i == j) continue;
      Channel channel = {absl::StrCat(i, "->", j), options.bandwidth, options.latency};
      links.push_back({i, j, std::move(channel)});
    }
  }
  return Machine::CreateFromLinks(absl::StrCat(options.kind, "x", options.count),
                                  std::move(devices), std::move(links));
}

}  // namespace gopt
