#include "src/rl/device_order.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_format.h"
#include "gopt/base/status_macros.h"

namespace gopt {
namespace {

std::vector<int> Counted(int count) {
  std::vector<int> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

// Splits classes by a key; a class is known by its place among all. Returns how many there are.
template <typename Key>
int Split(const std::vector<Key>& key, std::vector<int>* place) {
  const auto less = [&](int a, int b) {
    return std::tie((*place)[a], key[a]) < std::tie((*place)[b], key[b]);
  };
  std::vector<int> sorted = Counted(static_cast<int>(key.size()));
  std::sort(sorted.begin(), sorted.end(), less);
  std::vector<int> split(key.size(), 0);
  for (size_t i = 1; i < sorted.size(); ++i) {
    split[sorted[i]] = split[sorted[i - 1]] + (less(sorted[i - 1], sorted[i]) ? 1 : 0);
  }
  *place = std::move(split);
  return place->empty() ? 0 : place->at(sorted.back()) + 1;
}

// All that a device is by itself.
std::vector<std::string> Descriptions(const Problem& problem) {
  const Machine& machine = problem.machine();
  std::vector<std::string> texts;
  for (DeviceId d = 0; d < machine.num_devices(); ++d) {
    const Device& device = machine.device(d);
    std::string& text = texts.emplace_back(
        absl::StrFormat("%s\n%d %a %a %d\n", device.kind, problem.memory_limit(d),
                        device.peak_flops, device.memory_bandwidth, device.launch));
    for (const Efficiency& e : device.efficiency) {
      absl::StrAppendFormat(&text, "%s %d %a %a\n", e.op_type, static_cast<int>(e.op_class),
                            e.flops, e.bytes);
    }
  }
  const Constraints& constraints = problem.constraints();
  if (constraints.pins.empty() && constraints.allowed.empty()) return texts;
  for (OpId op = 0; op < problem.graph().num_ops(); ++op) {
    if (problem.allowed_devices(op).size() == texts.size()) continue;
    for (size_t d = 0; d < texts.size(); ++d) {
      texts[d] += problem.is_allowed(op, static_cast<DeviceId>(d)) ? '+' : '-';
    }
  }
  return texts;
}

// Of each ordered pair, by from * devices + to: the place of its link among all, the fastest first.
std::vector<int> Links(const Machine& machine) {
  using Link = std::tuple<double, Nanoseconds, double, Nanoseconds>;
  const int devices = machine.num_devices();
  std::vector<Link> links;
  for (DeviceId from = 0; from < devices; ++from) {
    for (DeviceId to = 0; to < devices; ++to) {
      links.emplace_back(-machine.route_bandwidth(from, to), machine.route_latency(from, to),
                         -machine.route_bandwidth(to, from), machine.route_latency(to, from));
    }
  }
  std::vector<int> place(links.size(), 0);
  Split(links, &place);
  return place;
}

// By their own links and those of the devices they lead to, and so on.
void SplitByLinks(const std::vector<int>& links, std::vector<int>* place) {
  const int devices = static_cast<int>(place->size());
  for (int classes = 0, before = -1; classes != before && classes < devices;) {
    std::vector<std::vector<std::pair<int, int>>> key(devices);
    for (int from = 0; from < devices; ++from) {
      for (int to = 0; to < devices; ++to) {
        if (to != from) key[from].emplace_back(links[from * devices + to], (*place)[to]);
      }
      std::sort(key[from].begin(), key[from].end());
    }
    before = classes;
    classes = Split(key, place);
  }
}

bool NumbersMeanSomething(const Constraints& constraints) {
  return constraints.forward_only_devices || constraints.no_skipped_devices;
}

Constraints WithDevices(Constraints constraints, std::span<const DeviceId> where) {
  for (Constraints::Pin& pin : constraints.pins) pin.device = where[pin.device];
  for (Constraints::Allowed& rule : constraints.allowed) {
    for (DeviceId& device : rule.devices) device = where[device];
  }
  for (Constraints::MemoryLimit& limit : constraints.memory_limits) {
    limit.device = where[limit.device];
  }
  return constraints;
}

std::shared_ptr<const Plan> WithDevices(const Plan* plan, std::span<const DeviceId> where) {
  if (plan == nullptr) return nullptr;
  auto moved = std::make_shared<Plan>(*plan);
  for (std::vector<DeviceId>* devices : {&moved->device, &moved->parameter_home}) {
    for (DeviceId& device : *devices) {
      if (device != kNone) device = where[device];
    }
  }
  return moved;
}

}  // namespace

std::vector<DeviceId> DeviceOrder(const Problem& problem) {
  const int devices = problem.machine().num_devices();
  std::vector<DeviceId> order = Counted(devices);
  if (NumbersMeanSomething(problem.constraints())) return order;
  std::vector<int> kind(devices, 0);
  Split(Descriptions(problem), &kind);
  const std::vector<int> links = Links(problem.machine());
  std::vector<int> place = kind;
  SplitByLinks(links, &place);
  std::vector<int> link(devices, 0);  // From the device before.
  for (auto next = order.begin(); next != order.end(); ++next) {
    const auto first = std::min_element(next, order.end(), [&](DeviceId a, DeviceId b) {
      return std::tie(kind[a], link[a], place[a], a) < std::tie(kind[b], link[b], place[b], b);
    });
    std::rotate(next, first, first + 1);
    for (int d = 0; d < devices; ++d) link[d] = links[*next * devices + d];
    Split(link, &place);
  }
  return order;
}

absl::StatusOr<Problem> WithDevicesInOrder(const Problem& problem,
                                           std::span<const DeviceId> order) {
  if (std::is_sorted(order.begin(), order.end())) return problem;
  const Machine& machine = problem.machine();
  std::vector<DeviceId> where(order.size());
  std::vector<Device> devices;
  for (size_t i = 0; i < order.size(); ++i) {
    where[order[i]] = static_cast<DeviceId>(i);
    devices.push_back(machine.device(order[i]));
  }
  std::vector<Machine::Route> routes = machine.Routes();
  for (Machine::Route& route : routes) {
    route.from = where[route.from];
    route.to = where[route.to];
  }
  GOPT_ASSIGN_OR_RETURN(
      Machine renumbered,
      Machine::Create(machine.name(), std::move(devices),
                      {machine.channels().begin(), machine.channels().end()}, std::move(routes)));
  return Problem::Create(problem.shared_graph(), std::move(renumbered),
                         {.constraints = WithDevices(problem.constraints(), where),
                          .tasks = problem.tasks(),
                          .fusion_limits = problem.fusion_limits(),
                          .base_plan = WithDevices(problem.base_plan(), where)});
}

}  // namespace gopt
