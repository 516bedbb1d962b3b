#ifndef GOPT_SRC_PLAN_PLACEMENT_CHECK_H_
#define GOPT_SRC_PLAN_PLACEMENT_CHECK_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "gopt/base/types.h"
#include "src/plan/device_flow_graph.h"
#include "src/plan/placement_model.h"

namespace gopt {

// A legal assignment of devices to units, and moves of one unit that keep it legal.
class PlacementCheck {
 public:
  // The model must outlive this.
  explicit PlacementCheck(const PlacementModel& model);

  // Whether the devices (one per unit) obey every rule. Once; only then may units move.
  bool Load(std::span<const DeviceId> devices);
  // Moves the unit if that is legal; otherwise changes nothing and returns false.
  bool Move(int32_t unit, DeviceId device);

  const std::vector<DeviceId>& devices() const { return device_; }

 private:
  bool AllowedAlone(int32_t unit, DeviceId device) const;
  bool AllowedFlow(const PlacementModel::Edge& edge, DeviceId from, DeviceId to) const;
  bool AgreesWithNeighbours(int32_t unit, DeviceId device) const;
  bool MeetsApart(int32_t unit, DeviceId device) const;
  bool LoadApart() const;
  bool LoadFlows();
  bool NoneSkipped() const;
  bool MoveFlows(int32_t unit, DeviceId from, DeviceId to);
  bool CountFlow(DeviceId from, DeviceId to);
  void UncountFlow(DeviceId from, DeviceId to);
  void TakeFlows(int32_t unit, DeviceId device, size_t count);
  size_t PutFlows(int32_t unit, DeviceId device);
  std::pair<DeviceId, DeviceId> FlowOf(int32_t unit, DeviceId device, size_t i) const;

  const PlacementModel& model_;
  std::vector<DeviceId> device_;
  std::vector<int32_t> used_;  // Units that run something, per device.
  std::vector<int64_t> load_;
  DeviceFlowGraph flows_;
  std::vector<int32_t> flow_count_;  // [devices, devices]: edges that make each flow.
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_PLACEMENT_CHECK_H_
