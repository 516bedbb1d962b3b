#ifndef GOPT_PYTHON_BINDINGS_CALLBACKS_H_
#define GOPT_PYTHON_BINDINGS_CALLBACKS_H_

#include <pybind11/pybind11.h>
#include <pybind11/trampoline_self_life_support.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "gopt/base/spec.h"
#include "gopt/cost/cost_backend.h"
#include "gopt/solve/solver.h"
#include "python/bindings/bindings.h"

namespace gopt::python {

// What went wrong in a Python backend's callbacks: each became a FAILED report. Needs the GIL.
struct CallbackErrors {
  int64_t count = 0;
  pybind11::object first;  // The exception.
};

// gopt.CostBackend subclassed in Python. C++ threads call it without the GIL; it lives as long as
// either half is held.
class PyCostBackend : public CostBackend, public pybind11::trampoline_self_life_support {
 public:
  std::string name() const override;
  // The subclass's bind(problem) if it has one, else evaluate(problem, plan) for each plan.
  absl::StatusOr<std::unique_ptr<Evaluator>> Bind(const Problem& problem) const override;

  // Errors since the last call. Needs the GIL.
  CallbackErrors TakeErrors() const;

 private:
  std::shared_ptr<CallbackErrors> errors_ = std::make_shared<CallbackErrors>();
};

// gopt.Solver subclassed in Python.
class PySolver : public Solver, public pybind11::trampoline_self_life_support {
 public:
  std::string name() const override;
  // Calls solve(search). An exception comes back as a Status that raises it again.
  absl::StatusOr<Solution> Solve(const SolveRequest& request) const override;
};

// factory(**arguments of the spec), for the registries. Needs the GIL.
pybind11::object MakeFromSpec(const Handle& factory, const Spec& spec);

}  // namespace gopt::python

#endif  // GOPT_PYTHON_BINDINGS_CALLBACKS_H_
