// The module gopt._gopt: what needs LibTorch. Import torch and gopt._core before it.
#include <torch/csrc/utils/pybind.h>

#include "gopt/features/log_bytes.h"
#include "python/bindings/bindings.h"

static_assert(PYBIND11_VERSION_MAJOR == 3 && PYBIND11_INTERNALS_VERSION == 11,
              "build against the pybind11 that torch ships");

namespace py = pybind11;

PYBIND11_MODULE(_gopt, m) {
  m.doc() = "C++ part of gopt that needs LibTorch.";
  py::module_::import("gopt._core");  // Its types are named in signatures here.
  gopt::python::BindErrors(m);
  gopt::python::BindFeatures(m);
  gopt::python::BindPolicy(m);
  gopt::python::BindTraining(m);
  m.def(
      "log_bytes", [](const std::vector<int64_t>& bytes) { return gopt::LogBytes(bytes); },
      py::arg("bytes"), py::call_guard<py::gil_scoped_release>(),
      "log(1 + bytes) as a float32 tensor of the same length; 0 where bytes is negative.");
}
