#include "gopt/plan/validate.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/plan/kernel_graph.h"
#include "src/graph/cycle.h"
#include "src/plan/describe.h"
#include "src/plan/kernel_rules.h"
#include "src/plan/pipeline_rules.h"

namespace gopt {
namespace {

absl::Status PlanError(const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("plan: ", what));
}

// Checks one plan, rule by rule; later rules rely on earlier ones.
class PlanChecker {
 public:
  PlanChecker(const Problem& problem, const Plan& plan)
      : problem_(problem), graph_(problem.graph()), plan_(plan) {}

  absl::Status Check() {
    GOPT_RETURN_IF_ERROR(CheckSizes());
    GOPT_RETURN_IF_ERROR(CheckDevices());
    GOPT_RETURN_IF_ERROR(CheckKernelRules(problem_, kernels()));
    GOPT_ASSIGN_OR_RETURN(dag_, KernelGraph::Create(kernels(), plan_.device));
    if (plan_.dispatch == Dispatch::kSequence) GOPT_RETURN_IF_ERROR(CheckSequence());
    homes_ = ParameterHomes(graph_, plan_);
    GOPT_RETURN_IF_ERROR(CheckHomes());
    GOPT_RETURN_IF_ERROR(CheckAllowedDevices());
    GOPT_RETURN_IF_ERROR(CheckColocation());
    GOPT_RETURN_IF_ERROR(CheckKeptApart());
    GOPT_RETURN_IF_ERROR(CheckRoutes());
    return CheckPipelineRules(problem_, plan_);
  }

 private:
  const Kernels& kernels() const { return *plan_.kernels; }

  absl::Status CheckSize(const char* field, size_t size, size_t expected) const {
    if (size == expected) return absl::OkStatus();
    return PlanError(absl::StrCat(field, " has ", size, " entries, expected ", expected));
  }

  absl::Status CheckSizes() const {
    if (plan_.kernels == nullptr) return PlanError("the kernels are missing");
    if (!SameGraph(graph_, kernels().graph())) return PlanError("it was made for another graph");
    GOPT_RETURN_IF_ERROR(CheckSize("device", plan_.device.size(), kernels().size()));
    GOPT_RETURN_IF_ERROR(CheckSize("rank", plan_.rank.size(), kernels().size()));
    if (!plan_.parameter_home.empty()) {
      GOPT_RETURN_IF_ERROR(
          CheckSize("parameter_home", plan_.parameter_home.size(), graph_.parameters().size()));
    }
    if (ToString(plan_.dispatch) == "UNKNOWN") {
      return PlanError(absl::StrCat("unknown dispatch ", static_cast<int>(plan_.dispatch)));
    }
    return absl::OkStatus();
  }

  absl::Status CheckDevices() const {
    const int num_devices = problem_.machine().num_devices();
    for (KernelId k = 0; k < kernels().size(); ++k) {
      if (plan_.device[k] >= 0 && plan_.device[k] < num_devices) continue;
      return KernelError(kernels(), k, absl::StrCat("device ", plan_.device[k], " does not exist"));
    }
    for (size_t i = 0; i < plan_.parameter_home.size(); ++i) {
      const DeviceId home = plan_.parameter_home[i];
      if (home >= kNone && home < num_devices) continue;
      return PlanError(absl::StrCat("home of ", graph_.Describe(graph_.parameters()[i]),
                                    ": device ", home, " does not exist"));
    }
    return absl::OkStatus();
  }

  absl::Status CheckSequence() const {
    GOPT_RETURN_IF_ERROR(CheckSize("sequence", plan_.sequence.size(), kernels().size()));
    std::vector<int32_t> position(kernels().size(), kNone);
    for (size_t i = 0; i < plan_.sequence.size(); ++i) {
      const KernelId k = plan_.sequence[i];
      if (k < 0 || k >= kernels().size()) {
        return PlanError(absl::StrCat("sequence: kernel ", k, " does not exist"));
      }
      if (position[k] != kNone) return KernelError(kernels(), k, "is in the sequence twice");
      position[k] = static_cast<int32_t>(i);
    }
    for (KernelId k = 0; k < kernels().size(); ++k) {
      for (const KernelId before : KernelGraph::Row(dag_.predecessors, dag_.predecessor_begin, k)) {
        if (position[before] > position[k]) return CheckSequenceDeadlock();
      }
    }
    return absl::OkStatus();  // The sequence itself is a topological order.
  }

  // A cycle of dependencies and of "next on its device" would wait for itself.
  absl::Status CheckSequenceDeadlock() const {
    std::vector<KernelId> next(kernels().size(), kNone);
    std::vector<KernelId> last(problem_.machine().num_devices(), kNone);
    for (const KernelId k : plan_.sequence) {
      KernelId& before = last[plan_.device[k]];
      if (before != kNone) next[before] = k;
      before = k;
    }
    std::vector<int32_t> begin = {0};
    std::vector<KernelId> successors;
    for (KernelId k = 0; k < kernels().size(); ++k) {
      const auto row = KernelGraph::Row(dag_.successors, dag_.successor_begin, k);
      successors.insert(successors.end(), row.begin(), row.end());
      if (next[k] != kNone) successors.push_back(next[k]);
      begin.push_back(static_cast<int32_t>(successors.size()));
    }
    const std::vector<int32_t> cycle = ShortestCycle(begin, successors);
    if (cycle.empty()) return absl::OkStatus();
    return PlanError(absl::StrCat("deadlock of the sequence, each waits for the one before: ",
                                  DescribeCycle(kernels(), cycle)));
  }

  absl::Status CheckHomes() const {
    for (size_t i = 0; i < homes_.size(); ++i) {
      const OpId parameter = graph_.parameters()[i];
      if (!problem_.is_allowed(parameter, homes_[i])) {
        return PlanError(absl::StrCat("home of ", graph_.Describe(parameter), ": device ",
                                      homes_[i], " is not allowed by the constraints"));
      }
      const OpId optimizer = graph_.optimizer_op(static_cast<int>(i));
      if (optimizer == kNone) continue;
      const KernelId k = kernels().kernel_of(optimizer);
      if (plan_.device[k] == homes_[i]) continue;
      return KernelError(
          kernels(), k,
          absl::StrCat("runs on device ", plan_.device[k], ", but ", graph_.Describe(parameter),
                       " that it updates lives on ", homes_[i]));
    }
    return absl::OkStatus();
  }

  absl::Status CheckAllowedDevices() const {
    for (KernelId k = 0; k < kernels().size(); ++k) {
      for (const OpId op : kernels().ops(k)) {
        if (problem_.is_allowed(op, plan_.device[k])) continue;
        return KernelError(
            kernels(), k,
            absl::StrCat("device ", plan_.device[k], " is not allowed for ", graph_.Describe(op),
                         WithReason(ReasonAgainst(op, plan_.device[k]))));
      }
    }
    return absl::OkStatus();
  }

  // That of the first rule which keeps the op itself off the device; empty if another op's does.
  std::string ReasonAgainst(OpId op, DeviceId device) const {
    for (const Constraints::Pin& pin : problem_.constraints().pins) {
      if (pin.op == op && pin.device != device) return pin.reason;
    }
    const auto holds = [](const auto& list, int32_t what) {
      return std::find(list.begin(), list.end(), what) != list.end();
    };
    for (const Constraints::Allowed& allowed : problem_.constraints().allowed) {
      if (holds(allowed.ops, op) && !holds(allowed.devices, device)) return allowed.reason;
    }
    return "";
  }

  absl::Status CheckColocation() const {
    const std::span<const int32_t> group = problem_.colocation_group();
    std::vector<DeviceId> device_of(problem_.num_colocation_groups(), kNone);
    std::vector<OpId> first_of(problem_.num_colocation_groups(), kNone);
    for (size_t i = 0; i < homes_.size(); ++i) {
      const OpId parameter = graph_.parameters()[i];
      GOPT_RETURN_IF_ERROR(Join(parameter, group[parameter], homes_[i], &device_of, &first_of));
    }
    for (KernelId k = 0; k < kernels().size(); ++k) {
      for (const OpId op : kernels().ops(k)) {
        GOPT_RETURN_IF_ERROR(Join(op, group[op], plan_.device[k], &device_of, &first_of));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Join(OpId op, int32_t group, DeviceId device, std::vector<DeviceId>* device_of,
                    std::vector<OpId>* first_of) const {
    if (group == kNone) return absl::OkStatus();
    if ((*device_of)[group] == kNone) {
      (*device_of)[group] = device;
      (*first_of)[group] = op;
    }
    if ((*device_of)[group] == device) return absl::OkStatus();
    return PlanError(absl::StrCat(graph_.Describe(op), " is on device ", device,
                                  ", but must be with ", graph_.Describe((*first_of)[group]),
                                  " on device ", (*device_of)[group]));
  }

  absl::Status CheckKeptApart() const {
    std::vector<OpId> op_on(problem_.machine().num_devices());
    for (const Constraints::Group& group : problem_.constraints().keep_apart) {
      std::fill(op_on.begin(), op_on.end(), kNone);
      for (const OpId op : group.ops) {
        for (const DeviceId device : DevicesOf(op)) {
          if (op_on[device] != kNone && op_on[device] != op) {
            return PlanError(absl::StrCat(graph_.Describe(op), " and ",
                                          graph_.Describe(op_on[device]), " are both on device ",
                                          device, ", but must be kept apart",
                                          WithReason(group.reason)));
          }
          op_on[device] = op;
        }
      }
    }
    return absl::OkStatus();
  }

  // Where the op's copies are, or a parameter's home.
  std::vector<DeviceId> DevicesOf(OpId op) const {
    if (const int parameter = graph_.parameter_index(op); parameter != kNone) {
      return {homes_[parameter]};
    }
    std::vector<DeviceId> devices;
    for (const KernelId k : kernels().kernels_of(op)) devices.push_back(plan_.device[k]);
    return devices;
  }

  absl::Status CheckRoutes() const {
    for (KernelId k = 0; k < kernels().size(); ++k) {
      for (const auto& input : KernelGraph::Row(dag_.inputs, dag_.input_begin, k)) {
        const OpId producer = graph_.producer(input.port);
        const DeviceId from = input.source == kNone ? homes_[graph_.parameter_index(producer)]
                                                    : plan_.device[input.source];
        const DeviceId to = plan_.device[k];
        if (from == to || problem_.machine().has_route(from, to)) continue;
        return KernelError(kernels(), k,
                           absl::StrCat("needs ", graph_.Describe(producer),
                                        ", and there is no route from device ", from, " to ", to));
      }
    }
    return absl::OkStatus();
  }

  const Problem& problem_;
  const Graph& graph_;
  const Plan& plan_;
  KernelGraph dag_;
  std::vector<DeviceId> homes_;
};

}  // namespace

absl::Status ValidatePlan(const Problem& problem, const Plan& plan) {
  return PlanChecker(problem, plan).Check();
}

}  // namespace gopt
