#ifndef GOPT_SRC_MACHINE_ROUTE_TABLE_H_
#define GOPT_SRC_MACHINE_ROUTE_TABLE_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gopt/base/types.h"
#include "gopt/machine/machine.h"

namespace gopt {

// Fills a RouteTable, sharing the channels of routes that begin alike.
class RouteTableBuilder {
 public:
  // `channels` must outlive this.
  RouteTableBuilder(int num_devices, std::span<const Channel> channels);

  // Any order is right; by source and longest first is compact. InvalidArgument names the route.
  absl::Status Add(DeviceId from, DeviceId to, std::span<const ChannelId> route);

  // A route of fewest links for each pair that has one; link i is channel i.
  absl::Status AddShortest(std::span<const Link> links);

  RouteTable Build() && { return std::move(table_); }

 private:
  struct Stored {
    DeviceId from;
    int32_t begin, length;
  };

  absl::Status CheckPair(DeviceId from, DeviceId to) const;
  absl::Status CheckChannels(DeviceId from, DeviceId to, std::span<const ChannelId> route);
  // Where `route` already stands as the beginning of a recent route from the same device, or -1.
  int32_t FindShared(DeviceId from, std::span<const ChannelId> route) const;
  void SetPair(DeviceId from, DeviceId to, int32_t begin, std::span<const ChannelId> route);
  void AddTree(DeviceId from, std::span<const DeviceId> visited,
               std::span<const ChannelId> last_link, std::span<const Link> links);
  bool HasRoomFor(size_t channels) const;

  size_t num_devices_;
  std::span<const Channel> channels_;
  RouteTable table_;
  std::vector<Stored> recent_;  // A ring of the routes stored last.
  size_t next_recent_ = 0;
  std::vector<int32_t> last_seen_;  // Per channel: number of the Add call that saw it.
  int32_t calls_ = 0;
};

}  // namespace gopt

#endif  // GOPT_SRC_MACHINE_ROUTE_TABLE_H_
