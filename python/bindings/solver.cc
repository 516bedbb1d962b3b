// gopt.Solver, gopt.Search and their registry.
#include "gopt/solve/solver.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/search_context.h"
#include "python/bindings/bindings.h"
#include "python/bindings/callbacks.h"
#include "python/bindings/errors.h"
#include "python/bindings/search.h"

namespace py = pybind11;

namespace gopt::python {

SearchContext& Search::context() {
  if (context_ == nullptr) {
    throw StatusError(absl::FailedPreconditionError("this search has ended: solve() returned"));
  }
  return *context_;
}

bool Search::exhausted() {
  SearchContext& context = this->context();
  py::gil_scoped_release release;
  return context.Exhausted();
}

CostReport Search::Evaluate(const Plan& plan, const EvaluateOptions& options) {
  SearchContext& context = this->context();
  if (exhausted()) {
    py::object type = py::module_::import("gopt.errors").attr("SearchExhausted");
    PyErr_SetString(type.ptr(), "the search's budget is spent");
    throw py::error_already_set();
  }
  py::gil_scoped_release release;
  ThrowIfError(ValidatePlan(context.problem(), plan));
  return context.Evaluate(plan, options);
}

namespace {

constexpr char kSolver[] =
    R"(Anything that turns a problem into a plan. Subclass it to bring your own.

A subclass defines solve(search): it proposes plans by search.evaluate(plan) until
search.exhausted(); the best of them is the solution. It may return one more plan. It is called from
a C++ thread.)";

std::shared_ptr<Solver> SolverFromSpec(const std::string& spec) {
  return Unconst(Unwrap(Solvers().Create(spec)));
}

void RegisterSolver(std::string name, py::object factory, std::string summary) {
  Handle handle(std::move(factory));
  auto make = [handle](const Spec& spec) -> absl::StatusOr<std::shared_ptr<const Solver>> {
    py::gil_scoped_acquire gil;
    try {
      return MakeFromSpec(handle, spec).cast<std::shared_ptr<Solver>>();
    } catch (const py::error_already_set& error) {
      return StatusFromPython(error);
    } catch (const py::cast_error&) {
      return absl::InvalidArgumentError(
          absl::StrCat("the factory of solver '", spec.name, "' made no gopt.Solver"));
    }
  };
  ThrowIfError(Solvers().Register({std::move(name), std::move(summary), std::move(make)}));
}

void BindSearch(py::module_& m) {
  py::classh<Search>(m, "Search", "What a solver written in Python works with, while solve() runs.")
      .def_property_readonly(
          "problem", [](Search& s) { return std::make_shared<Problem>(s.context().problem()); },
          "The Problem to solve.")
      .def(
          "evaluate",
          [](Search& s, const Plan& plan, std::optional<EvaluateOptions> options) {
            return s.Evaluate(plan, options.value_or(EvaluateOptions{}));
          },
          py::arg("plan"), py::arg("options") = py::none(),
          "Prices a plan and remembers it if it is the best. InvalidArgumentError for an illegal "
          "plan; SearchExhausted, which solve() may let through, when the budget is spent.")
      .def(
          "score", [](Search& s, const CostReport& report) { return s.context().Score(report); },
          py::arg("report"),
          "What to minimise: the objective, infeasible plans above every feasible one.")
      .def("exhausted", &Search::exhausted,
           "The budget is spent, the deadline is near or somebody cancelled.")
      .def_property_readonly(
          "best_plan",
          [](Search& s) {
            return s.context().has_best() ? std::optional<Plan>(s.context().best_plan())
                                          : std::nullopt;
          },
          "The best plan so far, or None.")
      .def_property_readonly("best_score",
                             [](Search& s) {
                               return s.context().has_best()
                                          ? std::optional<double>(s.context().best_score())
                                          : std::nullopt;
                             })
      .def_property_readonly("evaluations", [](Search& s) { return s.context().evaluations(); })
      .def_property_readonly(
          "remaining", [](Search& s) { return s.context().remaining(); },
          "Evaluations still allowed.")
      .def_property_readonly("seconds", [](Search& s) { return s.context().seconds(); })
      .def_property_readonly(
          "seconds_left", [](Search& s) { return s.context().seconds_left(); },
          "Until the deadline; infinite without one.")
      .def_property_readonly(
          "byte_limit",
          [](Search& s) -> std::optional<int64_t> {
            const Objective& objective = s.request().objective;
            if (objective.kind != Objective::Kind::kStepTimeUnderLimit) return std::nullopt;
            return objective.byte_limit;
          },
          "Bytes per device under the objective step_time_under_limit, else None.")
      .def_property_readonly("seed", [](Search& s) { return s.request().seed; })
      .def_property_readonly("start_plans", [](Search& s) { return s.request().start_plans; });
}

}  // namespace

void BindSolver(py::module_& m) {
  BindSearch(m);
  py::classh<Solver, PySolver>(m, "Solver", kSolver).def(py::init<>()).def("name", &Solver::name);
  m.def("solver_from_spec", &SolverFromSpec, py::arg("spec"),
        "\"heft\", \"anneal(evaluations=10000)\"; NotFoundError or InvalidArgumentError.");
  m.def("register_solver", &RegisterSolver, py::arg("name"), py::arg("factory"),
        py::arg("summary") = "",
        "factory(**arguments of the spec) -> Solver. InvalidArgumentError if the name is taken.");
  m.def(
      "solvers", [] { return Solvers().NamesAndSummaries(); }, "(name, summary) of each.");
}

}  // namespace gopt::python
