#ifndef GOPT_SRC_SOLVE_RECOMPUTE_MODEL_H_
#define GOPT_SRC_SOLVE_RECOMPUTE_MODEL_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/plan/kernel_graph.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt {

// What Recompute() of whole kernels of one plan, in one order, does to memory and time. Kernels are
// numbered by their place in the order ("spots"). A pass over the plan and no more: a set costs a
// few milliseconds at 50,000 kernels.
//
// Lifetimes are counted in spots instead of nanoseconds. With everything on one device and no
// kernel of time 0 that is the simulator's peak to the byte; with several it is an estimate: a
// tensor is received when it is made and sent at once. Time is that of the copies, nothing else.
class GOPT_API RecomputeModel {
 public:
  struct Storage {
    int64_t bytes;
    int32_t maker;                     // Spot.
    bool is_output;                    // Kept to the end.
    int32_t reader_begin, reader_end;  // readers()
  };

  // A set of spots and what follows from it. Buffers are kept between evaluations.
  struct State {
    std::vector<uint8_t> chosen;  // Per spot; in.

    // Per spot: the copy is made, before the kernel of spot `slot`; and the first one is not.
    std::vector<uint8_t> copied, moved;
    std::vector<int32_t> slot;
    // Places in the sequence with the copies: of the kernel, and of its copy.
    std::vector<int32_t> place, copy_place;
    std::vector<int32_t> last;  // Per storage: the last place that needs the first value.
    std::vector<int64_t> peak;  // Per device,
    std::vector<int32_t> peak_place;
    Nanoseconds added = 0;  // Time of the copies, less that of first ones that are not made.

    // Scratch.
    std::vector<int32_t> copies_before;
    std::vector<std::vector<int64_t>> change;
    std::vector<int32_t> last_on;
  };

  // The plan must be legal, `order` one in which its kernels can run. OutOfRange where bytes add up
  // to 2^62.
  static absl::StatusOr<RecomputeModel> Create(const Problem& problem, const Plan& plan,
                                               std::span<const KernelId> order,
                                               const OpCostModel& costs);

  int size() const { return static_cast<int>(order_.size()); }
  int num_devices() const { return static_cast<int>(persistent_.size()); }
  State MakeState() const;
  void Evaluate(State* state) const;

  // Whether all ops of the kernel may be recomputed (Recompute() takes them) and the backward pass
  // needs it, be it for another copy.
  bool may_choose(int32_t spot) const { return may_choose_[spot] != 0; }
  bool is_backward(int32_t spot) const { return is_backward_[spot] != 0; }
  KernelId kernel(int32_t spot) const { return order_[spot]; }
  DeviceId device(int32_t spot) const { return device_[spot]; }
  Nanoseconds time(int32_t spot) const { return time_[spot]; }
  // Of what the kernel makes for others.
  int64_t bytes(int32_t spot) const;
  std::span<const Storage> made(int32_t spot) const {
    return {storages_.data() + made_begin_[spot], storages_.data() + made_begin_[spot + 1]};
  }
  int32_t storage_index(const Storage& storage) const {
    return static_cast<int32_t>(&storage - storages_.data());
  }
  const Storage& storage(int32_t index) const { return storages_[index]; }
  // Spots that read the storage by data, ascending.
  std::span<const int32_t> readers(const Storage& storage) const {
    return {readers_.data() + storage.reader_begin, readers_.data() + storage.reader_end};
  }
  // Storages that the kernel reads.
  std::span<const int32_t> read(int32_t spot) const {
    return KernelGraph::Row(read_, read_begin_, spot);
  }
  // All spots that wait for this one, by data or control, ascending.
  std::span<const int32_t> successors(int32_t spot) const {
    return KernelGraph::Row(successors_, successor_begin_, spot);
  }
  // Ops of the chosen kernels.
  std::vector<OpId> Ops(const State& state) const;

 private:
  RecomputeModel() = default;
  void FillKernels(const Problem& problem, const Plan& plan, const OpCostModel& costs,
                   const KernelGraph& graph);
  void FillStorages(const Graph& ops, const KernelGraph& graph);
  void AddStoragesOf(const Graph& ops, const KernelGraph& graph, int32_t spot);
  void FillReads();
  void FillPersistent(const Problem& problem, const Plan& plan);
  void FillUpdates(const Graph& ops, const KernelGraph& graph);
  void FillChoices(const Graph& ops);
  int64_t MostBytes() const;

  void FindCopies(State* state) const;
  void FindMoved(State* state) const;
  void FindPlaces(State* state) const;
  void AddLifetimes(State* state) const;
  void AddLifetime(const Storage& storage, bool of_copy, State* state) const;
  void FindPeaks(State* state) const;

  std::shared_ptr<const Kernels> kernels_;
  std::vector<KernelId> order_;
  std::vector<int32_t> spot_;  // Per kernel.
  std::vector<DeviceId> device_;
  std::vector<Nanoseconds> time_;
  std::vector<int64_t> run_bytes_;  // While the kernel runs.
  std::vector<uint8_t> is_backward_, may_choose_;
  std::vector<int32_t> update_;  // Spot of the first update of a parameter that the kernel reads.
  std::vector<int32_t> successor_begin_, successors_;
  std::vector<int32_t> made_begin_;
  std::vector<Storage> storages_;
  std::vector<int32_t> readers_;
  std::vector<int32_t> read_begin_, read_;
  std::vector<int64_t> persistent_;  // Per device.
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_RECOMPUTE_MODEL_H_
