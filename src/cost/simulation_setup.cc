// What Simulation does before and after the loop of events.

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"
#include "gopt/base/utf8.h"
#include "src/cost/simulation.h"

namespace gopt {

Simulation::Simulation(const Problem& problem, const RooflineCostModel& costs, bool contention)
    : problem_(problem),
      costs_(costs),
      contention_(contention),
      num_devices_(problem.machine().num_devices()) {
  const Machine& machine = problem_.machine();
  routes_.reserve(static_cast<size_t>(num_devices_) * static_cast<size_t>(num_devices_));
  for (DeviceId from = 0; from < num_devices_; ++from) {
    for (DeviceId to = 0; to < num_devices_; ++to) {
      const std::span<const ChannelId> channels = machine.route(from, to);
      routes_.push_back({.bandwidth = machine.route_bandwidth(from, to),
                         .latency = machine.route_latency(from, to),
                         .first_channel = static_cast<int32_t>(route_channels_.size()),
                         .num_channels = static_cast<int32_t>(channels.size())});
      route_channels_.insert(route_channels_.end(), channels.begin(), channels.end());
    }
  }
  touched_pass_.assign(num_devices_, 0);
  mark_.assign(num_devices_, 0);
  mark_arrival_.assign(num_devices_, 0);
  mark_rank_.assign(num_devices_, 0);
}

void Simulation::Prepare(const Plan& plan, std::span<const DeviceId> homes) {
  now_ = makespan_ = 0;
  num_transfers_ = transfer_bytes_ = 0;
  missing_route_ = {kNone, kNone};
  transfers_.clear();
  started_.clear();
  arriving_.clear();
  arriving_next_.clear();
  due_.clear();
  touched_.clear();
  asking_later_.clear();
  start_.resize(kernels_->num_kernels);
  first_transfer_.resize(kernels_->graph.outputs.size());
  busy_.assign(num_devices_, 0);
  running_.assign(num_devices_, kNone);
  busy_until_.assign(num_devices_, 0);
  channel_free_.assign(problem_.machine().num_channels(), 0);
  next_event_.Reset(num_devices_);
  OrderKernels(plan);
  PairParameters(homes);
}

// Fills the kernels' states and the devices' orders, in order of (rank, id).
void Simulation::OrderKernels(const Plan& plan) {
  const int n = kernels_->num_kernels;
  std::vector<int32_t>& begin = device_order_.begin;
  begin.assign(num_devices_ + 1, 0);
  for (DeviceId device : plan.device) ++begin[device + 1];
  for (DeviceId d = 0; d < num_devices_; ++d) begin[d + 1] += begin[d];
  device_order_.by_device.resize(n);
  state_.resize(n);
  destinations_.assign(begin.begin(), begin.end() - 1);  // Next free position of each device.
  for (KernelId kernel : rank_order_.Sort(plan.rank)) {
    const DeviceId device = plan.device[kernel];
    const int device_class = costs_.device_class(device);
    const Nanoseconds duration =
        kernels_->time.empty()
            ? costs_.KernelTime(kernels_->Ops(kernel), kernels_->Outputs(kernel), device)
            : kernels_
                  ->time[static_cast<size_t>(kernel) * static_cast<size_t>(kernels_->num_classes) +
                         static_cast<size_t>(device_class)];
    const int32_t position = destinations_[device]++;
    device_order_.by_device[position] = kernel;
    busy_[device] = SaturatingAdd(busy_[device], duration);
    state_[kernel] = {.ready = 0,
                      .duration = duration,
                      .missing = kernels_->missing[kernel],
                      .rank = plan.rank[kernel],
                      .slot = position - begin[device],
                      .device = static_cast<int16_t>(device),
                      .asks = 0};
  }
  if (plan.dispatch != Dispatch::kSequence) return;
  device_sequence_.resize(n);
  destinations_.assign(begin.begin(), begin.end() - 1);
  for (KernelId kernel : plan.sequence) {
    device_sequence_[destinations_[state_[kernel].device]++] = state_[kernel].slot;
  }
}

// One pair for each parameter and device, its home aside, that has readers of it.
void Simulation::PairParameters(std::span<const DeviceId> homes) {
  const KernelGraph& graph = kernels_->graph;
  homes_ = homes;
  pairs_.clear();
  read_pair_.resize(graph.parameter_readers.size());
  for (size_t p = 0; p + 1 < graph.parameter_reader_begin.size(); ++p) {
    const int64_t mark = ++last_mark_;
    for (int32_t read = graph.parameter_reader_begin[p]; read < graph.parameter_reader_begin[p + 1];
         ++read) {
      KernelState& reader = state_[graph.parameter_readers[read]];
      read_pair_[read] = kNone;
      if (reader.device == homes[p]) continue;
      if (std::exchange(mark_[reader.device], mark) != mark) {
        mark_rank_[reader.device] = static_cast<int32_t>(pairs_.size());
        pairs_.push_back({.parameter = static_cast<int32_t>(p),
                          .transfer = kNone,
                          .arrival = kNotBooked,
                          .booked_pass = 0});
      }
      read_pair_[read] = mark_rank_[reader.device];
      reader.asks = 1;
    }
  }
}

std::string Simulation::Run(const CompiledKernels& kernels, const Plan& plan,
                            std::span<const DeviceId> homes, bool record_transfers) {
  kernels_ = &kernels;
  record_transfers_ = record_transfers;
  Prepare(plan, homes);
  switch (plan.dispatch) {
    case Dispatch::kPriority:
      priority_.Reset(device_order_);
      RunPriority();
      break;
    case Dispatch::kFifo:
      fifo_.Reset(device_order_);
      RunFifo();
      break;
    case Dispatch::kSequence:
      sequence_.Reset(device_order_, device_sequence_);
      RunSequence();
      break;
  }
  if (missing_route_.first != kNone) return DescribeMissingRoute();
  if (static_cast<int>(started_.size()) != kernels.num_kernels) return DescribeDeadlock(plan);
  return "";
}

std::span<const Transfer> Simulation::TransfersOf(int32_t entry) const {
  const size_t first = static_cast<size_t>(first_transfer_[entry]);
  size_t end = first;
  while (end < transfers_.size() && transfers_[end].entry == entry) ++end;
  return {transfers_.data() + first, end - first};
}

Nanoseconds Simulation::Arrival(const Transfer& transfer) const {
  return SaturatingAdd(
      transfer.end, routes_[static_cast<size_t>(transfer.from) * static_cast<size_t>(num_devices_) +
                            static_cast<size_t>(transfer.to)]
                        .latency);
}

std::string Simulation::DescribeMissingRoute() const {
  const auto [from, to] = missing_route_;
  return absl::StrCat("no route leads from device ", from, " '",
                      Printable(problem_.machine().device(from).name), "' to device ", to, " '",
                      Printable(problem_.machine().device(to).name), "'");
}

// Only SEQUENCE can stall: the kernels themselves have no cycle.
std::string Simulation::DescribeDeadlock(const Plan& plan) const {
  GOPT_CHECK(plan.dispatch == Dispatch::kSequence);
  std::vector<bool> started(plan.sequence.size(), false);
  for (KernelId kernel : started_) started[kernel] = true;
  const auto stuck = std::find_if(plan.sequence.begin(), plan.sequence.end(),
                                  [&](KernelId kernel) { return !started[kernel]; });
  return absl::StrCat("the sequence never lets kernel ", *stuck, " (",
                      problem_.graph().Describe(plan.kernels->ops(*stuck).front()),
                      ") start on device ", plan.device[*stuck],
                      ": it waits for kernels behind it; ", started_.size(), " of ",
                      plan.sequence.size(), " kernels ran");
}

}  // namespace gopt
