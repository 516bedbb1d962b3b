#ifndef TESTS_TESTING_REFERENCE_RUN_H_
#define TESTS_TESTING_REFERENCE_RUN_H_

#include <map>
#include <queue>
#include <set>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "gopt/cost/cost_report.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"
#include "tests/testing/reference_costs.h"

namespace gopt::testing {

struct ReferenceTransfer {
  Tensor tensor;
  KernelId requester;  // The producer, or the first reader of a parameter.
  TransferSpan span;
};

// One step of the plan, executed pass by pass (docs/simulator.md, "Running").
class ReferenceRun {
 public:
  // duration: of every kernel on its device.
  ReferenceRun(const Problem& problem, const Plan& plan, const Reads& reads,
               std::span<const DeviceId> homes, std::span<const Nanoseconds> duration,
               bool contention);

  void Execute();

  const std::vector<Nanoseconds>& start() const { return start_; }
  const std::vector<Nanoseconds>& end() const { return end_; }
  Nanoseconds makespan() const { return makespan_; }
  // Kernels of each device in the order they started.
  const std::vector<std::vector<KernelId>>& order() const { return order_; }
  const std::vector<ReferenceTransfer>& transfers() const { return transfers_; }  // As booked.
  bool IsRemote(const Tensor& tensor, KernelId reader) const {
    return Location(tensor) != plan_.device[reader];
  }

 private:
  // (rank of the producer or first reader, that kernel, 0 tensor or 1 parameter, port, lowest rank
  // of a reader at the destination, destination)
  using Request = std::tuple<int32_t, KernelId, int, PortId, int32_t, DeviceId>;

  DeviceId Location(const Tensor& tensor) const;
  const std::set<KernelId>& ReadersOf(const Tensor& tensor) const;
  int32_t LowestReaderRank(const Tensor& tensor, DeviceId device) const;
  void CountMissing();
  bool Pass(bool first);
  void Finish(KernelId kernel);
  void Arrive(const ReferenceTransfer& transfer);
  void Check(KernelId kernel);
  void Book(const Request& request);
  void StartOne(DeviceId device);
  KernelId Choose(DeviceId device);

  const Problem& problem_;
  const Plan& plan_;
  const Reads& reads_;
  std::span<const DeviceId> homes_;
  std::span<const Nanoseconds> duration_;
  const bool contention_;

  Nanoseconds now_ = 0;
  Nanoseconds makespan_ = 0;
  std::vector<Nanoseconds> start_, end_;
  std::vector<std::vector<KernelId>> order_;
  std::vector<ReferenceTransfer> transfers_;

  std::vector<int> missing_;             // Per kernel: tensors and control edges.
  std::vector<int> missing_parameters_;  // Per kernel: remote ones.
  std::vector<KernelId> running_;        // Per device, or kNone.
  std::vector<Nanoseconds> channel_free_;
  std::set<std::pair<PortId, DeviceId>> requested_parameters_;
  std::set<Request> requests_;  // Of this pass.
  // Per device: (time it became ready under FIFO, else 0; rank; kernel).
  std::vector<std::set<std::tuple<Nanoseconds, int32_t, KernelId>>> ready_;
  std::vector<std::queue<KernelId>> sequence_;  // Per device.

  template <typename T>
  using Earliest = std::priority_queue<std::pair<Nanoseconds, T>,
                                       std::vector<std::pair<Nanoseconds, T>>, std::greater<>>;
  Earliest<DeviceId> finishes_;
  Earliest<int> arrivals_;  // Positions in transfers_.
};

}  // namespace gopt::testing

#endif  // TESTS_TESTING_REFERENCE_RUN_H_
