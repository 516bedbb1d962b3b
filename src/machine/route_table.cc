#include "src/machine/route_table.h"

#include <algorithm>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"

namespace gopt {
namespace {

constexpr size_t kRecentRoutes = 8;

absl::Status RouteError(DeviceId from, DeviceId to, const std::string& rule) {
  return absl::InvalidArgumentError(absl::StrCat("route ", from, " -> ", to, ": ", rule));
}

}  // namespace

RouteTableBuilder::RouteTableBuilder(int num_devices, std::span<const Channel> channels)
    : num_devices_(static_cast<size_t>(num_devices)),
      channels_(channels),
      last_seen_(channels.size(), 0) {
  const size_t pairs = num_devices_ * num_devices_;
  table_.begin.assign(pairs, 0);
  table_.length.assign(pairs, 0);
  table_.bandwidth.assign(pairs, 0.0);
  table_.latency.assign(pairs, 0);
}

absl::Status RouteTableBuilder::CheckPair(DeviceId from, DeviceId to) const {
  const auto exists = [&](DeviceId d) { return d >= 0 && static_cast<size_t>(d) < num_devices_; };
  if (!exists(from) || !exists(to)) return RouteError(from, to, "the device does not exist");
  if (from == to) return RouteError(from, to, "leads to where it begins");
  return absl::OkStatus();
}

absl::Status RouteTableBuilder::CheckChannels(DeviceId from, DeviceId to,
                                              std::span<const ChannelId> route) {
  if (route.empty()) return RouteError(from, to, "has no channel");
  ++calls_;
  for (const ChannelId channel : route) {
    if (channel < 0 || static_cast<size_t>(channel) >= channels_.size()) {
      return RouteError(from, to, absl::StrCat("channel ", channel, " does not exist"));
    }
    if (std::exchange(last_seen_[channel], calls_) == calls_) {
      return RouteError(from, to, absl::StrCat("passes channel ", channel, " twice"));
    }
  }
  return absl::OkStatus();
}

bool RouteTableBuilder::HasRoomFor(size_t channels) const {
  constexpr size_t kLimit = std::numeric_limits<int32_t>::max();
  return channels <= kLimit - table_.channels.size();
}

int32_t RouteTableBuilder::FindShared(DeviceId from, std::span<const ChannelId> route) const {
  for (const Stored& stored : recent_) {
    if (stored.from != from || static_cast<size_t>(stored.length) < route.size()) continue;
    const ChannelId* begin = table_.channels.data() + stored.begin;
    if (std::equal(route.begin(), route.end(), begin)) return stored.begin;
  }
  return kNone;
}

void RouteTableBuilder::SetPair(DeviceId from, DeviceId to, int32_t begin,
                                std::span<const ChannelId> route) {
  const size_t pair = static_cast<size_t>(from) * num_devices_ + static_cast<size_t>(to);
  double bandwidth = channels_[route[0]].bandwidth;
  Nanoseconds latency = 0;
  for (const ChannelId channel : route) {
    bandwidth = std::min(bandwidth, channels_[channel].bandwidth);
    latency = SaturatingAdd(latency, channels_[channel].latency);
  }
  table_.begin[pair] = begin;
  table_.length[pair] = static_cast<int32_t>(route.size());
  table_.bandwidth[pair] = bandwidth;
  table_.latency[pair] = latency;
}

absl::Status RouteTableBuilder::Add(DeviceId from, DeviceId to, std::span<const ChannelId> route) {
  GOPT_RETURN_IF_ERROR(CheckPair(from, to));
  GOPT_RETURN_IF_ERROR(CheckChannels(from, to, route));
  if (table_.length[static_cast<size_t>(from) * num_devices_ + static_cast<size_t>(to)] != 0) {
    return RouteError(from, to, "is given twice");
  }
  int32_t begin = FindShared(from, route);
  if (begin == kNone) {
    if (!HasRoomFor(route.size())) return RouteError(from, to, "all routes are too long together");
    begin = static_cast<int32_t>(table_.channels.size());
    table_.channels.insert(table_.channels.end(), route.begin(), route.end());
    if (recent_.size() < kRecentRoutes) recent_.resize(recent_.size() + 1);
    recent_[next_recent_++ % kRecentRoutes] = {from, begin, static_cast<int32_t>(route.size())};
  }
  SetPair(from, to, begin, route);
  return absl::OkStatus();
}

absl::Status RouteTableBuilder::AddShortest(std::span<const Link> links) {
  std::vector<std::vector<ChannelId>> links_from(num_devices_);
  std::vector<uint8_t> linked(num_devices_ * num_devices_, 0);
  for (size_t i = 0; i < links.size(); ++i) {
    GOPT_RETURN_IF_ERROR(CheckPair(links[i].from, links[i].to));
    const size_t pair = static_cast<size_t>(links[i].from) * num_devices_ + links[i].to;
    if (std::exchange(linked[pair], uint8_t{1}) != 0) {
      return RouteError(links[i].from, links[i].to, "has two links");
    }
    links_from[links[i].from].push_back(static_cast<ChannelId>(i));
  }
  for (DeviceId from = 0; static_cast<size_t>(from) < num_devices_; ++from) {
    std::vector<ChannelId> last_link(num_devices_, kNone);
    std::vector<DeviceId> visited = {from};
    for (size_t i = 0; i < visited.size() && visited.size() < num_devices_; ++i) {
      for (const ChannelId link : links_from[visited[i]]) {
        const DeviceId to = links[link].to;
        if (to == from || last_link[to] != kNone) continue;
        last_link[to] = link;
        visited.push_back(to);
      }
    }
    AddTree(from, visited, last_link, links);
  }
  return absl::OkStatus();
}

// Walks the tree of shortest routes from its farthest devices back to the root: a route is stored
// once, and each device on it that has none yet gets the beginning of it.
void RouteTableBuilder::AddTree(DeviceId from, std::span<const DeviceId> visited,
                                std::span<const ChannelId> last_link, std::span<const Link> links) {
  const size_t row = static_cast<size_t>(from) * num_devices_;
  std::vector<ChannelId> route;
  for (size_t i = visited.size(); i-- > 1;) {
    if (table_.length[row + visited[i]] != 0) continue;
    route.clear();
    for (DeviceId at = visited[i]; at != from; at = links[last_link[at]].from) {
      route.push_back(last_link[at]);
    }
    std::reverse(route.begin(), route.end());
    const int32_t begin = static_cast<int32_t>(table_.channels.size());
    table_.channels.insert(table_.channels.end(), route.begin(), route.end());
    double bandwidth = channels_[route[0]].bandwidth;
    Nanoseconds latency = 0;
    for (size_t hop = 0; hop < route.size(); ++hop) {
      bandwidth = std::min(bandwidth, channels_[route[hop]].bandwidth);
      latency = SaturatingAdd(latency, channels_[route[hop]].latency);
      const size_t pair = row + links[route[hop]].to;
      table_.begin[pair] = begin;
      table_.length[pair] = static_cast<int32_t>(hop) + 1;
      table_.bandwidth[pair] = bandwidth;
      table_.latency[pair] = latency;
    }
  }
}

}  // namespace gopt
