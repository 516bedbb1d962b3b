// The module gopt._core: everything that works without LibTorch.
#include <pybind11/pybind11.h>

#include <string>

#include "gopt/base/version.h"
#include "python/bindings/bindings.h"

static_assert(PYBIND11_VERSION_MAJOR == 3 && PYBIND11_INTERNALS_VERSION == 11,
              "build against the pybind11 that torch ships");

namespace py = pybind11;

PYBIND11_MODULE(_core, m) {
  m.doc() = "C++ core of gopt, without LibTorch.";
  m.def(
      "version", [] { return std::string(gopt::Version()); }, "Version of the C++ library.");
  gopt::python::BindErrors(m);
  gopt::python::BindGraph(m);
  gopt::python::BindGraphBuilder(m);
  gopt::python::BindGraphFiles(m);
  gopt::python::BindMachine(m);
  gopt::python::BindConstraints(m);
  gopt::python::BindPlan(m);
  gopt::python::BindPlacement(m);
  gopt::python::BindCostReport(m);
  gopt::python::BindCost(m);
  gopt::python::BindSolver(m);
  gopt::python::BindSolve(m);
  gopt::python::BindIo(m);
  gopt::python::BindWorkloads(m);
  gopt::python::BindTrainingConfig(m);
  gopt::python::BindBundle(m);

  // Users meet these as gopt.Graph; pickles and messages name them so.
  for (auto item : m.attr("__dict__").cast<py::dict>()) {
    if (py::isinstance<py::type>(item.second)) item.second.attr("__module__") = "gopt";
  }
}
