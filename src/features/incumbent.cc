#include "src/features/incumbent.h"

#include <algorithm>

#include "src/features/scale.h"

namespace gopt {
namespace {

// Of an op's neighbours that have a device.
struct Neighbours {
  int32_t producers = 0, remote_producers = 0;
  int32_t readers = 0, remote_readers = 0;
  Nanoseconds last_end = 0;
  Nanoseconds first_start = kSaturated;
};

std::vector<Neighbours> CountNeighbours(const IncumbentPlan& plan, const EdgeIndex& edges) {
  std::vector<Neighbours> all(edges.num_ops());
  for (int64_t e = 0; e < edges.size(); ++e) {
    const int64_t source = edges.source[e], target = edges.target[e];
    if (plan.device[source] == kNone || plan.device[target] == kNone) continue;
    const int remote = plan.device[source] != plan.device[target] ? 1 : 0;
    Neighbours& reader = all[target];
    ++reader.producers;
    reader.remote_producers += remote;
    reader.last_end = std::max(reader.last_end, plan.finish[source]);
    Neighbours& producer = all[source];
    ++producer.readers;
    producer.remote_readers += remote;
    producer.first_start = std::min(producer.first_start, plan.start[target]);
  }
  return all;
}

}  // namespace

IncumbentView MakeIncumbentView(const IncumbentPlan& plan, const EdgeIndex& edges,
                                const std::vector<double>& op_time, int num_devices) {
  IncumbentView view;
  view.load.assign(num_devices, 0.0);
  if (plan.empty()) return view;
  const std::vector<Neighbours> neighbours = CountNeighbours(plan, edges);
  const auto makespan = static_cast<double>(plan.makespan);
  view.ops.resize(edges.num_ops());
  for (OpId op = 0; op < edges.num_ops(); ++op) {
    if (plan.device[op] == kNone) continue;
    view.load[plan.device[op]] += op_time[op];
    const Neighbours& of = neighbours[op];
    const Nanoseconds next = std::min(of.first_start, plan.makespan);  // No reader: the end.
    view.ops[op] = {
        .remote_inputs = PartOf(of.remote_producers, of.producers),
        .remote_reads = PartOf(of.remote_readers, of.readers),
        .wait = PartOf(static_cast<double>(plan.start[op] - of.last_end), makespan),
        .slack = PartOf(static_cast<double>(next - plan.finish[op]), makespan),
    };
  }
  view.largest_load = *std::max_element(view.load.begin(), view.load.end());
  return view;
}

}  // namespace gopt
