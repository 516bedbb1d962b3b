#include "src/solve/link_calendar.h"

#include <algorithm>
#include <span>

namespace gopt {
namespace {

// Rounds in which the channels of a route look for a gap that they have in common, before the
// transfer goes after everything else. A route of one channel needs one.
constexpr int kMostRounds = 32;

}  // namespace

LinkCalendar::LinkCalendar(const Machine& machine)
    : machine_(machine),
      busy_(machine.num_channels()),
      end_in_visit_(machine.num_channels(), 0),
      last_visit_(machine.num_channels(), 0) {
  for (GapList& gaps : busy_) gaps.Clear();
}

Nanoseconds LinkCalendar::CommonStart(std::span<const ChannelId> route, Nanoseconds request,
                                      Nanoseconds length) const {
  Nanoseconds start = request;
  for (int round = 0; round < kMostRounds; ++round) {
    const Nanoseconds before = start;
    for (ChannelId c : route) start = busy_[c].Find(start, length);
    if (start == before || route.size() == 1) return start;
  }
  for (ChannelId c : route) start = std::max(start, busy_[c].tail());
  return start;
}

Nanoseconds LinkCalendar::Transfer(DeviceId from, DeviceId to, Nanoseconds request, int64_t bytes,
                                   bool book) {
  if (!machine_.has_route(from, to)) return kSaturated;
  const std::span<const ChannelId> route = machine_.route(from, to);
  const Nanoseconds length = machine_.TransferDuration(bytes, from, to);
  for (ChannelId c : route) {
    if (last_visit_[c] == visit_) request = std::max(request, end_in_visit_[c]);
  }
  const Nanoseconds start = CommonStart(route, request, length);
  const Nanoseconds end = SaturatingAdd(start, length);
  for (ChannelId c : route) {
    last_visit_[c] = visit_;
    end_in_visit_[c] = end;
    if (book) busy_[c].Take(start, length);
  }
  return SaturatingAdd(end, machine_.route_latency(from, to));
}

}  // namespace gopt
