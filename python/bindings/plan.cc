// gopt.Problem, gopt.Kernels and gopt.Plan.
#include "gopt/plan/plan.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/plan/clone_rules.h"
#include "gopt/plan/fusion_rules.h"
#include "gopt/plan/kernels.h"
#include "gopt/plan/problem.h"
#include "gopt/plan/validate.h"
#include "python/bindings/bindings.h"
#include "python/bindings/errors.h"
#include "python/bindings/names.h"

namespace py = pybind11;

namespace gopt::python {
namespace {

using GraphPtr = std::shared_ptr<Graph>;
using KernelsPtr = std::shared_ptr<Kernels>;

std::shared_ptr<Problem> MakeProblem(const GraphPtr& graph, const Machine& machine,
                                     const Constraints* constraints, bool fusion, bool placement,
                                     bool scheduling, std::optional<FusionLimits> fusion_limits,
                                     const Plan* base_plan) {
  ProblemOptions options;
  if (constraints != nullptr) options.constraints = *constraints;
  options.tasks = {.fusion = fusion, .placement = placement, .scheduling = scheduling};
  if (fusion_limits.has_value()) options.fusion_limits = *fusion_limits;
  if (base_plan != nullptr) options.base_plan = std::make_shared<const Plan>(*base_plan);
  py::gil_scoped_release release;
  return std::make_shared<Problem>(Unwrap(Problem::Create(graph, machine, std::move(options))));
}

KernelsPtr MakeKernels(const GraphPtr& graph, const std::vector<std::vector<OpId>>& groups,
                       std::vector<bool> recompute, std::vector<OpId> recomputed_ops) {
  Kernels::Columns columns;
  columns.begin.push_back(0);
  for (const std::vector<OpId>& group : groups) {
    columns.ops.insert(columns.ops.end(), group.begin(), group.end());
    columns.begin.push_back(static_cast<int32_t>(columns.ops.size()));
  }
  columns.recompute.assign(recompute.begin(), recompute.end());
  columns.recomputed_ops = std::move(recomputed_ops);
  py::gil_scoped_release release;
  return Unconst(Unwrap(Kernels::Create(graph, std::move(columns))));
}

KernelId CheckedKernel(const Kernels& kernels, int64_t kernel) {
  if (kernel < 0 || kernel >= kernels.size()) {
    throw py::index_error(absl::StrCat("kernel ", kernel, " is not in 0 .. ", kernels.size() - 1));
  }
  return static_cast<KernelId>(kernel);
}

OpId CheckedOp(const Graph& graph, int64_t op) {
  if (op < 0 || op >= graph.num_ops()) {
    throw py::index_error(absl::StrCat("op ", op, " is not in 0 .. ", graph.num_ops() - 1));
  }
  return static_cast<OpId>(op);
}

// A plan always has kernels, and one device and rank for each: set here, so that reading a plan
// never goes out of range. Whether it is legal is Problem.validate's question.
void SetDevices(Plan& plan, std::vector<DeviceId> device) {
  if (static_cast<int>(device.size()) != plan.kernels->size()) {
    throw StatusError(absl::InvalidArgumentError(absl::StrCat(
        "plan: device has ", device.size(), " entries for ", plan.kernels->size(), " kernels")));
  }
  plan.device = std::move(device);
}

void SetRanks(Plan& plan, std::vector<int32_t> rank) {
  if (static_cast<int>(rank.size()) != plan.kernels->size()) {
    throw StatusError(absl::InvalidArgumentError(absl::StrCat(
        "plan: rank has ", rank.size(), " entries for ", plan.kernels->size(), " kernels")));
  }
  plan.rank = std::move(rank);
}

void SetHomes(Plan& plan, std::vector<DeviceId> homes) {
  const size_t parameters = plan.kernels->graph().parameters().size();
  if (!homes.empty() && homes.size() != parameters) {
    throw StatusError(absl::InvalidArgumentError(absl::StrCat(
        "plan: parameter_home has ", homes.size(), " entries for ", parameters, " parameters")));
  }
  plan.parameter_home = std::move(homes);
}

Plan MakePlan(const KernelsPtr& kernels, std::optional<std::vector<DeviceId>> device,
              std::optional<std::vector<int32_t>> rank, std::vector<DeviceId> parameter_home,
              std::string_view dispatch, std::vector<KernelId> sequence, std::string producer,
              std::map<std::string, std::string> metadata) {
  Plan plan;
  plan.kernels = kernels;
  if (!device.has_value()) device.emplace(kernels->size(), 0);
  if (!rank.has_value()) {
    rank.emplace();
    for (int32_t k = 0; k < kernels->size(); ++k) rank->push_back(k);
  }
  SetDevices(plan, *std::move(device));
  SetRanks(plan, *std::move(rank));
  SetHomes(plan, std::move(parameter_home));
  plan.dispatch = DispatchFromName(dispatch);
  plan.sequence = std::move(sequence);
  plan.producer = std::move(producer);
  plan.metadata = std::move(metadata);
  return plan;
}

std::string FusionError(const Graph& graph, std::vector<OpId> ops,
                        std::optional<FusionLimits> limits) {
  for (const OpId op : ops) CheckedOp(graph, op);
  std::sort(ops.begin(), ops.end());
  ops.erase(std::unique(ops.begin(), ops.end()), ops.end());
  return std::string(CheckFusible(graph, ops, limits.value_or(FusionLimits{})).message());
}

// Device of the lowest kernel of each op, -1 for ops that run nowhere; a parameter's is its home.
std::vector<DeviceId> OpDevices(const Plan& plan) {
  const Graph& graph = plan.kernels->graph();
  const std::vector<DeviceId> homes = ParameterHomes(graph, plan);
  std::vector<DeviceId> devices(graph.num_ops(), kNone);
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    const KernelId kernel = plan.kernels->kernel_of(op);
    if (kernel != kNone) devices[op] = plan.device[kernel];
  }
  for (size_t i = 0; i < homes.size(); ++i) devices[graph.parameters()[i]] = homes[i];
  return devices;
}

py::tuple PickleKernels(const Kernels& kernels) {
  const Kernels::Columns& columns = kernels.columns();
  return py::make_tuple(Unconst(kernels.shared_graph()), columns.begin, columns.ops,
                        columns.recompute, columns.recomputed_ops);
}

KernelsPtr UnpickleKernels(const py::tuple& state) {
  return Unconst(Unwrap(Kernels::Create(
      state[0].cast<GraphPtr>(),
      {state[1].cast<std::vector<int32_t>>(), state[2].cast<std::vector<OpId>>(),
       state[3].cast<std::vector<uint8_t>>(), state[4].cast<std::vector<OpId>>()})));
}

py::tuple PicklePlan(const Plan& plan) {
  return py::make_tuple(Unconst(plan.kernels), plan.device, plan.rank, plan.parameter_home,
                        std::string(ToString(plan.dispatch)), plan.sequence, plan.producer,
                        plan.metadata);
}

Plan UnpicklePlan(const py::tuple& state) {
  return MakePlan(state[0].cast<KernelsPtr>(), state[1].cast<std::vector<DeviceId>>(),
                  state[2].cast<std::vector<int32_t>>(), state[3].cast<std::vector<DeviceId>>(),
                  state[4].cast<std::string>(), state[5].cast<std::vector<KernelId>>(),
                  state[6].cast<std::string>(),
                  state[7].cast<std::map<std::string, std::string>>());
}

bool SameKernels(const Kernels& a, const Kernels& b) {
  const Kernels::Columns &x = a.columns(), &y = b.columns();
  return &a == &b ||
         (a.graph().fingerprint() == b.graph().fingerprint() && x.begin == y.begin &&
          x.ops == y.ops && x.recompute == y.recompute && x.recomputed_ops == y.recomputed_ops);
}

bool SamePlan(const Plan& a, const Plan& b) {
  return SameKernels(*a.kernels, *b.kernels) && a.device == b.device && a.rank == b.rank &&
         a.parameter_home == b.parameter_home && a.dispatch == b.dispatch &&
         a.sequence == b.sequence;
}

void BindProblem(py::module_& m) {
  py::classh<FusionLimits>(m, "FusionLimits", "Caps of one fused kernel.")
      .def(py::init([](int max_ops, int max_operands, int64_t on_chip_bytes) {
             return FusionLimits{max_ops, max_operands, on_chip_bytes};
           }),
           py::kw_only(), py::arg("max_ops") = FusionLimits{}.max_ops,
           py::arg("max_operands") = FusionLimits{}.max_operands,
           py::arg("on_chip_bytes") = FusionLimits{}.on_chip_bytes)
      .def_readonly("max_ops", &FusionLimits::max_ops)
      .def_readonly("max_operands", &FusionLimits::max_operands)
      .def_readonly("on_chip_bytes", &FusionLimits::on_chip_bytes);

  m.def(
      "fusion_error", &FusionError, py::arg("graph"), py::arg("ops"),
      py::arg("limits") = py::none(),
      "Why these ops may not be one kernel, naming an op and the rule; \"\" if they may. Convexity "
      "and devices are not looked at; Problem.validate does that for a whole plan.");

  m.def(
      "clone_error",
      [](const Graph& graph, OpId op) {
        CheckedOp(graph, op);
        return std::string(WhyItRunsOnce(graph, op));
      },
      py::arg("graph"), py::arg("op"),
      "Why the op may not be in several kernels, nor run again; \"\" if it may. Graphs do not say "
      "which ops draw random numbers: any whose type names a random source is taken to.");

  py::classh<Problem>(m, "Problem",
                      "One graph, one machine, what is open and what must be obeyed. Immutable.")
      .def(py::init(&MakeProblem), py::arg("graph"), py::arg("machine"),
           py::arg("constraints") = py::none(), py::kw_only(), py::arg("fusion") = false,
           py::arg("placement") = true, py::arg("scheduling") = true,
           py::arg("fusion_limits") = py::none(), py::arg("base_plan") = py::none(),
           "fusion, placement, scheduling: which decisions are open; the others are taken from "
           "base_plan. InvalidArgumentError for constraints that name what does not exist, "
           "FailedPreconditionError with the conflicting set for contradictory ones.")
      .def_property_readonly("graph", [](const Problem& p) { return Unconst(p.shared_graph()); })
      .def_property_readonly("machine", [](const Problem& p) { return p.machine(); })
      .def_property_readonly("constraints", [](const Problem& p) { return p.constraints(); })
      .def_property_readonly("fusion", [](const Problem& p) { return p.tasks().fusion; })
      .def_property_readonly("placement", [](const Problem& p) { return p.tasks().placement; })
      .def_property_readonly("scheduling", [](const Problem& p) { return p.tasks().scheduling; })
      .def_property_readonly("fusion_limits", [](const Problem& p) { return p.fusion_limits(); })
      .def_property_readonly("base_kernels",
                             [](const Problem& p) { return Unconst(p.base_kernels()); })
      .def_property_readonly(
          "base_plan",
          [](const Problem& p) {
            return p.base_plan() == nullptr ? std::nullopt : std::optional<Plan>(*p.base_plan());
          })
      .def(
          "memory_limit",
          [](const Problem& p, int64_t device) {
            if (device < 0 || device >= p.machine().num_devices()) {
              throw py::index_error(absl::StrCat("device ", device, " is not in 0 .. ",
                                                 p.machine().num_devices() - 1));
            }
            return p.memory_limit(static_cast<DeviceId>(device));
          },
          py::arg("device"), "Bytes: the machine's, lowered by constraints.")
      .def_property_readonly(
          "colocation_group",
          [](const Problem& p) {
            return std::vector<int32_t>(p.colocation_group().begin(), p.colocation_group().end());
          },
          "Group id per op, -1 for ops in no group; ops of a group share a device.")
      .def(
          "allowed_devices",
          [](const Problem& p, int64_t op) {
            auto devices = p.allowed_devices(CheckedOp(p.graph(), op));
            return std::vector<DeviceId>(devices.begin(), devices.end());
          },
          py::arg("op"), "Devices that the op may use, ascending; never empty.")
      .def(
          "validate",
          [](const Problem& p, const Plan& plan) { ThrowIfError(ValidatePlan(p, plan)); },
          py::arg("plan"), WithoutGil(),
          "InvalidArgumentError names the kernel, its first op and the rule that an illegal plan "
          "breaks. Memory is not legality: the cost backend reports it.")
      .def("__repr__", [](const Problem& p) {
        return absl::StrCat("<gopt.Problem '", p.graph().name(), "' on '", p.machine().name(),
                            "'>");
      });
}

void BindKernels(py::module_& m) {
  py::classh<Kernels>(m, "Kernels",
                      "Which ops run together: a sequence of op id lists. Immutable; plans that "
                      "share one are priced fastest.")
      .def(py::init(&MakeKernels), py::arg("graph"), py::arg("groups"), py::kw_only(),
           py::arg("recompute") = py::tuple(), py::arg("recomputed_ops") = py::tuple(),
           "groups: op ids of each kernel, ascending; every op that runs in at least one. "
           "recompute: empty, or a bool per kernel: runs in the backward pass. "
           "InvalidArgumentError.")
      .def_static(
          "singletons", [](const GraphPtr& graph) { return Unconst(Kernels::Singletons(graph)); },
          py::arg("graph"), WithoutGil(), "One kernel per op, in op order.")
      .def_property_readonly("graph", [](const Kernels& k) { return Unconst(k.shared_graph()); })
      .def("__len__", &Kernels::size)
      .def(
          "__getitem__",
          [](const Kernels& k, int64_t kernel) {
            auto ops = k.ops(CheckedKernel(k, kernel));
            return std::vector<OpId>(ops.begin(), ops.end());
          },
          py::arg("kernel"))
      .def("__iter__",
           [](const py::object& self) {
             return py::reinterpret_steal<py::object>(PySeqIter_New(self.ptr()));
           })
      .def(
          "kernel_of",
          [](const Kernels& k, int64_t op) { return k.kernel_of(CheckedOp(k.graph(), op)); },
          py::arg("op"), "The lowest kernel that holds the op, -1 for ops that run nowhere.")
      .def(
          "kernels_of",
          [](const Kernels& k, int64_t op) {
            auto kernels = k.kernels_of(CheckedOp(k.graph(), op));
            return std::vector<KernelId>(kernels.begin(), kernels.end());
          },
          py::arg("op"), "All kernels that hold the op, ascending.")
      .def_property_readonly("has_clones", &Kernels::has_clones)
      .def_property_readonly("copies_depend_on_device", &Kernels::copies_depend_on_device,
                             "Whether who reads which copy of a cloned op depends on the devices.")
      .def_property_readonly("recomputed_ops",
                             [](const Kernels& k) { return k.columns().recomputed_ops; })
      .def(py::pickle(&PickleKernels, &UnpickleKernels))
      .def("__repr__",
           [](const Kernels& k) { return absl::StrCat("<gopt.Kernels: ", k.size(), ">"); });
}

void BindPlanClass(py::module_& m) {
  py::classh<Plan>(m, "Plan",
                   "What a compiler applies: kernels, a device and a rank for each, homes of "
                   "parameters, a dispatch rule. Lists are copied on reading; assign whole lists.")
      .def(py::init(&MakePlan), py::arg("kernels"), py::kw_only(), py::arg("device") = py::none(),
           py::arg("rank") = py::none(), py::arg("parameter_home") = py::tuple(),
           py::arg("dispatch") = "PRIORITY", py::arg("sequence") = py::tuple(),
           py::arg("producer") = "", py::arg("metadata") = py::dict(),
           "device: id per kernel, default 0. rank: int per kernel, lower first, default kernel "
           "id. parameter_home: device per Graph.parameters, -1 for the default rule, or empty. "
           "dispatch: PRIORITY, FIFO or SEQUENCE (then `sequence` is all kernels in start order).")
      .def_property_readonly("kernels", [](const Plan& p) { return Unconst(p.kernels); })
      .def_property_readonly("graph",
                             [](const Plan& p) { return Unconst(p.kernels->shared_graph()); })
      .def_property(
          "device", [](const Plan& p) { return p.device; }, &SetDevices, "Device id per kernel.")
      .def_property(
          "rank", [](const Plan& p) { return p.rank; }, &SetRanks, "Rank per kernel, lower first.")
      .def_property(
          "parameter_home", [](const Plan& p) { return p.parameter_home; }, &SetHomes,
          "Device id per Graph.parameters, -1 for the default rule; empty: all by the default.")
      .def_property(
          "dispatch", [](const Plan& p) { return std::string(ToString(p.dispatch)); },
          [](Plan& p, std::string_view name) { p.dispatch = DispatchFromName(name); })
      .def_property(
          "sequence", [](const Plan& p) { return p.sequence; },
          [](Plan& p, std::vector<KernelId> sequence) { p.sequence = std::move(sequence); })
      .def_readwrite("producer", &Plan::producer, "Who made it: \"heft\".")
      .def_readwrite("metadata", &Plan::metadata)
      .def_property_readonly("op_devices", &OpDevices,
                             "Device id per op; a parameter's home; -1 for ops that run nowhere.")
      .def_property_readonly(
          "homes", [](const Plan& p) { return ParameterHomes(p.kernels->graph(), p); },
          "Home of each parameter, by parameter_home and the default rule.")
      .def(
          "copy", [](const Plan& p) { return p; }, "A copy that shares the kernels.")
      .def("__copy__", [](const Plan& p) { return p; })
      .def(
          "__deepcopy__", [](const Plan& p, const py::dict&) { return p; }, py::arg("memo"))
      .def(py::pickle(&PicklePlan, &UnpicklePlan))
      .def("__eq__", &SamePlan, py::is_operator(), py::arg("other"),
           "Whether the same is applied; who made it and metadata are not looked at.")
      .def("__repr__", [](const Plan& p) {
        return absl::StrCat("<gopt.Plan by '", p.producer, "': ", p.kernels->size(), " kernels, ",
                            std::string(ToString(p.dispatch)), ">");
      });
}

}  // namespace

void BindPlan(py::module_& m) {
  BindKernels(m);
  BindPlanClass(m);
  BindProblem(m);
}

}  // namespace gopt::python
