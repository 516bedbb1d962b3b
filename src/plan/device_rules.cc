#include "src/plan/device_rules.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "src/plan/conflict.h"
#include "src/plan/describe.h"

namespace gopt {

std::vector<DeviceId> DeviceSet::ToVector() const {
  std::vector<DeviceId> devices;
  for (DeviceId d = 0; d < static_cast<DeviceId>(words_.size() * 64); ++d) {
    if (Contains(d)) devices.push_back(d);
  }
  return devices;
}

DeviceRules::DeviceRules(const Graph& graph, const Machine& machine, const Constraints& constraints,
                         const Colocation& colocation)
    : graph_(graph), machine_(machine), constraints_(constraints), colocation_(colocation) {
  for (size_t i = 0; i < constraints.pins.size(); ++i) {
    rules_.push_back({constraints.pins[i].op, static_cast<int32_t>(i), true});
  }
  for (size_t i = 0; i < constraints.allowed.size(); ++i) {
    for (const OpId op : constraints.allowed[i].ops) {
      rules_.push_back({op, static_cast<int32_t>(i), false});
    }
  }
}

DeviceSet DeviceRules::DevicesOf(const Rule& rule) const {
  DeviceSet devices(machine_.num_devices());
  if (rule.is_pin) {
    devices.Insert(constraints_.pins[rule.index].device);
  } else {
    for (const DeviceId d : constraints_.allowed[rule.index].devices) devices.Insert(d);
  }
  return devices;
}

std::string DeviceRules::Describe(const Rule& rule) const {
  if (rule.is_pin) {
    const Constraints::Pin& pin = constraints_.pins[rule.index];
    return absl::StrCat(graph_.Describe(rule.op), " is pinned to device ", pin.device,
                        WithReason(pin.reason));
  }
  const Constraints::Allowed& allowed = constraints_.allowed[rule.index];
  return absl::StrCat(graph_.Describe(rule.op), " is allowed on ",
                      DescribeDevices(DevicesOf(rule).ToVector()), WithReason(allowed.reason));
}

absl::Status DeviceRules::Resolve() {
  std::vector<int32_t> set_index(graph_.num_ops(), kNone);  // By root.
  std::vector<DeviceSet> sets;
  for (const Rule& rule : rules_) {
    int32_t& index = set_index[colocation_.Root(rule.op)];
    if (index == kNone) {
      index = static_cast<int32_t>(sets.size());
      sets.push_back(DevicesOf(rule));
      continue;
    }
    sets[index].IntersectWith(DevicesOf(rule));
    if (sets[index].empty()) return Conflict(colocation_.Root(rule.op));
  }
  Number(set_index, sets);
  return absl::OkStatus();
}

// Gives equal sets one number.
void DeviceRules::Number(const std::vector<int32_t>& set_index,
                         const std::vector<DeviceSet>& sets) {
  std::map<std::vector<DeviceId>, int32_t> number_of;
  set_of_root_.assign(graph_.num_ops(), kNone);
  for (OpId op = 0; op < graph_.num_ops(); ++op) {
    if (set_index[op] == kNone) continue;
    std::vector<DeviceId> devices = sets[set_index[op]].ToVector();
    if (devices.size() == static_cast<size_t>(machine_.num_devices())) continue;
    const auto [it, added] = number_of.emplace(devices, static_cast<int32_t>(sets_.size()));
    if (added) sets_.push_back(std::move(devices));
    set_of_root_[op] = it->second;
  }
}

absl::Status DeviceRules::Conflict(OpId root) const {
  std::vector<Rule> rules;
  std::vector<DeviceSet> sets;
  for (const Rule& rule : rules_) {
    if (colocation_.Root(rule.op) != root) continue;
    rules.push_back(rule);
    sets.push_back(DevicesOf(rule));
  }
  std::vector<std::string> shortest;
  for (const std::vector<size_t>& subset : SmallestDisjoint(sets)) {
    std::vector<std::string> texts;
    const OpId first = rules[subset.front()].op;
    for (const size_t i : subset) {
      texts.push_back(Describe(rules[i]));
      for (std::string& tie : colocation_.Why(first, rules[i].op)) texts.push_back(std::move(tie));
    }
    if (shortest.empty() || texts.size() < shortest.size()) shortest = std::move(texts);
  }
  return ConflictError(shortest);
}

}  // namespace gopt
