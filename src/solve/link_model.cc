#include "src/solve/link_model.h"

#include <algorithm>
#include <limits>

namespace gopt {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

LinkModel::LinkModel(const Machine& machine, int width) : width_(width) {
  const int devices = machine.num_devices();
  const size_t cells = static_cast<size_t>(devices) * width;
  free_.assign(cells, 0.0);
  latency_.assign(cells, kInfinity);
  inverse_bandwidth_.assign(cells, 0.0);
  std::vector<std::vector<int32_t>> routes_of_channel(machine.num_channels());
  for (DeviceId from = 0; from < devices; ++from) {
    latency_[Row(from) + from] = 0.0;
    for (DeviceId to = 0; to < devices; ++to) {
      if (from == to || !machine.has_route(from, to)) continue;
      const size_t cell = Row(from) + to;
      latency_[cell] = static_cast<double>(machine.route_latency(from, to));
      inverse_bandwidth_[cell] = 1e9 / machine.route_bandwidth(from, to);
      for (ChannelId c : machine.route(from, to)) {
        routes_of_channel[c].push_back(static_cast<int32_t>(cell));
      }
    }
  }
  sharing_begin_.assign(1, 0);
  std::vector<int32_t> sharing;
  for (DeviceId from = 0; from < devices; ++from) {
    for (DeviceId to = 0; to < width; ++to) {
      sharing.clear();
      if (to < devices) {
        for (ChannelId c : machine.route(from, to)) {
          sharing.insert(sharing.end(), routes_of_channel[c].begin(), routes_of_channel[c].end());
        }
      }
      std::sort(sharing.begin(), sharing.end());
      sharing.erase(std::unique(sharing.begin(), sharing.end()), sharing.end());
      if (sharing.size() > 1) sharing_.insert(sharing_.end(), sharing.begin(), sharing.end());
      sharing_begin_.push_back(static_cast<int32_t>(sharing_.size()));
    }
  }
}

void LinkModel::Reset() { std::fill(free_.begin(), free_.end(), 0.0); }

double LinkModel::Book(DeviceId from, DeviceId to, double request, double bytes) {
  const size_t cell = Row(from) + to;
  const double end = std::max(request, free_[cell]) + bytes * inverse_bandwidth_[cell];
  free_[cell] = end;
  for (int32_t i = sharing_begin_[cell]; i < sharing_begin_[cell + 1]; ++i) {
    free_[sharing_[i]] = std::max(free_[sharing_[i]], end);
  }
  return end + latency_[cell];
}

}  // namespace gopt
