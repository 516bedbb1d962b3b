#ifndef GOPT_SRC_PLAN_PLACEMENT_DOMAINS_H_
#define GOPT_SRC_PLAN_PLACEMENT_DOMAINS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "src/plan/device_flow_graph.h"
#include "src/plan/placement_model.h"

namespace gopt {

// The devices that each unit may still have, in the middle of a search. Every change is propagated
// by the model's rules until nothing changes and can be undone. A value: copies start alike.
class PlacementDomains {
 public:
  enum class Flows {
    kAny,         // What the rules say.
    kNeighbours,  // Forward edges stay on their device or go to the next: never a triangle.
  };

  // The model must outlive this.
  PlacementDomains(const PlacementModel& model, Flows flows);

  // Each of these: false at a contradiction, after which the state must be undone or dropped.
  bool Start();  // Once, before all else.
  bool Assign(int32_t unit, DeviceId device);
  bool Exclude(int32_t unit, DeviceId device);
  // Several without propagation in between; ends with Propagate().
  bool Narrow(int32_t unit, DeviceId device);
  bool Propagate();

  size_t mark() const { return trail_.size(); }
  void UndoTo(size_t mark);

  // From now on a state in which the units that are left cannot all be on one device counts as a
  // contradiction, so that units taken in topological order never reach a dead end. False if that
  // is so already.
  bool KeepCompletable();

  // Flows::kNeighbours only. From now on a state in which the lowest devices left to all units skip
  // a device counts as a contradiction. Where the rules are those on pipelines alone, the lowest
  // devices then always are a legal placement, and no search meets a dead end. False if they skip
  // one already.
  bool KeepLowestLegal();
  bool keeps_lowest_legal() const { return keeps_lowest_; }

  std::span<const uint64_t> possible(int32_t unit) const {
    return {words_.data() + static_cast<size_t>(unit) * num_words_, num_words_};
  }
  bool IsPossible(int32_t unit, DeviceId device) const { return HasDevice(possible(unit), device); }
  bool decided(int32_t unit) const { return size_[unit] == 1; }
  int num_possible(int32_t unit) const { return size_[unit]; }
  DeviceId lowest(int32_t unit) const { return LowestDevice(possible(unit)); }
  int num_used_devices() const { return num_used_; }
  int32_t last_wiped() const { return wiped_; }  // Unit of the last contradiction, or kNone.
  int64_t steps() const { return steps_; }       // Domain changes propagated so far.

 private:
  // What a trail entry restores.
  enum class Kind : uint8_t { kWord, kSettled, kFlow, kTop, kHeavier };
  struct Change {
    Kind kind;
    int32_t index;  // Word; unit; sending device; -; device.
    uint64_t old;   // Bits; device; receiving device; device; position.
  };

  bool Keep(int32_t unit, size_t word, uint64_t mask);
  bool KeepAtLeast(int32_t unit, DeviceId device);
  bool KeepAtMost(int32_t unit, DeviceId device);
  bool KeepSet(int32_t unit, std::span<const uint64_t> set);
  void Count(size_t word, uint64_t bits, int change);
  bool Fail();

  bool Spread(int32_t unit);
  void RaiseTop(DeviceId device);
  bool SpreadOrder(int32_t unit);
  bool SpreadRoutes(int32_t unit);
  bool Settle(int32_t unit);
  void CountSettled(int32_t unit, DeviceId device, int change);
  void CountOpenEdges(int32_t unit, DeviceId device, int change);
  bool SettleApart(int32_t unit, DeviceId device);
  bool SettleBytes(int32_t unit, DeviceId device);
  bool SettleFlows(int32_t unit, DeviceId device);
  bool AddFlow(DeviceId from, DeviceId to);
  void RefreshFlowSets(DeviceId device);
  bool Cover();
  bool Completable();
  bool CompletableOn(DeviceId device);
  void CountLowest(int32_t unit, int change);

  const PlacementModel* model_;
  size_t num_words_;
  bool neighbours_;  // Flows::kNeighbours.
  bool ordered_;     // Forward edges never fall.
  bool tracks_flows_;
  bool counts_;  // Whether candidates are counted.

  std::vector<uint64_t> words_;   // [units, words]
  std::vector<int32_t> size_;     // Devices left per unit.
  std::vector<uint8_t> settled_;  // Whether the unit's only device is booked below.
  std::vector<int32_t> used_;     // Settled units that run something, per device.
  int num_used_ = 0;
  std::vector<int64_t> load_;      // Bytes per device.
  std::vector<uint64_t> heavier_;  // Per device: so many of the heaviest no longer fit.

  std::vector<int32_t> candidates_;  // Per device: units that may have it, and
  std::vector<int32_t> which_;       // their ids, exclusive-or.
  DeviceId top_ = kNone;             // A unit is there or higher: devices below must be used.
  bool keeps_lowest_ = false;
  std::vector<int32_t> lowest_count_;  // Per device: units that run something and whose lowest
  int num_lowest_ = 0;                 // device it is; and for how many devices there are some.

  int num_running_ = 0;          // Units that run something,
  int num_running_settled_ = 0;  // and how many of them are settled.

  DeviceFlowGraph flows_;
  uint64_t flow_version_ = 1;
  struct FlowSets {
    uint64_t version = 0;
    std::vector<uint64_t> readers, sources;
  };
  std::vector<FlowSets> flow_sets_;  // By device, as of a version.

  bool keeps_completable_ = false;
  bool recheck_ = false;
  DeviceId completion_ = 0;
  std::vector<int32_t> open_out_, open_in_;  // Per device: edges to and from units not settled.

  std::vector<Change> trail_;
  std::vector<int32_t> queue_;
  std::vector<uint8_t> queued_;
  int32_t wiped_ = kNone;
  int64_t steps_ = 0;
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_PLACEMENT_DOMAINS_H_
