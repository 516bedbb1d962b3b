#include "src/solve/orders.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/peak_order.h"
#include "src/solve/admit.h"
#include "src/solve/carry.h"
#include "src/solve/constructive.h"
#include "src/solve/priorities.h"

namespace gopt {
namespace {

constexpr const char* kOrders[] = {"critical_path", "program", "upward_rank", "fifo",
                                   "shortest",      "slack",   "random",      "peak_memory"};
constexpr size_t kPlacerOrders = 4;

std::vector<int32_t> ShortestFirst(const TaskGraph& tasks, const std::vector<DeviceId>& device) {
  std::vector<double> priority(tasks.num_tasks());
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
    priority[task] = -static_cast<double>(tasks.time(task, device[task]));
  }
  return RanksByPriority(priority);
}

// The longest path of all is as long as that through the task and its slack together.
std::vector<int32_t> LeastSlackFirst(const TaskGraph& tasks) {
  std::vector<double> through = UpwardRanks(tasks);
  const std::vector<double> before = DownwardRanks(tasks);
  for (size_t task = 0; task < through.size(); ++task) through[task] += before[task];
  return RanksByPriority(through);
}

std::vector<int32_t> RandomRanks(int num_tasks, uint64_t seed) {
  std::vector<int32_t> rank(num_tasks);
  std::iota(rank.begin(), rank.end(), 0);
  Random random(seed);
  for (size_t i = rank.size(); i > 1; --i) {
    std::swap(rank[i - 1], rank[random.Below(static_cast<int64_t>(i))]);
  }
  return rank;
}

std::vector<int32_t> Ranks(const TaskGraph& tasks, const std::vector<DeviceId>& device,
                           std::string_view order, uint64_t seed) {
  if (order == "critical_path") return RanksByPriority(CriticalPathPriorities(tasks, device));
  if (order == "upward_rank") return RanksByPriority(UpwardRanks(tasks));
  if (order == "shortest") return ShortestFirst(tasks, device);
  if (order == "slack") return LeastSlackFirst(tasks);
  if (order == "random") return RandomRanks(tasks.num_tasks(), seed);
  return TopologicalRanks(tasks);
}

// One device after the other; each keeps to the order that those before it were given.
absl::StatusOr<Plan> InPeakOrder(const TaskGraph& tasks, const Plan& plan) {
  std::vector<KernelId> sequence = tasks.kernel_graph().topological_order;
  for (DeviceId device = 0; device < tasks.num_devices(); ++device) {
    if (std::find(plan.device.begin(), plan.device.end(), device) == plan.device.end()) continue;
    GOPT_ASSIGN_OR_RETURN(PeakOrder found, OrderForPeak(tasks.problem(), plan, sequence, device,
                                                        {.steps = 0, .beam = 0}));
    sequence = std::move(found.sequence);
  }
  return WithSequence(plan, std::move(sequence));
}

}  // namespace

std::vector<std::string> OrderNames() { return {std::begin(kOrders), std::end(kOrders)}; }

std::vector<std::string> PlacerOrders() {
  return {std::begin(kOrders), std::begin(kOrders) + kPlacerOrders};
}

absl::StatusOr<Plan> PlanInOrder(const TaskGraph& tasks, const std::vector<DeviceId>& device,
                                 std::string_view order, uint64_t seed) {
  Plan plan = tasks.MakePlan(device, Ranks(tasks, device, order, seed), "");
  if (order == "fifo") plan.dispatch = Dispatch::kFifo;
  if (order == "peak_memory") return InPeakOrder(tasks, plan);
  return plan;
}

std::vector<DeviceId> GivenPlacement(const SolveRequest& request, const TaskGraph& tasks) {
  const Problem& problem = *request.problem;
  const Plan* given = problem.base_plan();
  for (const Plan& plan : request.start_plans) {
    if (given != nullptr) break;
    const bool same = plan.kernels == tasks.kernels();
    if (same || (problem.tasks().fusion && ValidatePlan(problem, plan).ok())) given = &plan;
  }
  if (given == nullptr) return {};
  if (given->kernels == tasks.kernels() || given->device.empty()) return given->device;
  return CarryDevices(*given->kernels, given->device, tasks);
}

std::vector<DeviceId> GivenOrSinglePlacement(const SolveRequest& request, const TaskGraph& tasks) {
  const std::vector<DeviceId> given = GivenPlacement(request, tasks);
  std::vector<DeviceId> fixed;
  PlacementOptions options = InitialOptions(request, tasks, &fixed);
  if (given.empty()) return AdmitOnFastestDevice(tasks, options);
  fixed = given;
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
    if (!tasks.is_allowed(task, fixed[task])) fixed[task] = kNone;
  }
  options.fixed = fixed;
  return Admit(tasks, given, options);
}

absl::Status CheckChoice(const std::string& solver, const std::string& key,
                         const std::string& value, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return absl::OkStatus();
  std::string names;
  for (const std::string& name : known) absl::StrAppend(&names, names.empty() ? "" : ", ", name);
  return absl::InvalidArgumentError(
      absl::StrCat(solver, ": ", key, " is '", value, "'; it must be one of ", names));
}

}  // namespace gopt
