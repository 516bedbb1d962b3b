#include "src/plan/placement_check.h"

#include <algorithm>

namespace gopt {

PlacementCheck::PlacementCheck(const PlacementModel& model)
    : model_(model),
      used_(model.num_devices, 0),
      load_(model.capacity.size(), 0),
      flows_(model.triangle_free ? model.num_devices : 0, model.forward_only),
      flow_count_(
          model.triangle_free ? static_cast<size_t>(model.num_devices) * model.num_devices : 0, 0) {
}

bool PlacementCheck::Load(std::span<const DeviceId> devices) {
  if (model_.contradiction) return false;
  device_.assign(devices.begin(), devices.end());
  for (int32_t unit = 0; unit < model_.num_units; ++unit) {
    const DeviceId device = device_[unit];
    if (!AllowedAlone(unit, device)) return false;
    for (const PlacementModel::Edge& edge : model_.Readers(unit)) {
      if (!AllowedFlow(edge, device, device_[edge.unit])) return false;
    }
    if (model_.runs(unit)) ++used_[device];
    if (load_.empty()) continue;
    load_[device] = SaturatingAdd(load_[device], model_.bytes[unit]);
    if (load_[device] > model_.capacity[device]) return false;
  }
  return LoadApart() && (!model_.no_skipped || NoneSkipped()) && LoadFlows();
}

bool PlacementCheck::AllowedAlone(int32_t unit, DeviceId device) const {
  return device != kNone &&
         HasDevice({model_.domain.data() + static_cast<size_t>(unit) * model_.words,
                    static_cast<size_t>(model_.words)},
                   device);
}

bool PlacementCheck::AllowedFlow(const PlacementModel::Edge& edge, DeviceId from,
                                 DeviceId to) const {
  if (from == to) return true;
  if (model_.forward_only && edge.forward && from > to) return false;
  return !model_.some_route_missing ||
         HasDevice({model_.route_to.data() + static_cast<size_t>(from) * model_.words,
                    static_cast<size_t>(model_.words)},
                   to);
}

bool PlacementCheck::AgreesWithNeighbours(int32_t unit, DeviceId device) const {
  for (const PlacementModel::Edge& edge : model_.Readers(unit)) {
    if (!AllowedFlow(edge, device, device_[edge.unit])) return false;
  }
  for (const PlacementModel::Edge& edge : model_.Sources(unit)) {
    if (!AllowedFlow(edge, device_[edge.unit], device)) return false;
  }
  return true;
}

bool PlacementCheck::LoadApart() const {
  std::vector<OpId> op_on(model_.num_devices, kNone);
  for (size_t rule = 0; rule + 1 < model_.apart_begin.size(); ++rule) {
    const auto members =
        PlacementModel::Row(model_.apart, model_.apart_begin, static_cast<int32_t>(rule));
    for (const PlacementModel::Apart& member : members) {
      OpId& op = op_on[device_[member.unit]];
      if (op != kNone && op != member.op) return false;
      op = member.op;
    }
    for (const PlacementModel::Apart& member : members) op_on[device_[member.unit]] = kNone;
  }
  return true;
}

// Whether the unit would meet another op of its keep-apart rules there.
bool PlacementCheck::MeetsApart(int32_t unit, DeviceId device) const {
  for (const int32_t rule : PlacementModel::Row(model_.rules, model_.rule_begin, unit)) {
    const auto members = PlacementModel::Row(model_.apart, model_.apart_begin, rule);
    const auto self = std::find_if(members.begin(), members.end(),
                                   [&](const auto& member) { return member.unit == unit; });
    for (const PlacementModel::Apart& member : members) {
      if (member.op != self->op && device_[member.unit] == device) return true;
    }
  }
  return false;
}

bool PlacementCheck::NoneSkipped() const {
  const auto first_unused = std::find(used_.begin(), used_.end(), 0);
  return std::all_of(first_unused, used_.end(), [](int32_t count) { return count == 0; });
}

bool PlacementCheck::LoadFlows() {
  if (!model_.triangle_free) return true;
  for (int32_t unit = 0; unit < model_.num_units; ++unit) {
    for (const PlacementModel::Edge& edge : model_.Readers(unit)) {
      if (edge.forward && !CountFlow(device_[unit], device_[edge.unit])) return false;
    }
  }
  return true;
}

bool PlacementCheck::CountFlow(DeviceId from, DeviceId to) {
  if (from == to) return true;
  int32_t& count = flow_count_[static_cast<size_t>(from) * model_.num_devices + to];
  if (count == 0 && !flows_.Add(from, to)) return false;
  ++count;
  return true;
}

void PlacementCheck::UncountFlow(DeviceId from, DeviceId to) {
  if (from == to) return;
  if (--flow_count_[static_cast<size_t>(from) * model_.num_devices + to] == 0) {
    flows_.Remove(from, to);
  }
}

// The flow of the unit's i-th edge, readers first, were it on this device; two equal devices for
// edges that do not count.
std::pair<DeviceId, DeviceId> PlacementCheck::FlowOf(int32_t unit, DeviceId device,
                                                     size_t i) const {
  const auto readers = model_.Readers(unit);
  const bool reads = i < readers.size();
  const PlacementModel::Edge& edge = reads ? readers[i] : model_.Sources(unit)[i - readers.size()];
  if (!edge.forward) return {device, device};
  const DeviceId other = device_[edge.unit];
  return reads ? std::pair(device, other) : std::pair(other, device);
}

// Counts the unit's flows; how many there are before one that may not be.
size_t PlacementCheck::PutFlows(int32_t unit, DeviceId device) {
  const size_t edges = model_.Readers(unit).size() + model_.Sources(unit).size();
  for (size_t i = 0; i < edges; ++i) {
    const auto [from, to] = FlowOf(unit, device, i);
    if (!CountFlow(from, to)) return i;
  }
  return edges;
}

void PlacementCheck::TakeFlows(int32_t unit, DeviceId device, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const auto [from, to] = FlowOf(unit, device, i);
    UncountFlow(from, to);
  }
}

bool PlacementCheck::MoveFlows(int32_t unit, DeviceId from, DeviceId to) {
  const size_t edges = model_.Readers(unit).size() + model_.Sources(unit).size();
  TakeFlows(unit, from, edges);
  const size_t put = PutFlows(unit, to);
  if (put == edges) return true;
  TakeFlows(unit, to, put);
  PutFlows(unit, from);
  return false;
}

bool PlacementCheck::Move(int32_t unit, DeviceId device) {
  const DeviceId old = device_[unit];
  if (old == device) return true;
  if (!AllowedAlone(unit, device) || !AgreesWithNeighbours(unit, device)) return false;
  if (MeetsApart(unit, device)) return false;
  if (!load_.empty() && load_[device] > model_.capacity[device] - model_.bytes[unit]) return false;
  if (model_.no_skipped && model_.runs(unit)) {
    --used_[old];
    ++used_[device];
    const bool legal = NoneSkipped();
    ++used_[old];
    --used_[device];
    if (!legal) return false;
  }
  if (model_.triangle_free && !MoveFlows(unit, old, device)) return false;
  device_[unit] = device;
  if (model_.runs(unit)) {
    --used_[old];
    ++used_[device];
  }
  if (!load_.empty()) {
    load_[old] -= model_.bytes[unit];
    load_[device] += model_.bytes[unit];
  }
  return true;
}

}  // namespace gopt
