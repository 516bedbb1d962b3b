#include "src/cost/simulation.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace gopt {
namespace {

// SaturatingCeil without a call: the baseline instruction set has no rounding instruction.
Nanoseconds CeilOf(double value) {
  if (!(value < static_cast<double>(kSaturated))) return kSaturated;
  const Nanoseconds floor = static_cast<Nanoseconds>(value);
  return floor + (static_cast<double>(floor) < value ? 1 : 0);
}

}  // namespace

void Simulation::RunPriority() { Loop(priority_); }
void Simulation::RunFifo() { Loop(fifo_); }
void Simulation::RunSequence() { Loop(sequence_); }

template <typename Queues>
void Simulation::Loop(Queues& queues) {
  for (KernelId kernel = 0; kernel < kernels_->num_kernels; ++kernel) {
    if (state_[kernel].missing == 0) arriving_next_.push_back(kernel);
  }
  RunInstant(queues);
  while (missing_route_.first == kNone) {
    now_ = std::min(next_event_.top(), asking_later_.top_time());
    if (now_ == kNever) break;
    RunInstant(queues);
  }
}

// Passes until nothing more happens: all finishes; all arrivals; all transfer requests that these
// caused; then at most one start per device.
template <typename Queues>
void Simulation::RunInstant(Queues& queues) {
  while (next_event_.top() == now_) due_.push_back(next_event_.PopTop());
  do {
    ++pass_;
    FinishKernels(queues);
    arriving_.swap(arriving_next_);
    for (KernelId kernel : arriving_) Complete(queues, kernel, now_);
    arriving_.clear();
    while (asking_later_.top_time() == now_) asking_.push_back(asking_later_.Pop().second);
    BookRequests(queues);
    StartKernels(queues);
  } while (!due_.empty() || !arriving_next_.empty());
}

template <typename Queues>
void Simulation::FinishKernels(Queues& queues) {
  finished_.clear();
  for (DeviceId device : due_) {
    Touch(device);
    const KernelId kernel = std::exchange(running_[device], kNone);
    if (kernel != kNone) finished_.push_back(kernel);
  }
  due_.clear();
  for (KernelId kernel : finished_) DeliverHere(queues, kernel);
  if (!finished_.empty()) makespan_ = now_;
}

// The readers on the kernel's own device have the tensors at once; so do control edges everywhere.
template <typename Queues>
void Simulation::DeliverHere(Queues& queues, KernelId kernel) {
  const KernelGraph& graph = kernels_->graph;
  const int16_t here = state_[kernel].device;
  const int32_t end = graph.reader_begin[graph.output_begin[kernel + 1]];
  for (int32_t i = graph.reader_begin[graph.output_begin[kernel]]; i < end; ++i) {
    KernelState& reader = state_[graph.readers[i]];
    if (reader.device != here || --reader.missing > 0) continue;
    Complete(queues, graph.readers[i], std::max(reader.ready, now_));
  }
  if (kernels_->control_reader_begin.empty()) return;
  for (KernelId waiting :
       KernelGraph::Row(kernels_->control_readers, kernels_->control_reader_begin, kernel)) {
    KernelState& reader = state_[waiting];
    if (--reader.missing == 0) Complete(queues, waiting, std::max(reader.ready, now_));
  }
}

// The kernel has all its inputs but remote parameters from `at` on. Not while transfers are booked.
template <typename Queues>
void Simulation::Complete(Queues& queues, KernelId kernel, Nanoseconds at) {
  if (state_[kernel].asks == 0) {
    MakeReady(queues, kernel, at);
  } else if (at <= now_) {
    asking_.push_back(kernel);
  } else {
    asking_later_.Push(at, kernel);
  }
}

// The same in the middle of booking: what arrives now arrives in the next pass.
template <typename Queues>
void Simulation::CompleteAfterBooking(Queues& queues, KernelId kernel, Nanoseconds at) {
  const KernelState& state = state_[kernel];
  const bool seen_now = state.asks != 0 || running_[state.device] == kNone;
  if (at == now_ && seen_now) {
    arriving_next_.push_back(kernel);
  } else {
    Complete(queues, kernel, at);
  }
}

// A device that runs looks at its queue when it finishes; one that waits is woken.
template <typename Queues>
void Simulation::MakeReady(Queues& queues, KernelId kernel, Nanoseconds at) {
  const KernelState& state = state_[kernel];
  if (running_[state.device] != kNone) {
    queues.Add(state.device, state.slot, at, busy_until_[state.device]);
    return;
  }
  queues.Add(state.device, state.slot, at, now_);
  if (at <= now_) {
    Touch(state.device);
  } else {
    next_event_.Set(state.device, queues.NextTime(state.device));
  }
}

void Simulation::Touch(DeviceId device) {
  if (std::exchange(touched_pass_[device], pass_) != pass_) touched_.push_back(device);
}

// The requests of one pass, by (rank, kernel) of the producer or of the parameters' reader.
template <typename Queues>
void Simulation::BookRequests(Queues& queues) {
  if (finished_.size() == 1 && asking_.empty()) {
    Send(queues, finished_.front());
    return;
  }
  requesters_.clear();
  for (KernelId kernel : finished_) requesters_.emplace_back(state_[kernel].rank, kernel);
  for (KernelId kernel : asking_) requesters_.emplace_back(state_[kernel].rank, kernel);
  asking_.clear();
  std::sort(requesters_.begin(), requesters_.end());
  for (const auto& [rank, kernel] : requesters_) {
    if (state_[kernel].asks != 0) {
      AskForParameters(queues, kernel);
    } else {
      Send(queues, kernel);
    }
  }
}

template <typename Queues>
void Simulation::Send(Queues& queues, KernelId kernel) {
  const KernelGraph& graph = kernels_->graph;
  const int16_t here = state_[kernel].device;
  for (int32_t entry = graph.output_begin[kernel]; entry < graph.output_begin[kernel + 1];
       ++entry) {
    const int32_t first = graph.reader_begin[entry];
    if (graph.reader_begin[entry + 1] - first > 1) {
      SendToMany(queues, kernel, entry);
      continue;
    }
    const KernelId reader = graph.readers[first];
    const int16_t there = state_[reader].device;
    if (there == here) continue;
    if (record_transfers_) first_transfer_[entry] = static_cast<int32_t>(transfers_.size());
    Receive(queues, reader, Book(kernels_->output_bytes[entry], here, there, entry, kNone, kernel));
  }
}

// Destinations by (lowest rank of a reader there, device).
template <typename Queues>
void Simulation::SendToMany(Queues& queues, KernelId kernel, int32_t entry) {
  const std::span<const KernelId> readers =
      KernelGraph::Row(kernels_->graph.readers, kernels_->graph.reader_begin, entry);
  const int16_t here = state_[kernel].device;
  const int64_t mark = ++last_mark_;
  destinations_.clear();
  for (KernelId reader : readers) {
    const KernelState& state = state_[reader];
    if (state.device == here) continue;
    if (std::exchange(mark_[state.device], mark) != mark) {
      destinations_.push_back(state.device);
      mark_rank_[state.device] = state.rank;
    } else {
      mark_rank_[state.device] = std::min(mark_rank_[state.device], state.rank);
    }
  }
  if (destinations_.empty()) return;
  if (destinations_.size() > 1) {
    std::sort(destinations_.begin(), destinations_.end(), [&](DeviceId a, DeviceId b) {
      return std::pair(mark_rank_[a], a) < std::pair(mark_rank_[b], b);
    });
  }
  if (record_transfers_) first_transfer_[entry] = static_cast<int32_t>(transfers_.size());
  for (DeviceId there : destinations_) {
    mark_arrival_[there] = Book(kernels_->output_bytes[entry], here, there, entry, kNone, kernel);
  }
  for (KernelId reader : readers) {
    const int16_t there = state_[reader].device;
    if (there != here) Receive(queues, reader, mark_arrival_[there]);
  }
}

template <typename Queues>
void Simulation::Receive(Queues& queues, KernelId reader, Nanoseconds arrival) {
  KernelState& state = state_[reader];
  state.ready = std::max(state.ready, arrival);
  if (--state.missing == 0) CompleteAfterBooking(queues, reader, state.ready);
}

// Books those that no other reader on the device has asked for; all arrivals are known then.
template <typename Queues>
void Simulation::AskForParameters(Queues& queues, KernelId kernel) {
  const DeviceId here = state_[kernel].device;
  Nanoseconds at = now_;
  bool next_pass = false;
  for (int32_t read : kernels_->ParameterReads(kernel)) {
    if (read_pair_[read] == kNone) continue;
    ParameterPair& pair = pairs_[read_pair_[read]];
    if (pair.arrival == kNotBooked) {
      const OpId parameter = problem_.graph().parameters()[pair.parameter];
      pair.transfer = static_cast<int32_t>(transfers_.size());
      pair.booked_pass = pass_;
      pair.arrival = Book(problem_.graph().port_bytes(problem_.graph().first_port(parameter)),
                          homes_[pair.parameter], here, kNone, pair.parameter, kernel);
    }
    at = std::max(at, pair.arrival);
    next_pass = next_pass || (pair.arrival == now_ && pair.booked_pass == pass_);
  }
  state_[kernel].asks = 0;
  if (at == now_ && !next_pass) {
    MakeReady(queues, kernel, at);
  } else {
    CompleteAfterBooking(queues, kernel, at);
  }
}

// start = max(now, free time of every channel of the route); gaps are never filled.
Nanoseconds Simulation::Book(int64_t bytes, DeviceId from, DeviceId to, int32_t entry,
                             int32_t parameter, KernelId requester) {
  const Route& route = routes_[static_cast<size_t>(from) * static_cast<size_t>(num_devices_) +
                               static_cast<size_t>(to)];
  if (route.num_channels == 0) {
    missing_route_ = {from, to};
    return now_;
  }
  const ChannelId* const channels = route_channels_.data() + route.first_channel;
  Nanoseconds start = now_;
  if (contention_) {
    for (int32_t i = 0; i < route.num_channels; ++i) {
      start = std::max(start, channel_free_[channels[i]]);
    }
  }
  const Nanoseconds end =
      SaturatingAdd(start, CeilOf((static_cast<double>(bytes) * 1e9) / route.bandwidth));
  if (contention_) {
    for (int32_t i = 0; i < route.num_channels; ++i) channel_free_[channels[i]] = end;
  }
  ++num_transfers_;
  transfer_bytes_ = SaturatingAdd(transfer_bytes_, bytes);
  if (record_transfers_) {
    transfers_.push_back({.request = now_,
                          .start = start,
                          .end = end,
                          .entry = entry,
                          .parameter = parameter,
                          .requester = requester,
                          .from = from,
                          .to = to});
  }
  return SaturatingAdd(end, route.latency);
}

// Kernels that started a little while ago will end soon: fetches, one step at each start, what
// their end will look at. On large graphs most of the time went into waiting for these lines.
void Simulation::PrefetchStarted() const {
  const KernelGraph& graph = kernels_->graph;
  const size_t count = started_.size();
  if (count <= kPrefetchDistance * 3) return;
  __builtin_prefetch(&graph.output_begin[started_[count - 1]]);
  const KernelId second = started_[count - 1 - kPrefetchDistance];
  __builtin_prefetch(graph.reader_begin.data() + graph.output_begin[second]);
  __builtin_prefetch(kernels_->output_bytes.data() + graph.output_begin[second]);
  const KernelId third = started_[count - 1 - 2 * kPrefetchDistance];
  const int32_t first_reader = graph.reader_begin[graph.output_begin[third]];
  __builtin_prefetch(graph.readers.data() + first_reader);
  const KernelId fourth = started_[count - 1 - 3 * kPrefetchDistance];
  const int32_t begin = graph.reader_begin[graph.output_begin[fourth]];
  const int32_t end =
      std::min(begin + kPrefetchReaders, graph.reader_begin[graph.output_begin[fourth + 1]]);
  for (int32_t i = begin; i < end; ++i) __builtin_prefetch(&state_[graph.readers[i]]);
}

template <typename Queues>
void Simulation::StartKernels(Queues& queues) {
  for (DeviceId device : touched_) {
    const KernelId kernel = queues.Take(device, now_);
    if (kernel == kNone) {
      next_event_.Set(device, queues.NextTime(device));
      continue;
    }
    const Nanoseconds end = SaturatingAdd(now_, state_[kernel].duration);
    start_[kernel] = now_;
    started_.push_back(kernel);
    PrefetchStarted();
    running_[device] = kernel;
    busy_until_[device] = end;
    if (end == now_) {
      due_.push_back(device);
      next_event_.Set(device, kNever);
    } else {
      next_event_.Set(device, end);
    }
  }
  touched_.clear();
}

}  // namespace gopt
