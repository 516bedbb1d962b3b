#ifndef GOPT_COST_OP_COST_MODEL_H_
#define GOPT_COST_OP_COST_MODEL_H_

#include <memory>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/plan/problem.h"

namespace gopt {

// Prices the parts of a plan: one kernel on one device, one tensor over one route. Thread-safe.
class GOPT_API OpCostModel {
 public:
  virtual ~OpCostModel() = default;

  // Time of the kernel with these ops (ascending) on the device. `outputs`: the kernel's ports that
  // another kernel reads (KernelGraph::outputs), ascending; ports read by OUTPUT ops need not be
  // listed.
  virtual Nanoseconds KernelTime(std::span<const OpId> ops, std::span<const PortId> outputs,
                                 DeviceId device) const = 0;

  // Time the tensor occupies the route (latency not included). kSaturated where there is no route.
  virtual Nanoseconds TransferTime(int64_t bytes, DeviceId from, DeviceId to) const = 0;
};

// The rules of docs/simulator.md: measured times where the graph has them, else the roofline.
// (Williams, Waterman, Patterson: Roofline, CACM 2009.)
class GOPT_API RooflineCostModel final : public OpCostModel {
 public:
  explicit RooflineCostModel(const Problem& problem);

  Nanoseconds KernelTime(std::span<const OpId> ops, std::span<const PortId> outputs,
                         DeviceId device) const override;
  Nanoseconds TransferTime(int64_t bytes, DeviceId from, DeviceId to) const override;

  // Time of a kernel of one op; from a table filled at construction.
  Nanoseconds OpTime(OpId op, DeviceId device) const {
    return op_time_[static_cast<size_t>(device_class_[device]) * num_ops_ + op];
  }

 private:
  Problem problem_;
  size_t num_ops_ = 0;
  std::vector<int32_t> device_class_;   // Devices that price alike share a class.
  std::vector<DeviceId> class_device_;  // One device of each class.
  std::vector<Nanoseconds> op_time_;    // [class, op]
};

}  // namespace gopt

#endif  // GOPT_COST_OP_COST_MODEL_H_
