#ifndef GOPT_SRC_PLAN_DEVICE_RULES_H_
#define GOPT_SRC_PLAN_DEVICE_RULES_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gopt/base/types.h"
#include "gopt/graph/graph.h"
#include "gopt/machine/machine.h"
#include "gopt/plan/constraints.h"
#include "src/plan/colocation.h"

namespace gopt {

// A set of devices as bits.
class DeviceSet {
 public:
  explicit DeviceSet(int num_devices) : words_((num_devices + 63) / 64, 0) {}

  void Insert(DeviceId d) { words_[d / 64] |= uint64_t{1} << (d % 64); }
  bool Contains(DeviceId d) const { return (words_[d / 64] >> (d % 64) & 1) != 0; }
  void IntersectWith(const DeviceSet& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
  }
  bool empty() const {
    for (const uint64_t word : words_) {
      if (word != 0) return false;
    }
    return true;
  }
  std::vector<DeviceId> ToVector() const;

 private:
  std::vector<uint64_t> words_;
};

// Pins and allowed devices, intersected over all ops that must share a device.
class DeviceRules {
 public:
  // All arguments must outlive this; the constraints name existing ops and devices.
  DeviceRules(const Graph& graph, const Machine& machine, const Constraints& constraints,
              const Colocation& colocation);

  // FailedPrecondition with the smallest set of rules found that leaves some op no device, with
  // their reasons and what ties their ops together.
  absl::Status Resolve();

  // After Resolve: whether the op is restricted, and to what. Distinct sets are numbered.
  int32_t set_of(OpId op) const { return set_of_root_[colocation_.Root(op)]; }  // -1: all devices.
  const std::vector<std::vector<DeviceId>>& sets() const { return sets_; }

 private:
  // One op's share of a pin or of an allowed rule; holds for all ops that share its device.
  struct Rule {
    OpId op;
    int32_t index;  // Among Constraints::pins or ::allowed.
    bool is_pin;
  };

  DeviceSet DevicesOf(const Rule& rule) const;
  std::string Describe(const Rule& rule) const;
  void Number(const std::vector<int32_t>& set_index, const std::vector<DeviceSet>& sets);
  absl::Status Conflict(OpId root) const;

  const Graph& graph_;
  const Machine& machine_;
  const Constraints& constraints_;
  const Colocation& colocation_;
  std::vector<Rule> rules_;
  std::vector<int32_t> set_of_root_;
  std::vector<std::vector<DeviceId>> sets_;
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_DEVICE_RULES_H_
