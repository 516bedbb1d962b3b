#include "gopt/solve/task_graph.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "src/solve/rank_sort.h"

namespace gopt {
namespace {

int32_t FindRoot(std::vector<int32_t>& parent, int32_t i) {
  while (parent[i] != i) i = parent[i] = parent[parent[i]];
  return i;
}

// The devices of `a` that are in `b` too; both ascending.
std::vector<DeviceId> Intersect(std::span<const DeviceId> a, std::span<const DeviceId> b) {
  std::vector<DeviceId> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

int64_t SaturatingMultiply(int64_t a, int64_t b) {
  int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? kSaturated : std::min(product, kSaturated);
}

// Longest path to an exit: `time(task)` on tasks, `transfer(source, task, edge)` on data edges.
template <typename TimeOf, typename TransferOf>
std::vector<double> LongestPaths(const TaskGraph& tasks, TimeOf time, TransferOf transfer) {
  const KernelGraph& graph = tasks.kernel_graph();
  std::vector<double> length(static_cast<size_t>(tasks.num_tasks()), 0.0);
  for (auto it = graph.topological_order.rbegin(); it != graph.topological_order.rend(); ++it) {
    const KernelId task = *it;
    length[task] += time(task);
    for (int32_t e = graph.input_begin[task]; e < graph.input_begin[task + 1]; ++e) {
      const KernelId source = graph.inputs[e].source;
      if (source == kNone) continue;
      length[source] = std::max(length[source], length[task] + transfer(source, task, e));
    }
    for (KernelId source : KernelGraph::Row(graph.controls, graph.control_begin, task)) {
      length[source] = std::max(length[source], length[task]);
    }
  }
  return length;
}

}  // namespace

absl::StatusOr<TaskGraph> TaskGraph::Create(const Problem& problem,
                                            std::shared_ptr<const Kernels> kernels,
                                            const OpCostModel& costs, const TaskGraph* similar) {
  if (kernels == nullptr) return absl::InvalidArgumentError("a task graph needs kernels");
  TaskGraph tasks(problem);
  tasks.num_devices_ = problem.machine().num_devices();
  if (kernels->copies_depend_on_device() && tasks.num_devices_ > 1) {
    return absl::InvalidArgumentError(
        "kernels hold clones that readers choose by devices: list schedulers and searches need to "
        "know before they place who reads which copy");
  }
  tasks.kernels_ = std::move(kernels);
  const std::vector<DeviceId> device(tasks.kernels_->has_clones() ? tasks.kernels_->size() : 0, 0);
  GOPT_ASSIGN_OR_RETURN(tasks.kernel_graph_, KernelGraph::Create(*tasks.kernels_, device));
  tasks.FillTimes(costs, similar);
  tasks.FillEdges();
  tasks.FillParameters();
  tasks.FillGroups();
  GOPT_RETURN_IF_ERROR(tasks.FillAllowed());
  tasks.FillMeans();
  return tasks;
}

// Without clones the ops of a kernel say what of it others read, and so its time.
bool TaskGraph::CopyTimes(const TaskGraph& similar, KernelId task) {
  const auto ops = kernels_->ops(task);
  const KernelId twin = similar.kernels_->kernel_of(ops.front());
  const auto same = similar.kernels_->ops(twin);
  if (!std::equal(ops.begin(), ops.end(), same.begin(), same.end())) return false;
  std::copy_n(similar.times(twin).begin(), num_devices_,
              time_.begin() + static_cast<ptrdiff_t>(task) * num_devices_);
  activation_bytes_[task] = similar.activation_bytes_[twin];
  return true;
}

void TaskGraph::FillTimes(const OpCostModel& costs, const TaskGraph* similar) {
  const bool clones =
      kernels_->has_clones() || (similar != nullptr && similar->kernels_->has_clones());
  if (clones) similar = nullptr;
  time_.resize(static_cast<size_t>(num_tasks()) * num_devices_);
  activation_bytes_.assign(num_tasks(), 0);
  for (KernelId task = 0; task < num_tasks(); ++task) {
    if (similar != nullptr && CopyTimes(*similar, task)) continue;
    const auto outputs = KernelGraph::Row(kernel_graph_.outputs, kernel_graph_.output_begin, task);
    for (DeviceId d = 0; d < num_devices_; ++d) {
      time_[static_cast<size_t>(task) * num_devices_ + d] =
          costs.KernelTime(kernels_->ops(task), outputs, d);
    }
    StorageId previous = kNone;
    for (PortId port : outputs) {
      const StorageId storage = problem_.graph().storage(port);
      if (storage == previous) continue;
      previous = storage;
      activation_bytes_[task] =
          SaturatingAdd(activation_bytes_[task], problem_.graph().storage_bytes(storage));
    }
  }
}

void TaskGraph::FillEdges() {
  const Graph& graph = problem_.graph();
  const auto num_outputs = static_cast<int32_t>(kernel_graph_.outputs.size());
  edge_bytes_.reserve(kernel_graph_.inputs.size());
  edge_tensor_.reserve(kernel_graph_.inputs.size());
  for (const KernelGraph::Input& input : kernel_graph_.inputs) {
    edge_bytes_.push_back(graph.port_bytes(input.port));
    edge_tensor_.push_back(input.source != kNone
                               ? OutputIndex(input)
                               : num_outputs + graph.parameter_index(graph.producer(input.port)));
  }
}

// Clones make tensors of their own: the kernel tells them apart.
int32_t TaskGraph::OutputIndex(const KernelGraph::Input& input) const {
  const auto begin = kernel_graph_.outputs.begin();
  const auto it =
      std::lower_bound(begin + kernel_graph_.output_begin[input.source],
                       begin + kernel_graph_.output_begin[input.source + 1], input.port);
  return static_cast<int32_t>(it - begin);
}

void TaskGraph::FillParameters() {
  const Graph& graph = problem_.graph();
  persistent_bytes_.assign(num_tasks(), 0);
  for (size_t p = 0; p < graph.parameters().size(); ++p) {
    const OpId op = graph.parameters()[p];
    int64_t bytes = 0;
    KernelId home = kNone;
    const OpId optimizer = graph.optimizer_op(static_cast<int>(p));
    if (optimizer != kNone) home = kernels_->kernel_of(optimizer);
    for (PortId port = graph.first_port(op); port < graph.first_port(op) + graph.num_ports(op);
         ++port) {
      const int64_t copies = int64_t{1} + graph.optimizer_copies(port);
      bytes = SaturatingAdd(bytes, SaturatingMultiply(graph.port_bytes(port), copies));
      for (OpId reader : graph.readers(port)) {
        if (home == kNone) home = kernels_->kernel_of(reader);
      }
    }
    parameter_bytes_.push_back(bytes);
    home_task_.push_back(home);
    if (home != kNone) persistent_bytes_[home] = SaturatingAdd(persistent_bytes_[home], bytes);
  }
}

void TaskGraph::FillGroups() {
  const std::span<const int32_t> op_group = problem_.colocation_group();
  std::vector<int32_t> parent(num_tasks());
  std::iota(parent.begin(), parent.end(), 0);
  std::vector<KernelId> first(problem_.num_colocation_groups(), kNone);
  for (KernelId task = 0; task < num_tasks(); ++task) {
    for (OpId op : kernels_->ops(task)) {
      if (op_group[op] == kNone) continue;
      KernelId& other = first[op_group[op]];
      if (other == kNone) other = task;
      parent[FindRoot(parent, task)] = FindRoot(parent, other);
    }
  }
  std::vector<int32_t> size(num_tasks(), 0);
  for (KernelId task = 0; task < num_tasks(); ++task) ++size[FindRoot(parent, task)];
  std::vector<int32_t> group_of_root(num_tasks(), kNone);
  group_.assign(num_tasks(), kNone);
  for (KernelId task = 0; task < num_tasks(); ++task) {
    const int32_t root = FindRoot(parent, task);
    if (size[root] < 2) continue;
    if (group_of_root[root] == kNone) {
      group_of_root[root] = num_groups();
      group_tasks_.emplace_back();
    }
    group_[task] = group_of_root[root];
    group_tasks_[group_[task]].push_back(task);
  }
}

absl::Status TaskGraph::FillAllowed() {
  all_devices_.resize(num_devices_);
  std::iota(all_devices_.begin(), all_devices_.end(), 0);
  allowed_set_.assign(num_tasks(), kNone);
  std::map<std::vector<DeviceId>, int32_t> set_ids;
  const auto restrict = [&](KernelId task, std::span<const DeviceId> devices) {
    if (static_cast<int>(devices.size()) == num_devices_) return;
    std::vector<DeviceId> both = Intersect(allowed(task), devices);
    const auto [it, added] =
        set_ids.try_emplace(std::move(both), static_cast<int32_t>(allowed_sets_.size()));
    if (added) allowed_sets_.push_back(it->first);
    allowed_set_[task] = it->second;
  };
  for (KernelId task = 0; task < num_tasks(); ++task) {
    for (OpId op : kernels_->ops(task)) restrict(task, problem_.allowed_devices(op));
  }
  for (int p = 0; p < num_parameters(); ++p) {
    if (problem_.graph().optimizer_op(p) == kNone || home_task_[p] == kNone) continue;
    restrict(home_task_[p], problem_.allowed_devices(problem_.graph().parameters()[p]));
  }
  for (const std::vector<KernelId>& members : group_tasks_) {
    for (KernelId task : members) restrict(members.front(), allowed(task));
    for (KernelId task : members) allowed_set_[task] = allowed_set_[members.front()];
  }
  for (KernelId task = 0; task < num_tasks(); ++task) {
    if (!allowed(task).empty()) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("kernel ", task, " (", problem_.graph().Describe(kernels_->ops(task).front()),
                     "): its ops and their colocation groups share no allowed device"));
  }
  return absl::OkStatus();
}

void TaskGraph::FillMeans() {
  mean_time_.resize(num_tasks());
  best_time_.resize(num_tasks());
  for (KernelId task = 0; task < num_tasks(); ++task) {
    double sum = 0.0;
    Nanoseconds best = kSaturated;
    for (DeviceId d : allowed(task)) {
      sum += static_cast<double>(time(task, d));
      best = std::min(best, time(task, d));
    }
    mean_time_[task] = sum / static_cast<double>(allowed(task).size());
    best_time_[task] = best;
  }
  const Machine& machine = problem_.machine();
  int64_t pairs = 0;
  for (DeviceId from = 0; from < num_devices_; ++from) {
    for (DeviceId to = 0; to < num_devices_; ++to) {
      if (from == to || !machine.has_route(from, to)) continue;
      ++pairs;
      mean_latency_ += static_cast<double>(machine.route_latency(from, to));
      mean_inverse_bandwidth_ += 1e9 / machine.route_bandwidth(from, to);
    }
  }
  if (pairs == 0) return;
  mean_latency_ /= static_cast<double>(pairs);
  mean_inverse_bandwidth_ /= static_cast<double>(pairs);
}

std::span<const DeviceId> TaskGraph::allowed(KernelId task) const {
  return allowed_set_[task] == kNone ? std::span<const DeviceId>(all_devices_)
                                     : std::span<const DeviceId>(allowed_sets_[allowed_set_[task]]);
}

bool TaskGraph::is_allowed(KernelId task, DeviceId device) const {
  const auto devices = allowed(task);
  return std::binary_search(devices.begin(), devices.end(), device);
}

Plan TaskGraph::MakePlan(std::vector<DeviceId> device, std::vector<int32_t> rank,
                         std::string producer) const {
  Plan plan;
  plan.kernels = kernels_;
  plan.device = std::move(device);
  plan.rank = std::move(rank);
  plan.producer = std::move(producer);
  return plan;
}

std::vector<int32_t> RanksByPriority(std::span<const double> priority) {
  std::vector<int32_t> rank;
  RankSorter().Sort(priority, &rank);
  return rank;
}

std::vector<double> UpwardRanks(const TaskGraph& tasks) {
  return LongestPaths(
      tasks, [&](KernelId task) { return tasks.mean_time(task); },
      [&](KernelId, KernelId, int32_t edge) { return tasks.MeanTransfer(tasks.edge_bytes(edge)); });
}

std::vector<double> CriticalPathPriorities(const TaskGraph& tasks,
                                           std::span<const DeviceId> device) {
  const Machine& machine = tasks.problem().machine();
  return LongestPaths(
      tasks, [&](KernelId task) { return static_cast<double>(tasks.time(task, device[task])); },
      [&](KernelId source, KernelId task, int32_t edge) {
        const DeviceId from = device[source], to = device[task];
        if (from == to) return 0.0;
        return static_cast<double>(machine.route_latency(from, to)) +
               static_cast<double>(machine.TransferDuration(tasks.edge_bytes(edge), from, to));
      });
}

}  // namespace gopt
