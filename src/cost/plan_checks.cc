#include "src/cost/plan_checks.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"

namespace gopt {
namespace {

// First entry outside [low, high), or -1.
int64_t FindOutside(std::span<const int32_t> values, int32_t low, int32_t high) {
  uint32_t outside = 0;
  const uint32_t width = static_cast<uint32_t>(high - low);
  for (int32_t value : values) outside |= static_cast<uint32_t>(value - low) >= width;
  if (outside == 0) return -1;
  return std::find_if(values.begin(), values.end(),
                      [&](int32_t value) { return value < low || value >= high; }) -
         values.begin();
}

std::string CheckSize(const char* field, size_t size, size_t expected, const char* of) {
  if (size == expected) return "";
  return absl::StrCat(field, " has ", size, " entries for ", expected, " ", of);
}

std::string CheckDevices(const Problem& problem, const Plan& plan) {
  const int devices = problem.machine().num_devices();
  const int64_t kernel = FindOutside(plan.device, 0, devices);
  if (kernel >= 0) {
    return absl::StrCat("kernel ", kernel, " is on device ", plan.device[kernel],
                        "; the machine has ", devices);
  }
  const int64_t parameter = FindOutside(plan.parameter_home, kNone, devices);
  if (parameter >= 0) {
    return absl::StrCat("parameter ", parameter, " has its home on device ",
                        plan.parameter_home[parameter], "; the machine has ", devices);
  }
  return "";
}

}  // namespace

std::string PlanChecks::Check(const Problem& problem, const Plan& plan) {
  if (plan.kernels == nullptr) return "it has no kernels";
  if (&plan.kernels->graph() != &problem.graph() &&
      plan.kernels->graph().fingerprint() != problem.graph().fingerprint()) {
    return "its kernels are of another graph";
  }
  const size_t kernels = static_cast<size_t>(plan.kernels->size());
  const size_t parameters = problem.graph().parameters().size();
  std::string fault = CheckSize("device", plan.device.size(), kernels, "kernels");
  if (fault.empty()) fault = CheckSize("rank", plan.rank.size(), kernels, "kernels");
  if (fault.empty() && !plan.parameter_home.empty()) {
    fault = CheckSize("parameter_home", plan.parameter_home.size(), parameters, "parameters");
  }
  if (fault.empty()) fault = CheckDevices(problem, plan);
  if (!fault.empty()) return fault;
  switch (plan.dispatch) {
    case Dispatch::kPriority:
    case Dispatch::kFifo:
      return "";
    case Dispatch::kSequence:
      return CheckSequence(plan);
  }
  return absl::StrCat("dispatch rule ", static_cast<int>(plan.dispatch), " does not exist");
}

std::string PlanChecks::CheckSequence(const Plan& plan) {
  const size_t kernels = static_cast<size_t>(plan.kernels->size());
  std::string fault = CheckSize("sequence", plan.sequence.size(), kernels, "kernels");
  if (!fault.empty()) return fault;
  const int64_t outside = FindOutside(plan.sequence, 0, plan.kernels->size());
  if (outside >= 0) {
    return absl::StrCat("sequence names kernel ", plan.sequence[outside], "; there are ", kernels);
  }
  seen_.assign(kernels, 0);
  for (KernelId kernel : plan.sequence) {
    if (seen_[kernel] != 0) return absl::StrCat("sequence names kernel ", kernel, " twice");
    seen_[kernel] = 1;
  }
  return "";
}

std::string CheckHomes(const Problem& problem, const Plan& plan, std::span<const DeviceId> homes) {
  const Graph& graph = problem.graph();
  for (size_t i = 0; i < homes.size(); ++i) {
    const OpId optimizer = graph.optimizer_op(static_cast<int>(i));
    if (optimizer == kNone) continue;
    for (KernelId kernel : plan.kernels->kernels_of(optimizer)) {
      if (plan.device[kernel] == homes[i]) continue;
      return absl::StrCat("the home of parameter ", graph.Describe(graph.parameters()[i]),
                          " is device ", homes[i], ", but its optimizer ",
                          graph.Describe(optimizer), " runs on device ", plan.device[kernel]);
    }
  }
  return "";
}

}  // namespace gopt
