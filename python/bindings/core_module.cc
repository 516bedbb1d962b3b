// The module gopt._core: everything that works without LibTorch.
#include <pybind11/pybind11.h>

#include <string>

#include "gopt/base/version.h"

static_assert(PYBIND11_VERSION_MAJOR == 3 && PYBIND11_INTERNALS_VERSION == 11,
              "build against the pybind11 that torch ships");

PYBIND11_MODULE(_core, m) {
  m.doc() = "C++ core of gopt, without LibTorch.";
  m.def(
      "version", [] { return std::string(gopt::Version()); }, "Version of the C++ library.");
}
