#include "tests/testing/reference_run.h"

#include <algorithm>
#include <limits>

#include "gopt/base/check.h"

namespace gopt::testing {

ReferenceRun::ReferenceRun(const Problem& problem, const Plan& plan, const Reads& reads,
                           std::span<const DeviceId> homes, std::span<const Nanoseconds> duration,
                           bool contention)
    : problem_(problem),
      plan_(plan),
      reads_(reads),
      homes_(homes),
      duration_(duration),
      contention_(contention),
      start_(duration.size(), -1),
      end_(duration.size(), -1),
      order_(problem.machine().num_devices()),
      missing_(duration.size(), 0),
      missing_parameters_(duration.size(), 0),
      running_(problem.machine().num_devices(), kNone),
      channel_free_(problem.machine().num_channels(), 0),
      ready_(problem.machine().num_devices()),
      sequence_(problem.machine().num_devices()) {
  if (plan.dispatch == Dispatch::kSequence) {
    for (KernelId kernel : plan.sequence) sequence_[plan.device[kernel]].push(kernel);
  }
}

DeviceId ReferenceRun::Location(const Tensor& tensor) const {
  if (tensor.source != kNone) return plan_.device[tensor.source];
  const Graph& graph = problem_.graph();
  return homes_[graph.parameter_index(graph.producer(tensor.port))];
}

const std::set<KernelId>& ReferenceRun::ReadersOf(const Tensor& tensor) const {
  return tensor.source == kNone ? reads_.parameter_readers.at(tensor.port)
                                : reads_.readers[tensor.source].at(tensor.port);
}

int32_t ReferenceRun::LowestReaderRank(const Tensor& tensor, DeviceId device) const {
  int32_t lowest = std::numeric_limits<int32_t>::max();
  for (KernelId reader : ReadersOf(tensor)) {
    if (plan_.device[reader] == device) lowest = std::min(lowest, plan_.rank[reader]);
  }
  return lowest;
}

// A parameter at home is there from the start, so only remote ones are missing.
void ReferenceRun::CountMissing() {
  for (KernelId kernel = 0; kernel < plan_.kernels->size(); ++kernel) {
    missing_[kernel] += static_cast<int>(reads_.controls[kernel].size());
    for (const Tensor& tensor : reads_.inputs[kernel]) {
      if (tensor.source != kNone) {
        ++missing_[kernel];
      } else if (IsRemote(tensor, kernel)) {
        ++missing_parameters_[kernel];
      }
    }
  }
}

void ReferenceRun::Execute() {
  CountMissing();
  Pass(/*first=*/true);
  while (true) {
    while (Pass(/*first=*/false)) {
    }
    if (finishes_.empty() && arrivals_.empty()) break;
    now_ = std::min(finishes_.empty() ? kSaturated : finishes_.top().first,
                    arrivals_.empty() ? kSaturated : arrivals_.top().first);
  }
  GOPT_CHECK(std::find(start_.begin(), start_.end(), -1) == start_.end());
}

// All finishes; all arrivals; all transfer requests that these caused; then at most one start per
// device. What happens in a pass has its consequences in the next. False if nothing finished or
// arrived, so that nothing can start either.
bool ReferenceRun::Pass(bool first) {
  std::vector<KernelId> finished;
  std::vector<int> arrived;
  for (; !finishes_.empty() && finishes_.top().first == now_; finishes_.pop()) {
    finished.push_back(running_[finishes_.top().second]);
  }
  for (; !arrivals_.empty() && arrivals_.top().first == now_; arrivals_.pop()) {
    arrived.push_back(arrivals_.top().second);
  }
  if (first) {
    for (KernelId kernel = 0; kernel < plan_.kernels->size(); ++kernel) Check(kernel);
  }
  for (KernelId kernel : finished) Finish(kernel);
  for (int transfer : arrived) Arrive(transfers_[transfer]);
  for (const Request& request : requests_) Book(request);
  requests_.clear();
  for (DeviceId device = 0; device < problem_.machine().num_devices(); ++device) StartOne(device);
  return !finished.empty() || !arrived.empty();
}

void ReferenceRun::Finish(KernelId kernel) {
  const DeviceId here = plan_.device[kernel];
  running_[here] = kNone;
  makespan_ = std::max(makespan_, now_);
  for (const auto& [port, readers] : reads_.readers[kernel]) {
    std::map<DeviceId, int32_t> lowest_rank;  // Of a reader, per other device.
    for (KernelId reader : readers) {
      const DeviceId there = plan_.device[reader];
      if (there == here) {
        --missing_[reader];
        Check(reader);
        continue;
      }
      const auto [it, inserted] = lowest_rank.emplace(there, plan_.rank[reader]);
      it->second = std::min(it->second, plan_.rank[reader]);
    }
    for (const auto& [there, rank] : lowest_rank) {
      requests_.emplace(plan_.rank[kernel], kernel, 0, port, rank, there);
    }
  }
  for (KernelId reader : reads_.control_readers[kernel]) {
    --missing_[reader];
    Check(reader);
  }
}

void ReferenceRun::Arrive(const ReferenceTransfer& transfer) {
  for (KernelId reader : ReadersOf(transfer.tensor)) {
    if (plan_.device[reader] != transfer.span.to) continue;
    --(transfer.tensor.source == kNone ? missing_parameters_ : missing_)[reader];
    Check(reader);
  }
}

// With all its other inputs there a kernel asks for its remote parameters; with these too it is
// ready.
void ReferenceRun::Check(KernelId kernel) {
  if (missing_[kernel] > 0) return;
  const DeviceId device = plan_.device[kernel];
  if (missing_parameters_[kernel] == 0) {
    const Nanoseconds since = plan_.dispatch == Dispatch::kFifo ? now_ : 0;
    ready_[device].emplace(since, plan_.rank[kernel], kernel);
    return;
  }
  for (const Tensor& tensor : reads_.inputs[kernel]) {
    if (tensor.source != kNone || !IsRemote(tensor, kernel)) continue;
    if (requested_parameters_.contains({tensor.port, device})) continue;
    requests_.emplace(plan_.rank[kernel], kernel, 1, tensor.port, LowestReaderRank(tensor, device),
                      device);
  }
}

void ReferenceRun::Book(const Request& request) {
  const auto [rank, requester, is_parameter, port, reader_rank, to] = request;
  if (is_parameter && !requested_parameters_.emplace(port, to).second) return;
  const Tensor tensor = {port, is_parameter ? kNone : requester};
  const DeviceId from = Location(tensor);
  const std::span<const ChannelId> route = problem_.machine().route(from, to);
  GOPT_CHECK(!route.empty());

  Nanoseconds start = now_, latency = 0;
  double bandwidth = std::numeric_limits<double>::infinity();
  for (ChannelId channel : route) {
    if (contention_) start = std::max(start, channel_free_[channel]);
    bandwidth = std::min(bandwidth, problem_.machine().channel(channel).bandwidth);
    latency = SaturatingAdd(latency, problem_.machine().channel(channel).latency);
  }
  const int64_t bytes = problem_.graph().port_bytes(port);
  const Nanoseconds end =
      SaturatingAdd(start, SaturatingCeil((static_cast<double>(bytes) * 1e9) / bandwidth));
  for (ChannelId channel : route) channel_free_[channel] = end;
  const Nanoseconds arrival = SaturatingAdd(end, latency);
  arrivals_.emplace(arrival, static_cast<int>(transfers_.size()));
  transfers_.push_back({tensor,
                        requester,
                        {.port = port,
                         .producer = tensor.source,
                         .from = from,
                         .to = to,
                         .bytes = bytes,
                         .request = now_,
                         .start = start,
                         .end = end,
                         .arrival = arrival}});
}

void ReferenceRun::StartOne(DeviceId device) {
  if (running_[device] != kNone) return;
  const KernelId kernel = Choose(device);
  if (kernel == kNone) return;
  running_[device] = kernel;
  order_[device].push_back(kernel);
  start_[kernel] = now_;
  end_[kernel] = SaturatingAdd(now_, duration_[kernel]);
  finishes_.emplace(end_[kernel], device);
}

KernelId ReferenceRun::Choose(DeviceId device) {
  auto& ready = ready_[device];
  if (ready.empty()) return kNone;
  auto chosen = ready.begin();
  if (plan_.dispatch == Dispatch::kSequence) {
    const KernelId next = sequence_[device].front();
    chosen = ready.find({0, plan_.rank[next], next});
    if (chosen == ready.end()) return kNone;
    sequence_[device].pop();
  }
  const KernelId kernel = std::get<2>(*chosen);
  ready.erase(chosen);
  return kernel;
}

}  // namespace gopt::testing
