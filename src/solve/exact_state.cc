#include "src/solve/exact_state.h"

#include <algorithm>
#include <utility>

namespace gopt {

std::vector<int32_t> RanksByRules(int num_tasks, const std::vector<RankRule>& rules) {
  std::vector<int32_t> rank(num_tasks, 0);
  Bits left = num_tasks == kMostBits ? ~Bits{0} : Bit(num_tasks) - 1, ranked = 0;
  for (int32_t level = 0; left != 0; ++level) {
    // The most tasks that may share this rank.
    Bits here = left, before = 0;
    while (here != before) {
      before = here;
      for (const RankRule& rule : rules) {
        const Bits enough = rule.strict ? ranked : ranked | here;
        if ((rule.first & enough) == 0) here &= ~rule.second;
      }
    }
    if (here == 0) return {};
    for (int k : Each(here)) rank[k] = level;
    ranked |= here;
    left &= ~here;
  }
  return rank;
}

ExactSimulation::ExactSimulation(const ExactInstance& instance, std::vector<Bits> interchangeable,
                                 bool memory)
    : instance_(instance),
      interchangeable_(std::move(interchangeable)),
      ancestors_(instance.num_tasks, 0) {
  for (int32_t p = 0; memory && p < instance.num_parameters; ++p) {
    const ExactInstance::Parameter& parameter = instance.parameters[p];
    if (parameter.readers == 0 && parameter.home_task == kNone) unread_.push_back(p);
  }
  for (KernelId k : instance.order) {
    for (int source : Each(instance.before[k])) ancestors_[k] |= Bit(source) | ancestors_[source];
  }
}

ExactState ExactSimulation::Initial() const {
  const size_t devices = static_cast<size_t>(instance_.num_devices);
  ExactState state;
  state.open = instance_.open;
  state.ready.assign(instance_.time_table.size(), 0);
  state.running.assign(devices, kNone);
  state.free.assign(devices, 0);
  state.refused.assign(devices, 0);
  state.channel_free.assign(instance_.contention ? instance_.num_channels : 0, 0);
  state.home.assign(instance_.parameters.size(), kNone);
  for (size_t p = 0; p < instance_.fixed_home.size(); ++p) {
    state.home[p] = static_cast<int8_t>(instance_.fixed_home[p]);
  }
  state.arrival.assign(instance_.parameters.size() * devices, ExactState::kNotBooked);
  return state;
}

ExactSimulation::Outcome ExactSimulation::Run(ExactState* state, Trail* trail,
                                              Choices* choices) const {
  while (true) {
    choices->clear();
    bool possible = true;
    switch (state->stage) {
      case ExactState::Stage::kPlace:
        possible = ChoosePlaces(state, choices);
        break;
      case ExactState::Stage::kBook:
        possible = ChooseBooking(state, trail, choices);
        break;
      case ExactState::Stage::kDispatch:
        if (state->started == instance_.all_tasks) return Outcome::kFinished;
        possible = state->cursor < instance_.num_devices ? ChooseStart(state, trail, choices)
                                                         : NextPass(state);
        break;
    }
    if (!possible) return Outcome::kImpossible;
    if (choices->size() > 1) return Outcome::kChoices;
    if (choices->size() == 1 && !Apply(choices->front(), state, trail)) {
      return Outcome::kImpossible;
    }
  }
}

bool ExactSimulation::Apply(const Choice& choice, ExactState* state, Trail* trail) const {
  switch (choice.kind) {
    case Choice::Kind::kPlace:
      return Place(choice.what, choice.where, state);
    case Choice::Kind::kHome:
      state->home[choice.what] = static_cast<int8_t>(choice.where);
      state->used |= Bit(choice.where);
      return true;
    case Choice::Kind::kBook: {
      const Bits others = RequestersThatMeet(*state, choice.what) & ~Bit(choice.what);
      const Bits below = Bit(choice.what) - 1;
      AddRule({Bit(choice.what), others & ~below, false}, state, trail);
      AddRule({Bit(choice.what), others & below, true}, state, trail);
      return Begin(choice.what, state);
    }
    case Choice::Kind::kSend: {
      Bits below = 0, above = 0;
      const Bits others = DestinationsThatMeet(*state, choice.where) & ~Bit(choice.where);
      for (int d : Each(others)) {
        (d < choice.where ? below : above) |= ReadersOn(*state, state->next_output, d);
      }
      const Bits first = ReadersOn(*state, state->next_output, choice.where);
      AddRule({first, above, false}, state, trail);
      AddRule({first, below, true}, state, trail);
      return Send(choice.where, state);
    }
    case Choice::Kind::kStart:
      return Start(choice.what, choice.where, state, trail);
    case Choice::Kind::kWait:
      state->refused[choice.where] |= Ready(*state, choice.where);
      return true;
  }
  return false;
}

void ExactSimulation::AddRule(RankRule rule, ExactState* state, Trail* trail) {
  if (rule.second == 0) return;
  trail->rules.resize(state->num_rules);
  trail->rules.push_back(rule);
  ++state->num_rules;
}

// --- From pass to pass.

bool ExactSimulation::NextPass(ExactState* state) const {
  const Nanoseconds next = NextEvent(*state);
  if (next >= kSaturated) return false;
  state->now = next;
  state->stage = ExactState::Stage::kPlace;
  state->cursor = 0;
  state->fresh = state->finished = 0;
  state->fresh_arrivals.clear();
  for (DeviceId d = 0; d < instance_.num_devices; ++d) {
    if (state->running[d] == kNone || state->free[d] != next) continue;
    state->finished |= Bit(std::exchange(state->running[d], kNone));
  }
  state->done |= state->finished;
  for (int k : Each(state->finished)) {
    for (int reader : Each(instance_.control_readers[k])) {
      for (int d : Each(state->open[reader])) {
        Nanoseconds& ready = state->ready[reader * instance_.num_devices + d];
        ready = std::max(ready, next);
      }
    }
  }
  return true;
}

// Now again where something ended or arrived too late for the last pass.
Nanoseconds ExactSimulation::NextEvent(const ExactState& state) const {
  if (state.fresh != 0) return state.now;
  Nanoseconds next = kSaturated;
  for (DeviceId d = 0; d < instance_.num_devices; ++d) {
    if (state.running[d] != kNone) next = std::min(next, state.free[d]);
  }
  for (int k : Each(instance_.all_tasks & ~state.started)) {
    const Bits known = instance_.roams(k) && !instance_.contention ? state.started : state.done;
    if ((instance_.before[k] & ~known) != 0) continue;
    const bool asks = Has(instance_.asking & ~state.settled, k);
    for (int d : Each(state.open[k])) {
      const Nanoseconds ready = state.ready[k * instance_.num_devices + d];
      if (ready > state.now && (asks || state.running[d] == kNone)) next = std::min(next, ready);
    }
  }
  return next;
}

// --- Places.

bool ExactSimulation::ChoosePlaces(ExactState* state, Choices* choices) const {
  if (!ChooseHomes(unread_, state, choices)) return false;
  if (!choices->empty()) return true;
  Bits waiting = 0;
  for (int k : Each(state->finished)) waiting |= instance_.readers[k];
  for (int k : Each(instance_.all_tasks & ~state->started & ~instance_.roaming & ~waiting)) {
    if ((instance_.before[k] & ~state->done) == 0) waiting |= Bit(k);
  }
  for (int k : Each(waiting & ~instance_.roaming)) {
    if (state->placed(k)) continue;
    OfferPlaces(*state, k, choices);
    return !choices->empty();
  }
  for (int k : Each(Asking(*state))) {
    if (!ChooseHomes(instance_.parameters_of[k], state, choices)) return false;
    if (!choices->empty()) return true;
  }
  CollectRequesters(state);
  return true;
}

void ExactSimulation::OfferPlaces(const ExactState& state, KernelId k, Choices* choices) const {
  for (int d : Each(Offered(state, state.open[k]))) {
    choices->push_back({Choice::Kind::kPlace, static_cast<int16_t>(k), static_cast<int16_t>(d)});
  }
}

// Of untouched devices that may trade places the lowest stands for all.
Bits ExactSimulation::Offered(const ExactState& state, Bits devices) const {
  Bits offered = devices;
  for (int d : Each(devices & ~state.used)) {
    if ((interchangeable_[d] & ~state.used & (Bit(d) - 1)) != 0) offered &= ~Bit(d);
  }
  return offered;
}

// Tasks that have all but their parameters and have not asked for these.
Bits ExactSimulation::Asking(const ExactState& state) const {
  Bits asking = 0;
  for (int k : Each(instance_.asking & ~state.settled & ~state.started & ~state.fresh)) {
    if ((instance_.before[k] & ~state.done) != 0 || AwaitsBooking(state, k)) continue;
    if (state.ready[k * instance_.num_devices + state.place(k)] <= state.now) asking |= Bit(k);
  }
  return asking;
}

// Whether a tensor that ended in this pass has yet to be sent to the task.
bool ExactSimulation::AwaitsBooking(const ExactState& state, KernelId k) const {
  return std::any_of(instance_.edges[k].begin(), instance_.edges[k].end(), [&](const auto& edge) {
    return Has(state.finished, edge.source) && state.place(edge.source) != state.place(k);
  });
}

bool ExactSimulation::ChooseHomes(const std::vector<int32_t>& parameters, ExactState* state,
                                  Choices* choices) const {
  for (int32_t p : parameters) {
    if (state->home[p] != kNone) continue;
    const ExactInstance::Parameter& parameter = instance_.parameters[p];
    const KernelId owner = parameter.home_task;
    if (owner != kNone) {
      if (!state->placed(owner)) {
        OfferPlaces(*state, owner, choices);
        return !choices->empty();
      }
      if (!Has(parameter.homes, state->place(owner))) return false;
      state->home[p] = static_cast<int8_t>(state->place(owner));
    } else if (state->home[parameter.leader] != kNone) {
      state->home[p] = state->home[parameter.leader];
    } else {
      for (int d : Each(Offered(*state, parameter.homes))) {
        choices->push_back(
            {Choice::Kind::kHome, static_cast<int16_t>(parameter.leader), static_cast<int16_t>(d)});
      }
      return !choices->empty();
    }
  }
  return true;
}

bool ExactSimulation::Place(KernelId k, DeviceId d, ExactState* state) const {
  state->used |= Bit(d);
  for (int member : Each(instance_.group[k])) {
    if (!Has(state->open[member], d)) return false;
    state->open[member] = Bit(d);
    for (int other : Each(instance_.apart[member])) {
      state->open[other] &= ~Bit(d);
      if (state->open[other] == 0) return false;
    }
  }
  return true;
}

// --- Starts.

bool ExactSimulation::IsReady(const ExactState& state, KernelId k, DeviceId d) const {
  const bool roams = instance_.roams(k);
  if (!Has(state.open[k], d) || !(roams || state.placed(k)) || Has(state.fresh, k)) return false;
  const Bits known = roams && !instance_.contention ? state.started : state.done;
  return (instance_.before[k] & ~known) == 0 &&
         state.ready[k * instance_.num_devices + d] <= state.now &&
         !Has(instance_.asking & ~state.settled, k);
}

Bits ExactSimulation::Ready(const ExactState& state, DeviceId d) const {
  Bits ready = 0;
  for (int k : Each(instance_.all_tasks & ~state.started & ~state.refused[d])) {
    if (IsReady(state, k, d)) ready |= Bit(k);
  }
  return ready;
}

// The next device's turn. Offers its ready tasks, the one with the longest way to go first.
bool ExactSimulation::ChooseStart(ExactState* state, Trail* trail, Choices* choices) const {
  const DeviceId d = state->cursor;
  const Bits ready = state->running[d] == kNone ? Ready(*state, d) : 0;
  if (ready == 0) {
    ++state->cursor;
    return true;
  }
  if (!instance_.open_order) return FixedStart(d, ready, state, trail, choices);
  if (Offered(*state, Bit(d)) == 0) {  // Another stands for it, and has as much to start.
    state->refused[d] |= ready;
    return true;
  }
  for (KernelId k : instance_.by_tail) {
    if (!Has(ready, k)) continue;
    choices->push_back({Choice::Kind::kStart, static_cast<int16_t>(k), static_cast<int16_t>(d)});
  }
  if (MayWait(*state, d, ready)) {
    choices->push_back({Choice::Kind::kWait, kNone, static_cast<int16_t>(d)});
  }
  return true;
}

bool ExactSimulation::FixedStart(DeviceId d, Bits ready, ExactState* state, Trail* trail,
                                 Choices* choices) const {
  const auto start = [&](auto key) {
    KernelId best = Lowest(ready);
    for (int k : Each(ready)) {
      if (key(k) < key(best)) best = k;
    }
    return Start(best, d, state, trail);
  };
  const auto rank = [&](KernelId k) { return instance_.fixed_rank[k]; };
  switch (instance_.base->dispatch) {
    case Dispatch::kPriority:
      return start(rank);
    case Dispatch::kFifo:
      return start([&](KernelId k) {
        return std::pair(state->ready[k * instance_.num_devices + d], rank(k));
      });
    case Dispatch::kSequence:
      break;
  }
  KernelId next = Lowest(ready);
  for (int k : Each(instance_.all_tasks & ~state->started)) {
    if (!Has(state->open[k], d)) continue;
    if (instance_.fixed_position[k] < instance_.fixed_position[next]) next = k;
  }
  if (!state->placed(next)) {  // The device may have to wait for it.
    OfferPlaces(*state, next, choices);
    return !choices->empty();
  }
  if (Has(ready, next)) return Start(next, d, state, trail);
  ++state->cursor;
  return true;
}

// Whether a task could still come up that the device might start next instead of the ready ones.
bool ExactSimulation::MayWait(const ExactState& state, DeviceId d, Bits ready) const {
  const Bits refused = ready | (state.refused[d] & ~state.started);
  Bits here = 0;  // These run on the device, so after what it starts next.
  for (int k : Each(refused)) {
    if (state.placed(k)) here |= Bit(k);
  }
  for (int k : Each(instance_.all_tasks & ~state.started & ~refused)) {
    if (Has(state.open[k], d) && (ancestors_[k] & here) == 0) return true;
  }
  return false;
}

bool ExactSimulation::Start(KernelId k, DeviceId d, ExactState* state, Trail* trail) const {
  if (!Place(k, d, state)) return false;
  state->started |= Bit(k);
  state->running[d] = static_cast<int8_t>(k);
  state->refused[d] = 0;
  state->free[d] = SaturatingAdd(state->now, instance_.time(k, d));
  state->makespan = std::max(state->makespan, state->free[d]);
  trail->starts.resize(state->num_starts);
  trail->starts.push_back(k);
  ++state->num_starts;
  ++state->cursor;
  if (!instance_.contention) DeliverAhead(k, d, state);
  return true;
}

// Without contention a tensor's way is known when its producer starts.
void ExactSimulation::DeliverAhead(KernelId k, DeviceId d, ExactState* state) const {
  const auto deliver = [&](Bits readers, const ExactInstance::Output* output) {
    for (int reader : Each(readers & instance_.roaming)) {
      for (int to : Each(state->open[reader])) {
        const Nanoseconds delay = output == nullptr ? 0 : instance_.Delay(*output, d, to);
        Nanoseconds& ready = state->ready[reader * instance_.num_devices + to];
        ready = std::max(ready, SaturatingAdd(state->free[d], delay));
      }
    }
  };
  deliver(instance_.control_readers[k], nullptr);
  for (int32_t i = instance_.output_begin[k]; i < instance_.output_begin[k + 1]; ++i) {
    deliver(instance_.outputs[i].readers, &instance_.outputs[i]);
  }
}

}  // namespace gopt
