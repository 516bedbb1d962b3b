#include "src/solve/exact_instance.h"

#include <algorithm>
#include <numeric>

#include "gopt/plan/validate.h"

namespace gopt {
namespace {

Bits DeviceBits(std::span<const DeviceId> devices) {
  Bits bits = 0;
  for (DeviceId d : devices) bits |= Bit(d);
  return bits;
}

Bits TaskBits(std::span<const KernelId> tasks) {
  Bits bits = 0;
  for (KernelId k : tasks) bits |= Bit(k);
  return bits;
}

Bits LowBits(int count) { return count == kMostBits ? ~Bits{0} : Bit(count) - 1; }

bool SomeRouteIsMissing(const Machine& machine) {
  for (DeviceId from = 0; from < machine.num_devices(); ++from) {
    for (DeviceId to = 0; to < machine.num_devices(); ++to) {
      if (from != to && !machine.has_route(from, to)) return true;
    }
  }
  return false;
}

}  // namespace

bool ExactInstance::Fits(const TaskGraph& tasks) {
  return tasks.num_tasks() <= kMostBits && tasks.num_devices() <= kMostBits;
}

ExactInstance::ExactInstance(const TaskGraph& graph, bool with_contention)
    : tasks(&graph),
      num_tasks(graph.num_tasks()),
      num_devices(graph.num_devices()),
      num_channels(graph.problem().machine().num_channels()),
      num_parameters(graph.num_parameters()),
      contention(with_contention),
      open_order(graph.problem().tasks().scheduling || graph.problem().base_plan() == nullptr),
      base(graph.problem().base_plan()),
      all_tasks(LowBits(graph.num_tasks())) {
  const Constraints& rules = graph.problem().constraints();
  places_matter = !rules.keep_apart.empty() || rules.forward_only_devices ||
                  rules.no_skipped_devices || rules.triangle_free_devices ||
                  SomeRouteIsMissing(graph.problem().machine());
  FillTasks();
  FillOutputs();
  FillParameters();
  FillApart();
  FillClosed();
  FillChannels();
  FillTails();
  roaming = 0;
  if (!open_order) return;
  for (KernelId k = 0; k < num_tasks; ++k) {
    if (!parameters_of[k].empty()) continue;
    if (!contention || edges[k].empty()) roaming |= Bit(k);
  }
}

void ExactInstance::FillTasks() {
  const KernelGraph& graph = tasks->kernel_graph();
  order = graph.topological_order;
  control_readers.assign(num_tasks, 0);
  for (KernelId k = 0; k < num_tasks; ++k) {
    const auto times = tasks->times(k);
    time_table.insert(time_table.end(), times.begin(), times.end());
    least_time.push_back(tasks->best_time(k));
    open.push_back(DeviceBits(tasks->allowed(k)));
    const int32_t group_id = tasks->group(k);
    group.push_back(group_id == kNone ? Bit(k) : TaskBits(tasks->group_tasks(group_id)));
    before.push_back(TaskBits(KernelGraph::Row(graph.predecessors, graph.predecessor_begin, k)));
    for (KernelId source : KernelGraph::Row(graph.controls, graph.control_begin, k)) {
      control_readers[source] |= Bit(k);
    }
  }
}

std::vector<Nanoseconds> ExactInstance::Durations(int64_t bytes) const {
  std::vector<Nanoseconds> durations;
  for (DeviceId from = 0; from < num_devices; ++from) {
    for (DeviceId to = 0; to < num_devices; ++to) {
      durations.push_back(tasks->problem().machine().TransferDuration(bytes, from, to));
    }
  }
  return durations;
}

void ExactInstance::FillOutputs() {
  const KernelGraph& graph = tasks->kernel_graph();
  output_begin = graph.output_begin;
  edges.resize(num_tasks);
  readers.assign(num_tasks, 0);
  for (KernelId k = 0; k < num_tasks; ++k) {
    for (int32_t i = output_begin[k]; i < output_begin[k + 1]; ++i) {
      const auto row = KernelGraph::Row(graph.readers, graph.reader_begin, i);
      const int64_t bytes = tasks->problem().graph().port_bytes(graph.outputs[i]);
      outputs.push_back({k, TaskBits(row), Durations(bytes)});
      readers[k] |= outputs.back().readers;
      for (KernelId reader : row) edges[reader].push_back({k, i});
    }
  }
}

void ExactInstance::FillParameters() {
  const Problem& problem = tasks->problem();
  const Graph& graph = problem.graph();
  const KernelGraph& kernel_graph = tasks->kernel_graph();
  const std::span<const int32_t> group_of = problem.colocation_group();
  std::vector<KernelId> task_of_group(problem.num_colocation_groups(), kNone);
  for (OpId op : graph.kernel_ops()) {
    if (group_of[op] != kNone) task_of_group[group_of[op]] = tasks->kernels()->kernel_of(op);
  }
  std::vector<int32_t> leader_of_group(problem.num_colocation_groups(), kNone);
  parameters_of.resize(num_tasks);
  asking = 0;
  for (int32_t p = 0; p < num_parameters; ++p) {
    const OpId op = graph.parameters()[p];
    const auto row =
        KernelGraph::Row(kernel_graph.parameter_readers, kernel_graph.parameter_reader_begin, p);
    Parameter parameter = {.readers = TaskBits(row),
                           .home_task = kNone,
                           .leader = p,
                           .homes = DeviceBits(problem.allowed_devices(op)),
                           .duration = Durations(graph.port_bytes(graph.first_port(op)))};
    if (const int32_t g = group_of[op]; g != kNone) {
      parameter.home_task = task_of_group[g];
      if (leader_of_group[g] == kNone) leader_of_group[g] = p;
      parameter.leader = leader_of_group[g];
    }
    for (KernelId reader : row) parameters_of[reader].push_back(p);
    asking |= parameter.readers;
    parameters.push_back(std::move(parameter));
  }
}

void ExactInstance::FillApart() {
  apart.assign(num_tasks, 0);
  const Problem& problem = tasks->problem();
  for (const Constraints::Group& rule : problem.constraints().keep_apart) {
    Bits members = 0;
    for (OpId op : rule.ops) members |= TaskBits(tasks->kernels()->kernels_of(op));
    for (OpId op : rule.ops) {
      const Bits copies = TaskBits(tasks->kernels()->kernels_of(op));
      for (int k : Each(copies)) apart[k] |= members & ~copies;
    }
  }
}

void ExactInstance::FillClosed() {
  const Problem& problem = tasks->problem();
  if (base == nullptr) return;
  if (!problem.tasks().placement) {
    for (KernelId k = 0; k < num_tasks; ++k) open[k] = Bit(base->device[k]);
    fixed_home = ParameterHomes(problem.graph(), *base);
  }
  if (open_order) return;
  fixed_rank = base->rank;
  if (base->dispatch != Dispatch::kSequence) return;
  fixed_position.resize(num_tasks);
  for (int32_t i = 0; i < num_tasks; ++i) fixed_position[base->sequence[i]] = i;
}

bool ExactInstance::RoutesMeet(DeviceId from1, DeviceId to1, DeviceId from2, DeviceId to2) const {
  const auto first = route(from1, to1), second = route(from2, to2);
  return std::any_of(first.begin(), first.end(), [&](ChannelId c) {
    return std::find(second.begin(), second.end(), c) != second.end();
  });
}

void ExactInstance::FillChannels() {
  const Machine& machine = tasks->problem().machine();
  channels_have_one_source = true;
  destinations_meet = false;
  std::vector<DeviceId> source(num_channels, kNone), destination(num_channels, kNone);
  for (DeviceId from = 0; from < num_devices; ++from) {
    std::fill(destination.begin(), destination.end(), kNone);
    for (DeviceId to = 0; to < num_devices; ++to) {
      latency.push_back(machine.route_latency(from, to));
      for (ChannelId c : route(from, to)) {
        if (source[c] != kNone && source[c] != from) channels_have_one_source = false;
        destinations_meet = destinations_meet || destination[c] != kNone;
        source[c] = from;
        destination[c] = to;
      }
    }
  }
}

void ExactInstance::FillTails() {
  const KernelGraph& graph = tasks->kernel_graph();
  tail_table.assign(time_table.size(), 0);
  least_tail.assign(num_tasks, 0);
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const KernelId k = *it;
    least_tail[k] = kSaturated;
    for (int d : Each(open[k])) least_tail[k] = std::min(least_tail[k], tail(k, d));
    for (const Edge& edge : edges[k]) RaiseTail(edge.source, k, &outputs[edge.output]);
    for (KernelId source : KernelGraph::Row(graph.controls, graph.control_begin, k)) {
      RaiseTail(source, k, nullptr);
    }
  }
  by_tail = order;
  std::stable_sort(by_tail.begin(), by_tail.end(),
                   [&](KernelId a, KernelId b) { return least_tail[a] > least_tail[b]; });
}

// The source's end is followed by the task, wherever that is best, after the output's way there.
void ExactInstance::RaiseTail(KernelId source, KernelId k, const Output* output) {
  const bool together = Has(group[source], k);
  for (int from : Each(open[source])) {
    Nanoseconds least = kSaturated;
    for (int to : Each(together ? Bit(from) : open[k])) {
      const Nanoseconds delay = output == nullptr ? 0 : Delay(*output, from, to);
      least = std::min(least, SaturatingAdd(delay, SaturatingAdd(time(k, to), tail(k, to))));
    }
    Nanoseconds& known = tail_table[source * num_devices + from];
    known = std::max(known, least);
  }
}

}  // namespace gopt
