// The factories of the solvers that make their plan in one go. Their methods are in the sources of
// the same names.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gopt/base/status_macros.h"
#include "gopt/solve/cpop.h"
#include "gopt/solve/etf.h"
#include "gopt/solve/expert.h"
#include "gopt/solve/expert_paper.h"
#include "gopt/solve/heft.h"
#include "gopt/solve/list_decoder.h"
#include "gopt/solve/metis.h"
#include "gopt/solve/peft.h"
#include "gopt/solve/round_robin.h"
#include "gopt/solve/task_graph.h"
#include "src/solve/admit.h"
#include "src/solve/builtin.h"
#include "src/solve/constructive.h"
#include "src/solve/orders.h"
#include "src/solve/priorities.h"
#include "src/solve/rank_sort.h"

namespace gopt {
namespace {

using Placement = absl::StatusOr<std::vector<DeviceId>>;

using ConstructPlan = std::function<absl::StatusOr<Plan>(const SolveRequest&, const TaskGraph&,
                                                         const PlacementOptions&)>;
using ConstructPlacement =
    std::function<Placement(const SolveRequest&, const TaskGraph&, const PlacementOptions&)>;

// A solver of one plan.
SolverOr Make(std::string name, ConstructPlan construct) {
  return std::make_shared<const ConstructiveSolver>(
      std::move(name),
      [construct = std::move(construct)](
          const SolveRequest& request, const TaskGraph& tasks,
          const PlacementOptions& options) -> absl::StatusOr<std::vector<Plan>> {
        GOPT_ASSIGN_OR_RETURN(Plan plan, construct(request, tasks, options));
        return std::vector<Plan>{std::move(plan)};
      });
}

constexpr char kBestOrder[] = "best";  // Each of PlacerOrders(), in turn.

// A solver that places. The caller has read its own keys of the spec; this reads `order`.
SolverOr MakePlacer(std::string name, SpecReader* reader, ConstructPlacement place) {
  std::string order = kBestOrder;
  reader->Read("order", &order);
  GOPT_RETURN_IF_ERROR(reader->Finish());
  std::vector<std::string> known = OrderNames();
  known.push_back(kBestOrder);
  GOPT_RETURN_IF_ERROR(CheckChoice(name, "order", order, known));
  return std::make_shared<const ConstructiveSolver>(
      std::move(name),
      [order, place = std::move(place)](
          const SolveRequest& request, const TaskGraph& tasks,
          const PlacementOptions& options) -> absl::StatusOr<std::vector<Plan>> {
        GOPT_ASSIGN_OR_RETURN(const std::vector<DeviceId> device, place(request, tasks, options));
        const std::vector<std::string> orders =
            order == kBestOrder ? PlacerOrders() : std::vector<std::string>{order};
        std::vector<Plan> plans;
        for (const std::string& each : orders) {
          GOPT_ASSIGN_OR_RETURN(Plan plan, PlanInOrder(tasks, device, each, request.seed));
          plans.push_back(std::move(plan));
        }
        return plans;
      });
}

// Tasks run as the scheduler meant them to.
Plan SequencePlan(const TaskGraph& tasks, TaskSchedule schedule) {
  Plan plan = tasks.MakePlan(std::move(schedule.device), RanksOfOrder(schedule.sequence), "");
  plan.dispatch = Dispatch::kSequence;
  plan.sequence = std::move(schedule.sequence);
  return plan;
}

Placement PlacementBy(const std::string& method, const SolveRequest& request,
                      const TaskGraph& tasks, const PlacementOptions& options) {
  if (method == "metis") return MetisPlacement(tasks, request.seed, options);
  if (method == "expert") return ExpertPlacement(tasks, options);
  if (method == "single") return AdmitOnFastestDevice(tasks, options);
  const std::vector<DeviceId> given = GivenPlacement(request, tasks);
  if (method == "given" && !given.empty()) return Admit(tasks, given, options);
  return ScheduleHeft(tasks, {}, options).device;
}

struct ListOptions {
  double stickiness = 0.0;  // Kappa of every edge.
  std::string priority = "upward_rank";
};

std::vector<double> Priorities(const TaskGraph& tasks, const std::string& name) {
  if (name == "bottom_level") return BottomLevels(tasks);
  if (name == "topological") return TopologicalPriorities(tasks);
  return UpwardRanks(tasks);
}

Plan ListPlan(const TaskGraph& tasks, const ListOptions& list, const PlacementOptions& options) {
  std::vector<float> stickiness;
  if (list.stickiness != 0.0) {
    stickiness.assign(tasks.kernel_graph().inputs.size(), static_cast<float>(list.stickiness));
  }
  Plan plan;
  ListDecoder(tasks, options).Decode(Priorities(tasks, list.priority), stickiness, &plan);
  return plan;
}

SolverOr BaechiFromSpec(const std::string& name, bool favourite_children, const Spec& spec) {
  EtfOptions etf = BaechiOptions(favourite_children);
  SpecReader reader(spec);
  reader.Read("contention", &etf.contention);
  return MakePlacer(
      name, &reader,
      [etf](const SolveRequest&, const TaskGraph& tasks, const PlacementOptions& options) {
        return ScheduleEtf(tasks, etf, options).device;
      });
}

}  // namespace

SolverOr HeftFromSpec(const Spec& spec) {
  HeftOptions heft;
  SpecReader reader(spec);
  reader.Read("insertion", &heft.insertion);
  reader.Read("contention", &heft.contention);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  return Make("heft",
              [heft](const SolveRequest&, const TaskGraph& tasks,
                     const PlacementOptions& options) -> absl::StatusOr<Plan> {
                return SequencePlan(tasks, ScheduleHeft(tasks, heft, options));
              });
}

SolverOr PeftFromSpec(const Spec& spec) {
  GOPT_RETURN_IF_ERROR(SpecReader(spec).Finish());
  return Make("peft",
              [](const SolveRequest&, const TaskGraph& tasks,
                 const PlacementOptions& options) -> absl::StatusOr<Plan> {
                return SequencePlan(tasks, SchedulePeft(tasks, options));
              });
}

SolverOr CpopFromSpec(const Spec& spec) {
  GOPT_RETURN_IF_ERROR(SpecReader(spec).Finish());
  return Make("cpop",
              [](const SolveRequest&, const TaskGraph& tasks,
                 const PlacementOptions& options) -> absl::StatusOr<Plan> {
                return SequencePlan(tasks, ScheduleCpop(tasks, options));
              });
}

SolverOr EtfFromSpec(const Spec& spec) {
  EtfOptions etf;
  SpecReader reader(spec);
  reader.Read("contention", &etf.contention);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  return Make("etf",
              [etf](const SolveRequest&, const TaskGraph& tasks,
                    const PlacementOptions& options) -> absl::StatusOr<Plan> {
                return SequencePlan(tasks, ScheduleEtf(tasks, etf, options));
              });
}

SolverOr MemoryEtfFromSpec(const Spec& spec) { return BaechiFromSpec("m_etf", false, spec); }
SolverOr MemorySctFromSpec(const Spec& spec) { return BaechiFromSpec("m_sct", true, spec); }

SolverOr ListFromSpec(const Spec& spec) {
  ListOptions list;
  SpecReader reader(spec);
  reader.Read("stickiness", &list.stickiness);
  reader.Read("priority", &list.priority);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  GOPT_RETURN_IF_ERROR(CheckChoice("list", "priority", list.priority,
                                   {"upward_rank", "bottom_level", "topological"}));
  return Make("list",
              [list](const SolveRequest&, const TaskGraph& tasks, const PlacementOptions& options)
                  -> absl::StatusOr<Plan> { return ListPlan(tasks, list, options); });
}

SolverOr ExpertFromSpec(const Spec& spec) {
  SpecReader reader(spec);
  return MakePlacer(
      "expert", &reader,
      [](const SolveRequest&, const TaskGraph& tasks, const PlacementOptions& options) {
        return ExpertPlacement(tasks, options);
      });
}

SolverOr ExpertPaperFromSpec(const Spec& spec) {
  std::string family = "auto";
  SpecReader reader(spec);
  reader.Read("family", &family);
  GOPT_RETURN_IF_ERROR(
      CheckChoice("expert_paper", "family", family, {"auto", "recurrent", "contiguous"}));
  const ExpertFamily chosen = family == "recurrent"    ? ExpertFamily::kRecurrent
                              : family == "contiguous" ? ExpertFamily::kContiguous
                                                       : ExpertFamily::kAuto;
  return MakePlacer(
      "expert_paper", &reader,
      [chosen](const SolveRequest&, const TaskGraph& tasks, const PlacementOptions& options) {
        return ExpertPaperPlacement(tasks, chosen, options);
      });
}

SolverOr RoundRobinFromSpec(const Spec& spec) {
  std::string unit = "ops";
  SpecReader reader(spec);
  reader.Read("unit", &unit);
  GOPT_RETURN_IF_ERROR(CheckChoice("round_robin", "unit", unit, {"ops", "scopes", "layers"}));
  const RoundRobinUnit chosen = unit == "scopes"   ? RoundRobinUnit::kScopes
                                : unit == "layers" ? RoundRobinUnit::kLayers
                                                   : RoundRobinUnit::kOps;
  return MakePlacer(
      "round_robin", &reader,
      [chosen](const SolveRequest&, const TaskGraph& tasks, const PlacementOptions& options) {
        return RoundRobinPlacement(tasks, chosen, options);
      });
}

SolverOr CriticalPathFromSpec(const Spec& spec) {
  std::string placement = "given";
  SpecReader reader(spec);
  reader.Read("placement", &placement);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  GOPT_RETURN_IF_ERROR(CheckChoice("critical_path", "placement", placement,
                                   {"given", "heft", "metis", "expert", "single"}));
  return Make("critical_path",
              [placement](const SolveRequest& request, const TaskGraph& tasks,
                          const PlacementOptions& options) -> absl::StatusOr<Plan> {
                GOPT_ASSIGN_OR_RETURN(const std::vector<DeviceId> device,
                                      PlacementBy(placement, request, tasks, options));
                return PlanInOrder(tasks, device, "critical_path", 0);
              });
}

#ifdef GOPT_WITH_METIS
SolverOr MetisFromSpec(const Spec& spec) {
  int64_t seed = -1;  // The request's.
  SpecReader reader(spec);
  reader.Read("seed", &seed);
  return MakePlacer(
      "metis", &reader,
      [seed](const SolveRequest& request, const TaskGraph& tasks, const PlacementOptions& options) {
        return MetisPlacement(tasks, seed >= 0 ? static_cast<uint64_t>(seed) : request.seed,
                              options);
      });
}
#endif

}  // namespace gopt
