// gopt.CostBackend, gopt.Simulator, evaluators, op costs and bounds.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/cost/bounds.h"
#include "gopt/cost/cost_backend.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/cost/simulator.h"
#include "python/bindings/bindings.h"
#include "python/bindings/callbacks.h"
#include "python/bindings/errors.h"

namespace py = pybind11;

namespace gopt::python {
namespace {

constexpr char kCostBackend[] = R"(Prices plans. Subclass it to bring your own.

A subclass defines evaluate(problem, plan) -> nanoseconds of one step, or a CostReport; or, to
compile once and price many, bind(problem) -> an object with evaluate(plans, options) -> a list of
these. It is called from C++ threads, one evaluator per thread. An exception becomes a FAILED
report; a search goes on, and raises it only if it found nothing.)";

std::vector<CostReport> EvaluateMany(Evaluator& evaluator, const std::vector<Plan>& plans,
                                     std::optional<EvaluateOptions> options) {
  std::vector<CostReport> reports(plans.size());
  evaluator.Evaluate(plans, options.value_or(EvaluateOptions{}), reports);
  return reports;
}

// A failed callback of a single evaluation is raised as itself.
CostReport PriceOne(const std::shared_ptr<CostBackend>& backend, const Problem& problem,
                    const Plan& plan, std::optional<EvaluateOptions> options) {
  absl::StatusOr<CostReport> report;
  {
    py::gil_scoped_release release;
    report = Price(*backend, problem, plan, options.value_or(EvaluateOptions{}));
  }
  if (const auto* python = dynamic_cast<const PyCostBackend*>(backend.get())) {
    const CallbackErrors errors = python->TakeErrors();
    if (errors.first) {
      PyErr_SetObject(py::type::handle_of(errors.first).ptr(), errors.first.ptr());
      throw py::error_already_set();
    }
  }
  return Unwrap(std::move(report));
}

void CheckOps(const Problem& problem, const std::vector<OpId>& ops) {
  for (OpId op : ops) {
    if (op < 0 || op >= problem.graph().num_ops()) {
      throw py::index_error(absl::StrCat("op ", op, " does not exist"));
    }
  }
}

void CheckDevice(const Problem& problem, int64_t device) {
  if (device < 0 || device >= problem.machine().num_devices()) {
    throw py::index_error(absl::StrCat("device ", device, " does not exist"));
  }
}

// gopt.OpCosts: RooflineCostModel with every index checked.
class OpCosts {
 public:
  explicit OpCosts(const Problem& problem) : problem_(problem), model_(problem) {}

  Nanoseconds KernelTime(const std::vector<OpId>& ops, const std::vector<PortId>& outputs,
                         int64_t device) const {
    CheckOps(problem_, ops);
    CheckDevice(problem_, device);
    return model_.KernelTime(ops, outputs, static_cast<DeviceId>(device));
  }
  Nanoseconds TransferTime(int64_t bytes, int64_t from, int64_t to) const {
    CheckDevice(problem_, from);
    CheckDevice(problem_, to);
    return model_.TransferTime(bytes, static_cast<DeviceId>(from), static_cast<DeviceId>(to));
  }
  std::vector<Nanoseconds> OpTimes(int64_t device) const {
    CheckDevice(problem_, device);
    std::vector<Nanoseconds> times(problem_.graph().num_ops(), 0);
    for (OpId op : problem_.graph().kernel_ops()) {
      times[op] = model_.OpTime(op, static_cast<DeviceId>(device));
    }
    return times;
  }
  LowerBounds Bounds() const { return ComputeLowerBounds(problem_, model_); }

 private:
  const Problem problem_;
  const RooflineCostModel model_;
};

std::shared_ptr<CostBackend> BackendFromSpec(const std::string& spec) {
  return Unconst(Unwrap(CostBackends().Create(spec)));
}

void RegisterBackend(std::string name, py::object factory, std::string summary) {
  Handle handle(std::move(factory));
  auto make = [handle](const Spec& spec) -> absl::StatusOr<std::shared_ptr<const CostBackend>> {
    py::gil_scoped_acquire gil;
    try {
      return MakeFromSpec(handle, spec).cast<std::shared_ptr<CostBackend>>();
    } catch (const py::error_already_set& error) {
      return StatusFromPython(error);
    } catch (const py::cast_error&) {
      return absl::InvalidArgumentError(
          absl::StrCat("the factory of cost backend '", spec.name, "' made no gopt.CostBackend"));
    }
  };
  ThrowIfError(CostBackends().Register({std::move(name), std::move(summary), std::move(make)}));
}

// (count, first exception) since the last call; (0, None) of a backend that is not Python's.
py::tuple TakeErrors(const CostBackend& backend) {
  const auto* python = dynamic_cast<const PyCostBackend*>(&backend);
  const CallbackErrors errors = python == nullptr ? CallbackErrors{} : python->TakeErrors();
  return py::make_tuple(errors.count, errors.first ? errors.first : py::none());
}

void BindEvaluators(py::module_& m) {
  py::classh<EvaluateOptions>(m, "EvaluateOptions", "What a report shall hold besides its numbers.")
      .def(py::init([](bool start_order, bool timeline, bool critical_chain) {
             return EvaluateOptions{start_order, timeline, critical_chain};
           }),
           py::kw_only(), py::arg("start_order") = false, py::arg("timeline") = false,
           py::arg("critical_chain") = false)
      .def_readwrite("start_order", &EvaluateOptions::start_order)
      .def_readwrite("timeline", &EvaluateOptions::timeline)
      .def_readwrite("critical_chain", &EvaluateOptions::critical_chain);

  py::classh<Evaluator>(m, "Evaluator", "Prices plans for one problem; for one thread at a time.")
      .def("evaluate", &EvaluateMany, py::arg("plans"), py::arg("options") = py::none(),
           WithoutGil(),
           "A CostReport for each plan. Infeasible and failed are reports, not exceptions. Plans "
           "that share their kernels with the plan before are priced fastest.");

  py::classh<CostBackend, PyCostBackend>(m, "CostBackend", kCostBackend)
      .def(py::init<>())
      .def("name", &CostBackend::name)
      .def(
          "bind",
          [](const CostBackend& backend, const Problem& problem) {
            return Unwrap(backend.Bind(problem));
          },
          py::arg("problem"), WithoutGil(), "An Evaluator: compile once, price many.");

  py::classh<Simulator, CostBackend>(m, "Simulator",
                                     "Discrete-event simulation of one step, to the nanosecond.")
      .def(
          py::init([](bool contention, bool memory) {
            return Unconst(Unwrap(Simulator::Create({.contention = contention, .memory = memory})));
          }),
          py::kw_only(), py::arg("contention") = true, py::arg("memory") = true,
          "contention: channels carry one tensor at a time. memory: peaks are computed and limits "
          "enforced.");
}

}  // namespace

void BindCost(py::module_& m) {
  BindEvaluators(m);

  py::classh<OpCosts>(m, "OpCosts",
                      "What kernels and transfers cost one by one: measured times where the graph "
                      "has them, else the roofline.")
      .def(py::init<const Problem&>(), py::arg("problem"), WithoutGil())
      .def(
          "kernel_time", &OpCosts::KernelTime, py::arg("ops"), py::arg("outputs"),
          py::arg("device"),
          "Nanoseconds of a kernel of these ops (ascending); outputs: its ports that other kernels "
          "read, ascending.")
      .def("transfer_time", &OpCosts::TransferTime, py::arg("bytes"), py::arg("source"),
           py::arg("destination"), "Nanoseconds that the tensor occupies the route; 2**62: none.")
      .def("op_times", &OpCosts::OpTimes, py::arg("device"), WithoutGil(),
           "Nanoseconds per op on the device; 0 for ops that run nowhere.")
      .def("lower_bounds", &OpCosts::Bounds, WithoutGil());

  m.def(
      "lower_bounds", [](const Problem& problem) { return OpCosts(problem).Bounds(); },
      py::arg("problem"), WithoutGil(), "LowerBounds by gopt's own costs of ops.");
  m.def("price", &PriceOne, py::arg("backend"), py::arg("problem"), py::arg("plan"),
        py::arg("options") = py::none(), "CostReport of one plan.");
  m.def("_take_errors", &TakeErrors, py::arg("backend"));
  m.def("backend_from_spec", &BackendFromSpec, py::arg("spec"),
        "\"simulator(contention=false)\"; NotFoundError or InvalidArgumentError.");
  m.def("register_backend", &RegisterBackend, py::arg("name"), py::arg("factory"),
        py::arg("summary") = "",
        "factory(**arguments of the spec) -> CostBackend. InvalidArgumentError if the name is "
        "taken.");
  m.def(
      "backends", [] { return CostBackends().NamesAndSummaries(); }, "(name, summary) of each.");
}

}  // namespace gopt::python
