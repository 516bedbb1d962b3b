// The part of ExactSimulation that books the transfers of one pass.

#include <algorithm>
#include <limits>
#include <utility>

#include "src/solve/exact_state.h"

namespace gopt {

void ExactSimulation::CollectRequesters(ExactState* state) const {
  state->stage = ExactState::Stage::kBook;
  state->requesting = Asking(*state);
  for (int k : Each(state->finished)) {
    if (instance_.output_begin[k] < instance_.output_begin[k + 1]) state->requesting |= Bit(k);
  }
}

Bits ExactSimulation::ReadersOn(const ExactState& state, int32_t output, DeviceId d) const {
  Bits here = 0;
  for (int reader : Each(instance_.outputs[output].readers & ~instance_.roaming)) {
    if (state.place(reader) == d) here |= Bit(reader);
  }
  return here;
}

Bits ExactSimulation::Destinations(const ExactState& state, int32_t output) const {
  Bits devices = 0;
  for (int reader : Each(instance_.outputs[output].readers & ~instance_.roaming)) {
    devices |= Bit(state.place(reader));
  }
  return devices & ~Bit(state.place(instance_.outputs[output].producer));
}

bool ExactSimulation::IsRemote(const ExactState& state, int32_t parameter, DeviceId d) const {
  return state.home[parameter] != d;
}

// Whether visit(from, to) holds for some transfer that the task will book now.
template <typename Visit>
bool ExactSimulation::AnyRequest(const ExactState& state, KernelId k, Visit visit) const {
  const DeviceId here = state.place(k);
  if (Has(state.finished, k)) {
    for (int32_t i = instance_.output_begin[k]; i < instance_.output_begin[k + 1]; ++i) {
      for (int to : Each(Destinations(state, i))) {
        if (visit(here, to)) return true;
      }
    }
    return false;
  }
  return std::any_of(instance_.parameters_of[k].begin(), instance_.parameters_of[k].end(),
                     [&](int32_t p) {
                       return IsRemote(state, p, here) &&
                              state.arrival[instance_.pair(p, here)] == ExactState::kNotBooked &&
                              visit(state.home[p], here);
                     });
}

// The requesters whose order matters to the task's, directly or through others; with the task.
Bits ExactSimulation::RequestersThatMeet(const ExactState& state, KernelId k) const {
  if (!instance_.contention) return Bit(k);
  Bits found = Bit(k), todo = found, left = state.requesting & ~found;
  while (todo != 0) {
    const KernelId a = Lowest(todo);
    todo &= ~Bit(a);
    for (int b : Each(left)) {
      const bool meet = AnyRequest(state, a, [&](DeviceId from1, DeviceId to1) {
        return AnyRequest(state, b, [&](DeviceId from2, DeviceId to2) {
          return instance_.RoutesMeet(from1, to1, from2, to2);
        });
      });
      if (!meet) continue;
      found |= Bit(b);
      todo |= Bit(b);
      left &= ~Bit(b);
    }
  }
  return found;
}

Bits ExactSimulation::DestinationsThatMeet(const ExactState& state, DeviceId d) const {
  if (!instance_.contention) return Bit(d);
  const DeviceId from = state.place(state.sending);
  Bits found = Bit(d), todo = found, left = state.destinations & ~found;
  while (todo != 0) {
    const DeviceId a = Lowest(todo);
    todo &= ~Bit(a);
    for (int b : Each(left)) {
      if (!instance_.RoutesMeet(from, a, from, b)) continue;
      found |= Bit(b);
      todo |= Bit(b);
      left &= ~Bit(b);
    }
  }
  return found;
}

bool ExactSimulation::ChooseBooking(ExactState* state, Trail* trail, Choices* choices) const {
  if (state->sending != kNone) return ChooseDestination(state, trail, choices);
  if (state->requesting == 0) {
    state->stage = ExactState::Stage::kDispatch;
    return true;
  }
  if (!instance_.open_order) return Begin(NextByRank(state->requesting), state);
  const KernelId lowest = Lowest(state->requesting);
  const Bits meeting = RequestersThatMeet(*state, lowest);
  if (meeting == Bit(lowest)) return Begin(lowest, state);
  for (int k : Each(meeting))
    choices->push_back({Choice::Kind::kBook, static_cast<int16_t>(k), kNone});
  return true;
}

bool ExactSimulation::ChooseDestination(ExactState* state, Trail*, Choices* choices) const {
  if (!instance_.open_order) return Send(NextDestinationByRank(*state), state);
  const DeviceId lowest = Lowest(state->destinations);
  const Bits meeting = DestinationsThatMeet(*state, lowest);
  if (meeting == Bit(lowest)) return Send(lowest, state);
  for (int d : Each(meeting))
    choices->push_back({Choice::Kind::kSend, kNone, static_cast<int16_t>(d)});
  return true;
}

KernelId ExactSimulation::NextByRank(Bits requesters) const {
  KernelId next = Lowest(requesters);
  for (int k : Each(requesters)) {
    if (instance_.fixed_rank[k] < instance_.fixed_rank[next]) next = k;
  }
  return next;
}

DeviceId ExactSimulation::NextDestinationByRank(const ExactState& state) const {
  std::pair<int32_t, DeviceId> next = {std::numeric_limits<int32_t>::max(), kNone};
  for (int reader : Each(instance_.outputs[state.next_output].readers)) {
    const DeviceId d = state.place(reader);
    if (!Has(state.destinations, d)) continue;
    const std::pair<int32_t, DeviceId> here = {instance_.fixed_rank[reader], d};
    if (next.second == kNone || here < next) next = here;
  }
  return next.second;
}

bool ExactSimulation::Begin(KernelId requester, ExactState* state) const {
  if (!Has(state->finished, requester)) {
    state->requesting &= ~Bit(requester);
    return Ask(requester, state);
  }
  state->sending = static_cast<int8_t>(requester);
  state->next_output = instance_.output_begin[requester] - 1;
  NextOutput(state);
  return true;
}

// The next output that somebody elsewhere reads; readers here have theirs at once.
void ExactSimulation::NextOutput(ExactState* state) const {
  const KernelId k = state->sending;
  const DeviceId here = state->place(k);
  while (++state->next_output < instance_.output_begin[k + 1]) {
    for (int reader : Each(ReadersOn(*state, state->next_output, here))) {
      Nanoseconds& ready = state->ready[reader * instance_.num_devices + here];
      ready = std::max(ready, state->now);
    }
    state->destinations = Destinations(*state, state->next_output);
    if (state->destinations != 0) return;
  }
  state->sending = kNone;
  state->requesting &= ~Bit(k);
}

bool ExactSimulation::Send(DeviceId to, ExactState* state) const {
  const ExactInstance::Output& output = instance_.outputs[state->next_output];
  Nanoseconds arrival;
  if (!Book(output.duration, state->place(state->sending), to, state, &arrival)) return false;
  for (int reader : Each(ReadersOn(*state, state->next_output, to))) {
    Nanoseconds& ready = state->ready[reader * instance_.num_devices + to];
    ready = std::max(ready, arrival);
    if (arrival == state->now) state->fresh |= Bit(reader);
  }
  state->destinations &= ~Bit(to);
  if (state->destinations == 0) NextOutput(state);
  return true;
}

bool ExactSimulation::Ask(KernelId k, ExactState* state) const {
  const DeviceId here = state->place(k);
  Nanoseconds& ready = state->ready[k * instance_.num_devices + here];
  std::vector<int32_t>& fresh = state->fresh_arrivals;
  for (int32_t p : instance_.parameters_of[k]) {
    if (!IsRemote(*state, p, here)) continue;
    const int32_t pair = instance_.pair(p, here);
    Nanoseconds& arrival = state->arrival[pair];
    if (arrival == ExactState::kNotBooked) {
      const auto& duration = instance_.parameters[p].duration;
      if (!Book(duration, state->home[p], here, state, &arrival)) return false;
      if (arrival == state->now) fresh.push_back(pair);
    }
    ready = std::max(ready, arrival);
    if (std::find(fresh.begin(), fresh.end(), pair) != fresh.end()) state->fresh |= Bit(k);
  }
  state->settled |= Bit(k);
  return true;
}

// start = max(now, free time of every channel of the route); gaps are never filled.
bool ExactSimulation::Book(const std::vector<Nanoseconds>& duration, DeviceId from, DeviceId to,
                           ExactState* state, Nanoseconds* arrival) const {
  const auto route = instance_.route(from, to);
  if (route.empty()) return false;
  Nanoseconds start = state->now;
  if (instance_.contention) {
    for (ChannelId c : route) start = std::max(start, state->channel_free[c]);
  }
  const int pair = instance_.pair(from, to);
  const Nanoseconds end = SaturatingAdd(start, duration[pair]);
  if (instance_.contention) {
    for (ChannelId c : route) state->channel_free[c] = end;
  }
  *arrival = SaturatingAdd(end, instance_.latency[pair]);
  return true;
}

}  // namespace gopt
