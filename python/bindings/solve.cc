// solve(): one solver, one problem, one budget, on a thread of its own so that Ctrl-C is heard.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/solve/solver.h"
#include "python/bindings/bindings.h"
#include "python/bindings/callbacks.h"
#include "python/bindings/errors.h"
#include "python/bindings/interruptible.h"

namespace py = pybind11;

namespace gopt::python {
namespace {

constexpr char kSolve[] = R"(Runs a solver; see gopt.optimize for the front door.

Args:
  evaluations: Plans that may be priced; None: no limit.
  seconds: Wall clock; None: no limit. Without either, the solver's own default holds.
  start_plans: Searches begin at the best of these and of their own starts.
  best_effort: Return the least bad plan when nothing fits in memory.
  objective: "step_time", "peak_bytes", or "step_time_under_limit" with byte_limit.
  progress: Called with a Progress a few times a second, from the solving thread.
  cancel: CancelToken that ends the search from another thread.

KeyboardInterrupt ends the search at its next evaluation; the best plan so far is returned with stop
"cancelled", or KeyboardInterrupt is raised if there is none.

Raises:
  ResourceExhaustedError: nothing fits in memory, with the bound that proves it where there is one.
  InvalidArgumentError: a bad request. A callback's own exception, as itself.)";

// gopt.Progress: a copy that may outlive the callback.
struct ProgressCopy {
  std::string solver;
  int64_t evaluations;
  double seconds;
  Nanoseconds best;
};

Objective MakeObjective(const std::string& name, int64_t byte_limit) {
  if (name == "step_time") return {Objective::Kind::kStepTime, 0};
  if (name == "peak_bytes") return {Objective::Kind::kPeakBytes, 0};
  if (name == "step_time_under_limit") return {Objective::Kind::kStepTimeUnderLimit, byte_limit};
  throw StatusError(absl::InvalidArgumentError(absl::StrCat(
      "no objective is named '", name, "'; known: step_time, peak_bytes, step_time_under_limit")));
}

// Says that some plans could not be priced, when others could.
void WarnAboutFailures(const CostBackend& backend, const CallbackErrors& errors) {
  const std::string text =
      absl::StrCat("cost backend '", backend.name(), "' failed on ", errors.count,
                   " plan(s); first: ", std::string(py::str(py::repr(errors.first))));
  if (PyErr_WarnEx(PyExc_RuntimeWarning, text.c_str(), 1) != 0) throw py::error_already_set();
}

Solution Finish(const InterruptibleRun<Solution>& run, const CostBackend& backend,
                absl::StatusOr<Solution> result) {
  const auto* python = dynamic_cast<const PyCostBackend*>(&backend);
  const CallbackErrors errors = python == nullptr ? CallbackErrors{} : python->TakeErrors();
  const py::object& exception = run.exception();
  if (exception && !(result.ok() && run.interrupted())) RaiseAgain(exception);
  if (!result.ok() && errors.first) RaiseAgain(errors.first);
  if (errors.first) WarnAboutFailures(backend, errors);
  return Unwrap(std::move(result));
}

Solution Solve(const std::shared_ptr<Solver>& solver, const std::shared_ptr<Problem>& problem,
               const std::shared_ptr<CostBackend>& backend, std::optional<int64_t> evaluations,
               std::optional<double> seconds, uint64_t seed, int threads,
               std::vector<Plan> start_plans, bool best_effort, const std::string& objective,
               int64_t byte_limit, const py::object& progress,
               std::shared_ptr<CancelToken> cancel) {
  if (cancel == nullptr) cancel = std::make_shared<CancelToken>();
  SolveRequest request;
  request.problem = problem.get();
  request.backend = backend.get();
  request.objective = MakeObjective(objective, byte_limit);
  if (seconds.has_value()) {
    // A century is as good as unlimited and cannot overflow the clock.
    request.budget = Budget::Seconds(std::min(*seconds, 3.2e9));
  }
  if (evaluations.has_value()) request.budget.evaluations = *evaluations;
  request.budget.cancel = cancel;
  request.seed = seed;
  request.threads = threads;
  request.start_plans = std::move(start_plans);
  request.best_effort = best_effort;

  InterruptibleRun<Solution> run(cancel, absl::StrCat("solver '", solver->name(), "'"));
  if (!progress.is_none()) {
    request.progress = [&run, &progress](const Progress& step) {
      py::gil_scoped_acquire gil;
      if (run.exception()) return;
      try {
        progress(ProgressCopy{std::string(step.solver), step.evaluations, step.seconds, step.best});
      } catch (const py::error_already_set& error) {
        run.Fail(error);
      }
    };
  }
  absl::StatusOr<Solution> result = run.Run([&] { return solver->Solve(request); });
  return Finish(run, *backend, std::move(result));
}

void BindProgress(py::module_& m) {
  py::classh<CancelToken>(m, "CancelToken", "Asks a search to stop; from any thread.")
      .def(py::init<>())
      .def("cancel", &CancelToken::Cancel)
      .def_property_readonly("cancelled", &CancelToken::cancelled);

  py::classh<ProgressCopy>(m, "Progress", "Where a search stands.")
      .def_readonly("solver", &ProgressCopy::solver)
      .def_readonly("evaluations", &ProgressCopy::evaluations)
      .def_readonly("seconds", &ProgressCopy::seconds)
      .def_readonly("best", &ProgressCopy::best, "Nanoseconds; 0: nothing feasible yet.");
}

void BindSolution(py::module_& m) {
  py::classh<CurvePoint>(m, "CurvePoint", "One improvement of a search.")
      .def_readonly("evaluations", &CurvePoint::evaluations)
      .def_readonly("seconds", &CurvePoint::seconds)
      .def_readonly("best", &CurvePoint::best, "Nanoseconds.")
      .def("__repr__", [](const CurvePoint& p) {
        return absl::StrCat("<", p.best, " ns after ", p.evaluations, " evaluations>");
      });

  py::classh<Solution>(m, "Solution", "The best plan of a search, and how it was found.")
      .def_readonly("plan", &Solution::plan)
      .def_readonly("report", &Solution::report, "CostReport of the plan, with its start order.")
      .def_readonly("solver", &Solution::solver, "Who found it; for portfolios the inner solver.")
      .def_readonly("bounds", &Solution::bounds)
      .def_readonly("curve", &Solution::curve, "CurvePoints, improvements in order.")
      .def_readonly("evaluations", &Solution::evaluations)
      .def_readonly("seconds", &Solution::seconds)
      .def_property_readonly(
          "stop", [](const Solution& s) { return std::string(ToString(s.stop)); },
          "completed, evaluations, deadline or cancelled.")
      .def_property_readonly(
          "step_time", [](const Solution& s) { return s.report.step_time; }, "Nanoseconds.")
      .def("__repr__", [](const Solution& s) {
        return absl::StrCat("<gopt.Solution by '", s.solver, "': ", s.report.step_time, " ns>");
      });
}

}  // namespace

void BindSolve(py::module_& m) {
  BindProgress(m);
  BindSolution(m);
  m.def("solve", &Solve, py::arg("solver"), py::arg("problem"), py::arg("backend"), py::kw_only(),
        py::arg("evaluations") = py::none(), py::arg("seconds") = py::none(), py::arg("seed") = 0,
        py::arg("threads") = 1, py::arg("start_plans") = py::tuple(),
        py::arg("best_effort") = false, py::arg("objective") = "step_time",
        py::arg("byte_limit") = 0, py::arg("progress") = py::none(), py::arg("cancel") = py::none(),
        kSolve);
}

}  // namespace gopt::python
