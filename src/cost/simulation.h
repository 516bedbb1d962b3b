#ifndef SRC_COST_SIMULATION_H_
#define SRC_COST_SIMULATION_H_

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"
#include "src/cost/compiled_kernels.h"
#include "src/cost/min_tree.h"
#include "src/cost/rank_order.h"
#include "src/cost/ready_queues.h"

namespace gopt {

// One booked transfer.
struct Transfer {
  Nanoseconds request, start, end;
  int32_t entry;       // Of KernelGraph::outputs; -1: a parameter.
  int32_t parameter;   // Position in Graph::parameters(), or -1.
  KernelId requester;  // The producer, or the parameter's first reader.
  DeviceId from, to;
};

// Runs one step of a plan after the other by docs/simulator.md, "Running". Keeps its memory between
// runs. Transfers are no events: their arrival is known when they are booked, so a kernel's time of
// readiness is known as soon as its last input has been booked or made. Events are the devices'
// next times and, rarely, kernels that will ask for parameters.
class Simulation {
 public:
  Simulation(const Problem& problem, const RooflineCostModel& costs, bool contention);

  // The plan's sizes and ranges have been checked. Returns why the plan is illegal (a missing
  // route, a deadlock), or nothing. The plan and the kernels must outlive the use of the results.
  // record_transfers: keep transfers() too.
  std::string Run(const CompiledKernels& kernels, const Plan& plan, std::span<const DeviceId> homes,
                  bool record_transfers);

  Nanoseconds makespan() const { return makespan_; }
  std::span<const Nanoseconds> busy() const { return busy_; }
  int64_t num_transfers() const { return num_transfers_; }
  int64_t transfer_bytes() const { return transfer_bytes_; }
  Nanoseconds start(KernelId kernel) const { return start_[kernel]; }
  Nanoseconds end(KernelId kernel) const {
    return SaturatingAdd(start_[kernel], state_[kernel].duration);
  }
  // All kernels by time of start; within one instant those of one device in order.
  std::span<const KernelId> started() const { return started_; }

  // In booking order; those of one entry follow one another.
  std::span<const Transfer> transfers() const { return transfers_; }
  // The transfers of an entry of KernelGraph::outputs that has remote readers.
  std::span<const Transfer> TransfersOf(int32_t entry) const;
  Nanoseconds Arrival(const Transfer& transfer) const;
  // A pair is a parameter and a device, not its home, that reads it. Pair of a read (numbered as
  // KernelGraph::parameter_readers), or kNone at home; the transfer of a pair.
  int num_parameter_pairs() const { return static_cast<int>(pairs_.size()); }
  int32_t ParameterPairOf(int32_t parameter_read) const { return read_pair_[parameter_read]; }
  const Transfer& ParameterTransfer(int32_t pair) const {
    return transfers_[pairs_[pair].transfer];
  }

 private:
  // What the loop needs of a kernel, together in half a cache line.
  struct KernelState {
    Nanoseconds ready;  // Latest arrival booked so far.
    Nanoseconds duration;
    int32_t missing;  // Inputs neither made here nor booked; control edges.
    int32_t rank;
    int32_t slot;  // In its device's order.
    int16_t device;
    int16_t asks;  // Has yet to ask for remote parameters.
  };
  struct Route {
    double bandwidth;
    Nanoseconds latency;
    int32_t first_channel;  // In route_channels_.
    int32_t num_channels;   // 0: there is no route.
  };
  // A parameter at a device that is not its home.
  struct ParameterPair {
    int32_t parameter;
    int32_t transfer;
    Nanoseconds arrival;  // kNotBooked: nobody has asked.
    int64_t booked_pass;
  };

  void Prepare(const Plan& plan, std::span<const DeviceId> homes);
  void OrderKernels(const Plan& plan);
  void PairParameters(std::span<const DeviceId> homes);
  void RunPriority();
  void RunFifo();
  void RunSequence();
  template <typename Queues>
  void Loop(Queues& queues);
  template <typename Queues>
  void RunInstant(Queues& queues);
  template <typename Queues>
  void FinishKernels(Queues& queues);
  template <typename Queues>
  void BookRequests(Queues& queues);
  template <typename Queues>
  void StartKernels(Queues& queues);

  template <typename Queues>
  void DeliverHere(Queues& queues, KernelId kernel);
  template <typename Queues>
  void Send(Queues& queues, KernelId kernel);
  template <typename Queues>
  void SendToMany(Queues& queues, KernelId kernel, int32_t entry);
  template <typename Queues>
  void AskForParameters(Queues& queues, KernelId kernel);
  template <typename Queues>
  void Receive(Queues& queues, KernelId reader, Nanoseconds arrival);
  template <typename Queues>
  void Complete(Queues& queues, KernelId kernel, Nanoseconds at);
  template <typename Queues>
  void CompleteAfterBooking(Queues& queues, KernelId kernel, Nanoseconds at);
  template <typename Queues>
  void MakeReady(Queues& queues, KernelId kernel, Nanoseconds at);

  Nanoseconds Book(int64_t bytes, DeviceId from, DeviceId to, int32_t entry, int32_t parameter,
                   KernelId requester);
  void Touch(DeviceId device);
  void PrefetchStarted() const;
  std::string DescribeDeadlock(const Plan& plan) const;
  std::string DescribeMissingRoute() const;

  const Problem problem_;
  const RooflineCostModel& costs_;
  const bool contention_;
  const int num_devices_;
  std::vector<Route> routes_;  // [from, to]
  std::vector<ChannelId> route_channels_;

  // Of the run.
  const CompiledKernels* kernels_ = nullptr;
  bool record_transfers_ = false;
  Nanoseconds now_ = 0, makespan_ = 0;
  int64_t pass_ = 0;  // Never reset.
  std::vector<KernelState> state_;
  std::vector<Nanoseconds> start_;
  std::vector<KernelId> started_;
  std::vector<Nanoseconds> busy_;
  int64_t num_transfers_ = 0, transfer_bytes_ = 0;
  std::pair<DeviceId, DeviceId> missing_route_;
  std::vector<Transfer> transfers_;
  std::vector<int32_t> first_transfer_;  // Per entry.

  RankOrder rank_order_;
  DeviceOrder device_order_;
  std::vector<int32_t> device_sequence_;  // Slots, by device.
  PriorityQueues priority_;
  FifoQueues fifo_;
  SequenceQueues sequence_;

  // Per device.
  MinTree next_event_;
  std::vector<KernelId> running_;
  std::vector<Nanoseconds> busy_until_;
  std::vector<int64_t> touched_pass_;
  std::vector<int64_t> mark_;  // Which send reached the device last,
  std::vector<Nanoseconds> mark_arrival_;
  std::vector<int32_t> mark_rank_;
  int64_t last_mark_ = 0;
  std::vector<Nanoseconds> channel_free_;

  // Of the pass.
  std::vector<DeviceId> due_, touched_, destinations_;
  std::vector<KernelId> finished_, asking_, arriving_, arriving_next_;
  std::vector<std::pair<int32_t, KernelId>> requesters_;  // (rank, kernel)

  // Kernels that will ask for parameters once their other inputs have arrived.
  TimedHeap asking_later_;
  std::vector<ParameterPair> pairs_;
  std::vector<int32_t> read_pair_;  // Per parameter read: its pair, or kNone at home.
  std::span<const DeviceId> homes_;

  static constexpr int64_t kNotBooked = -1;
  static constexpr size_t kPrefetchDistance = 2;  // Starts between two steps of prefetching.
  static constexpr int32_t kPrefetchReaders = 4;
};

}  // namespace gopt

#endif  // SRC_COST_SIMULATION_H_
