#include "python/bindings/callbacks.h"

#include <pybind11/stl.h>

#include <cmath>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gopt/solve/search_context.h"
#include "python/bindings/errors.h"
#include "python/bindings/search.h"

namespace py = pybind11;

namespace gopt::python {
namespace {

std::string TypeName(const py::handle& object) {
  return py::str(py::type::handle_of(object).attr("__name__"));
}

CostReport Failed(std::string reason) {
  CostReport report;
  report.outcome = Outcome::kFailed;
  report.reason = std::move(reason);
  return report;
}

// A CostReport as it is, or a number of nanoseconds.
CostReport ReportFromPython(const py::object& value) {
  if (py::isinstance<CostReport>(value)) return value.cast<CostReport>();
  if (!PyNumber_Check(value.ptr())) {
    return Failed(absl::StrCat("the backend answered with ", TypeName(value),
                               ", not with nanoseconds or a CostReport"));
  }
  const double nanoseconds = py::float_(value).cast<double>();
  if (!std::isfinite(nanoseconds) || nanoseconds < 0) {
    return Failed(absl::StrCat("the backend answered with ", nanoseconds, " ns"));
  }
  CostReport report;
  report.outcome = Outcome::kOk;
  report.step_time = SaturatingCeil(nanoseconds);
  return report;
}

// Calls one of: bound.evaluate(plans, options), or backend.evaluate(problem, plan) for each plan.
class PyEvaluator final : public Evaluator {
 public:
  PyEvaluator(Handle backend, Handle bound, Handle problem, std::shared_ptr<CallbackErrors> errors)
      : backend_(std::move(backend)),
        bound_(std::move(bound)),
        problem_(std::move(problem)),
        errors_(std::move(errors)) {}

  void Evaluate(std::span<const Plan> plans, const EvaluateOptions& options,
                std::span<CostReport> reports) override {
    py::gil_scoped_acquire gil;
    if (bound_) {
      EvaluateBatch(plans, options, reports);
      return;
    }
    for (size_t i = 0; i < plans.size(); ++i) reports[i] = EvaluateOne(plans[i]);
  }

 private:
  CostReport Record(const py::error_already_set& error) {
    if (errors_->count++ == 0) errors_->first = error.value();
    return Failed(Describe(error));
  }

  CostReport EvaluateOne(const Plan& plan) {
    try {
      return ReportFromPython(backend_.get().attr("evaluate")(problem_.get(), Plan(plan)));
    } catch (const py::error_already_set& error) {
      return Record(error);
    } catch (const std::exception& error) {
      return Failed(error.what());
    }
  }

  void EvaluateBatch(std::span<const Plan> plans, const EvaluateOptions& options,
                     std::span<CostReport> reports) {
    CostReport failure;
    try {
      py::list batch;
      for (const Plan& plan : plans) batch.append(py::cast(Plan(plan)));
      py::list answers(bound_.get().attr("evaluate")(batch, EvaluateOptions(options)));
      if (answers.size() == plans.size()) {
        for (size_t i = 0; i < plans.size(); ++i) reports[i] = ReportFromPython(answers[i]);
        return;
      }
      failure = Failed(absl::StrCat("the evaluator answered with ", answers.size(), " reports for ",
                                    plans.size(), " plans"));
    } catch (const py::error_already_set& error) {
      failure = Record(error);
    } catch (const std::exception& error) {
      failure = Failed(error.what());
    }
    for (CostReport& report : reports) report = failure;
  }

  const Handle backend_, bound_, problem_;
  const std::shared_ptr<CallbackErrors> errors_;
};

// name() of a subclass: its override, else the class's name.
template <typename T>
std::string NameOf(const T* self) {
  py::gil_scoped_acquire gil;
  try {
    if (py::function name = py::get_override(self, "name")) return py::str(name());
    return TypeName(py::cast(self, py::return_value_policy::reference));
  } catch (const py::error_already_set& error) {
    return absl::StrCat("<", Describe(error), ">");
  }
}

// Words become bool, int, float or None where they read so, else stay text.
py::object ValueFromText(const std::string& text) {
  int64_t integer = 0;
  double real = 0.0;
  if (text == "true" || text == "false") return py::bool_(text == "true");
  if (absl::SimpleAtoi(text, &integer)) return py::int_(integer);
  if (absl::SimpleAtod(text, &real)) return py::float_(real);
  return py::str(text);
}

}  // namespace

std::string PyCostBackend::name() const { return NameOf<CostBackend>(this); }

absl::StatusOr<std::unique_ptr<Evaluator>> PyCostBackend::Bind(const Problem& problem) const {
  py::gil_scoped_acquire gil;
  try {
    const CostBackend* self = this;
    Handle backend(py::cast(self, py::return_value_policy::reference));
    Handle copy(py::cast(std::make_shared<Problem>(problem)));
    Handle bound;
    if (py::function bind = py::get_override(self, "bind")) {
      bound = Handle(bind(copy.get()));
    } else if (!py::get_override(self, "evaluate")) {
      return absl::UnimplementedError(absl::StrCat(
          TypeName(backend.get()), " defines neither evaluate(problem, plan) nor bind(problem)"));
    }
    return std::make_unique<PyEvaluator>(std::move(backend), std::move(bound), std::move(copy),
                                         errors_);
  } catch (const py::error_already_set& error) {
    return StatusFromPython(error);
  }
}

CallbackErrors PyCostBackend::TakeErrors() const { return std::exchange(*errors_, {}); }

std::string PySolver::name() const { return NameOf<Solver>(this); }

absl::StatusOr<Solution> PySolver::Solve(const SolveRequest& request) const {
  absl::StatusOr<std::unique_ptr<SearchContext>> context = SearchContext::Create(request, name());
  if (!context.ok()) return context.status();
  {
    py::gil_scoped_acquire gil;
    try {
      py::function solve = py::get_override(static_cast<const Solver*>(this), "solve");
      if (!solve)
        return absl::UnimplementedError(absl::StrCat(name(), " defines no solve(search)"));
      auto search = std::make_shared<Search>(context->get());
      const SearchLease lease(*search);
      py::object answer = solve(search);
      if (py::isinstance<Plan>(answer) && !search->exhausted()) {
        search->Evaluate(answer.cast<Plan>(), {});
      }
    } catch (py::error_already_set& error) {
      if (!error.matches(py::module_::import("gopt.errors").attr("SearchExhausted"))) {
        return StatusFromPython(error);
      }
    } catch (const StatusError& error) {
      return error.status();
    }
  }
  return (*context)->Finish();
}

py::object MakeFromSpec(const Handle& factory, const Spec& spec) {
  py::dict arguments;
  for (const auto& [key, value] : spec.arguments) {
    arguments[py::str(key)] = ValueFromText(value);
  }
  return factory.get()(**arguments);
}

}  // namespace gopt::python
