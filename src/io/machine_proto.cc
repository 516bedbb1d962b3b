#include "src/io/machine_proto.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "src/io/proto_guard.h"
#include "src/io/schema_version.h"

namespace gopt {
namespace {

constexpr int kMaxDevices = 1024;

absl::Status Missing(const std::string& where, const char* field) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", field, " is missing"));
}

std::string Where(const char* noun, int index, const std::string& name) {
  if (name.empty()) return absl::StrCat(noun, " ", index);
  return absl::StrCat(noun, " ", index, " '", Printable(name), "'");
}

absl::StatusOr<Efficiency> EfficiencyFromProto(const v1::EfficiencyProto& proto,
                                               const std::string& device) {
  GOPT_RETURN_IF_ERROR(CheckNameText(proto.op_type(), device + " efficiency.op_type"));
  if (proto.op_class() < 0 || proto.op_class() >= kNumFusionClasses) {
    return absl::InvalidArgumentError(
        absl::StrCat(device, ": efficiency.op_class ", proto.op_class(), " is unknown"));
  }
  Efficiency efficiency;
  efficiency.op_type = proto.op_type();
  efficiency.op_class = static_cast<FusionClass>(proto.op_class());
  if (proto.has_flops()) efficiency.flops = proto.flops();
  if (proto.has_bytes()) efficiency.bytes = proto.bytes();
  return efficiency;
}

absl::StatusOr<Device> DeviceFromProto(const v1::DeviceProto& proto, int index) {
  const std::string where = Where("device", index, proto.name());
  GOPT_RETURN_IF_ERROR(CheckNameText(proto.name(), where + " name"));
  GOPT_RETURN_IF_ERROR(CheckNameText(proto.kind(), where + " kind"));
  if (!proto.has_memory_bytes()) return Missing(where, "memory_bytes");
  if (!proto.has_peak_flops()) return Missing(where, "peak_flops");
  if (!proto.has_memory_bandwidth()) return Missing(where, "memory_bandwidth");
  Device device;
  device.kind = proto.kind().empty() ? "device" : proto.kind();
  device.name = proto.name().empty() ? absl::StrCat(device.kind, ":", index) : proto.name();
  device.memory_bytes = proto.memory_bytes();
  device.peak_flops = proto.peak_flops();
  device.memory_bandwidth = proto.memory_bandwidth();
  device.launch = proto.launch_ns();
  device.host = proto.host();
  for (const v1::EfficiencyProto& efficiency : proto.efficiency()) {
    GOPT_ASSIGN_OR_RETURN(Efficiency one, EfficiencyFromProto(efficiency, where));
    device.efficiency.push_back(std::move(one));
  }
  return device;
}

absl::StatusOr<Channel> ChannelFromProto(const v1::ChannelProto& proto, int index) {
  const std::string where = Where("channel", index, proto.name());
  GOPT_RETURN_IF_ERROR(CheckNameText(proto.name(), where + " name"));
  if (!proto.has_bandwidth()) return Missing(where, "bandwidth");
  Channel channel;
  channel.name = proto.name().empty() ? absl::StrCat("channel:", index) : proto.name();
  channel.bandwidth = proto.bandwidth();
  channel.latency = proto.latency_ns();
  return channel;
}

absl::StatusOr<Machine::Route> RouteFromProto(const v1::RouteProto& proto, int index) {
  const std::string where = absl::StrCat("route ", index);
  if (!proto.has_from()) return Missing(where, "from");
  if (!proto.has_to()) return Missing(where, "to");
  if (proto.channels().empty()) return Missing(where, "channels");
  Machine::Route route;
  route.from = proto.from();
  route.to = proto.to();
  route.channels.assign(proto.channels().begin(), proto.channels().end());
  return route;
}

absl::Status AddAllPairs(const v1::LinkProto& link, const std::vector<Device>& devices,
                         std::vector<Channel>* channels, std::vector<Machine::Route>* routes) {
  if (!link.has_bandwidth()) return Missing("all_pairs", "bandwidth");
  const size_t count = devices.size();
  std::vector<bool> has_route(count * count, false);
  for (const Machine::Route& route : *routes) {
    const auto from = static_cast<size_t>(route.from), to = static_cast<size_t>(route.to);
    if (from < count && to < count) has_route[from * count + to] = true;
  }
  for (size_t from = 0; from < count; ++from) {
    for (size_t to = 0; to < count; ++to) {
      if (from == to || has_route[from * count + to]) continue;
      const auto channel = static_cast<ChannelId>(channels->size());
      channels->push_back({.name = absl::StrCat(devices[from].name, "->", devices[to].name),
                           .bandwidth = link.bandwidth(),
                           .latency = link.latency_ns()});
      routes->push_back({.from = static_cast<DeviceId>(from),
                         .to = static_cast<DeviceId>(to),
                         .channels = {channel}});
    }
  }
  return absl::OkStatus();
}

}  // namespace

v1::MachineProto ToProto(const Machine& machine) {
  v1::MachineProto proto;
  proto.set_schema_major(kSchemaMajor);
  proto.set_schema_minor(kSchemaMinor);
  proto.set_name(machine.name());
  for (const Device& device : machine.devices()) {
    v1::DeviceProto* out = proto.add_devices();
    out->set_name(device.name);
    out->set_kind(device.kind);
    out->set_memory_bytes(device.memory_bytes);
    out->set_peak_flops(device.peak_flops);
    out->set_memory_bandwidth(device.memory_bandwidth);
    out->set_launch_ns(device.launch);
    out->set_host(device.host);
    for (const Efficiency& efficiency : device.efficiency) {
      v1::EfficiencyProto* one = out->add_efficiency();
      one->set_op_class(static_cast<v1::FusionClass>(efficiency.op_class));
      one->set_op_type(efficiency.op_type);
      one->set_flops(efficiency.flops);
      one->set_bytes(efficiency.bytes);
    }
  }
  for (const Channel& channel : machine.channels()) {
    v1::ChannelProto* out = proto.add_channels();
    out->set_name(channel.name);
    out->set_bandwidth(channel.bandwidth);
    out->set_latency_ns(channel.latency);
  }
  for (const Machine::Route& route : machine.Routes()) {
    v1::RouteProto* out = proto.add_routes();
    out->set_from(route.from);
    out->set_to(route.to);
    for (ChannelId channel : route.channels) out->add_channels(channel);
  }
  return proto;
}

absl::StatusOr<Machine> MachineFromProto(const v1::MachineProto& proto) {
  GOPT_RETURN_IF_ERROR(CheckNameText(proto.name(), "machine name"));
  if (proto.devices_size() < 1 || proto.devices_size() > kMaxDevices) {
    return absl::InvalidArgumentError(
        absl::StrCat(proto.devices_size(), " devices; expected 1 to ", kMaxDevices));
  }
  std::vector<Device> devices;
  for (int i = 0; i < proto.devices_size(); ++i) {
    GOPT_ASSIGN_OR_RETURN(Device device, DeviceFromProto(proto.devices(i), i));
    devices.push_back(std::move(device));
  }
  std::vector<Channel> channels;
  for (int i = 0; i < proto.channels_size(); ++i) {
    GOPT_ASSIGN_OR_RETURN(Channel channel, ChannelFromProto(proto.channels(i), i));
    channels.push_back(std::move(channel));
  }
  std::vector<Machine::Route> routes;
  for (int i = 0; i < proto.routes_size(); ++i) {
    GOPT_ASSIGN_OR_RETURN(Machine::Route route, RouteFromProto(proto.routes(i), i));
    routes.push_back(std::move(route));
  }
  if (proto.has_all_pairs()) {
    GOPT_RETURN_IF_ERROR(AddAllPairs(proto.all_pairs(), devices, &channels, &routes));
  }
  return Machine::Create(proto.name(), std::move(devices), std::move(channels), std::move(routes));
}

}  // namespace gopt
