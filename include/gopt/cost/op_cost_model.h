#ifndef GOPT_COST_OP_COST_MODEL_H_
#define GOPT_COST_OP_COST_MODEL_H_

#include <memory>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/plan/problem.h"

namespace gopt {

struct OpBytes;

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

  // Time of a kernel of one op on the device.
  Nanoseconds OpTime(OpId op, DeviceId device) const {
    const int32_t device_class = device_class_[device];
    return op_time_.empty() ? ComputeOpTime(op, device_class)
                            : op_time_[static_cast<size_t>(device_class) * num_ops_ + op];
  }
  // Devices that price every kernel alike share a class, numbered densely from 0.
  int num_device_classes() const { return static_cast<int>(class_device_.size()); }
  int device_class(DeviceId device) const { return device_class_[device]; }
  DeviceId class_representative(int device_class) const { return class_device_[device_class]; }
  // Whether the graph carries a time for the op on devices of this class.
  bool IsMeasured(OpId op, int device_class) const { return Measured(op, device_class) >= 0; }

 private:
  struct Rates {
    double flops;  // Peak x efficiency, per second.
    double bytes;
  };

  void ClassifyDevices();
  void ClassifyOps();
  void TabulateOpTimes();
  const Rates& rates(OpId op, int device_class) const {
    return rates_[device_class][op_class_[op]];
  }
  Nanoseconds Measured(OpId op, int device_class) const;
  Nanoseconds ComputeOpTime(OpId op, int device_class) const;
  Nanoseconds FusedTime(std::span<const OpId> ops, std::span<const PortId> outputs,
                        int device_class) const;

  Problem problem_;
  size_t num_ops_ = 0;
  std::vector<int32_t> device_class_;      // Per device.
  std::vector<DeviceId> class_device_;     // The first device of each class.
  std::vector<int32_t> op_class_;          // Per op: what efficiencies depend on (type and class).
  std::vector<std::vector<Rates>> rates_;  // [device class][op class]
  std::vector<std::vector<const CostTable*>> cost_table_;  // Per device class, in order.
  std::shared_ptr<const OpBytes> bytes_;                   // Per op, unknown ones resolved.
  std::vector<Nanoseconds> op_time_;  // [device class, op]; empty where it would be too large.
};

}  // namespace gopt

#endif  // GOPT_COST_OP_COST_MODEL_H_
