// gopt.PlacementSolver: legal placements by constraint propagation.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <utility>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/plan/placement_solver.h"
#include "python/bindings/bindings.h"
#include "python/bindings/errors.h"

namespace py = pybind11;

namespace gopt::python {
namespace {

using Probabilities = py::array_t<float, py::array::c_style | py::array::forcecast>;

py::tuple AsTuple(const Placement& placement) {
  return py::make_tuple(placement.device, placement.parameter_home);
}

std::shared_ptr<PlacementSolver> MakePlacementSolver(const Problem& problem,
                                                     std::shared_ptr<Kernels> kernels, bool memory,
                                                     int64_t max_steps) {
  std::shared_ptr<const Kernels> used = std::move(kernels);
  if (used == nullptr) used = problem.base_kernels();
  return std::make_shared<PlacementSolver>(Unwrap(PlacementSolver::Create(
      problem, std::move(used), {.memory = memory, .max_steps = max_steps})));
}

py::tuple Sample(const PlacementSolver& solver, const Probabilities& probabilities, uint64_t seed) {
  const std::span<const float> values(probabilities.data(),
                                      static_cast<size_t>(probabilities.size()));
  Random random(seed);
  absl::StatusOr<Placement> placement;
  {
    py::gil_scoped_release no_gil;
    placement = solver.Sample(values, &random);
  }
  return AsTuple(Unwrap(std::move(placement)));
}

py::tuple Fix(const PlacementSolver& solver, const std::vector<DeviceId>& devices,
              const std::vector<DeviceId>& homes) {
  absl::StatusOr<Placement> placement;
  {
    py::gil_scoped_release no_gil;
    placement = solver.Fix(devices, homes);
  }
  return AsTuple(Unwrap(std::move(placement)));
}

}  // namespace

void BindPlacement(py::module_& m) {
  py::classh<PlacementSolver>(
      m, "PlacementSolver",
      "Legal placements of one problem and its kernels by constraint propagation: pins, allowed "
      "devices, colocation, keep-apart, forward-only, no-skipped and triangle-free devices, "
      "missing "
      "routes, memory of parameters. Knows nothing of cost. Thread-safe.")
      .def(py::init(&MakePlacementSolver), py::arg("problem"), py::arg("kernels") = nullptr,
           py::kw_only(), py::arg("memory") = true, py::arg("max_steps") = 200'000, WithoutGil(),
           "kernels: None for the problem's base kernels. FailedPreconditionError names the "
           "smallest conflicting set of rules found; ResourceExhaustedError where search ended "
           "undecided.")
      .def("sample", &Sample, py::arg("probabilities"), py::arg("seed") = 0,
           "A legal placement drawn from probabilities [kernels, devices] restricted to what is "
           "still possible; uniform where all of that is masked. (devices, parameter homes).")
      .def("fix", &Fix, py::arg("devices"), py::arg("homes") = std::vector<DeviceId>(),
           "The legal placement near this one (-1: no wish), itself where it is legal: (devices, "
           "parameter homes). No kernel of the result can go back to its device alone.")
      .def(
          "is_legal",
          [](const PlacementSolver& solver, const std::vector<DeviceId>& devices,
             const std::vector<DeviceId>& homes) { return solver.IsLegal(devices, homes); },
          py::arg("devices"), py::arg("homes") = std::vector<DeviceId>(), WithoutGil(),
          "Whether fix would return it unchanged.")
      .def_property_readonly("num_units", &PlacementSolver::num_units,
                             "Kernels and parameters that move together count once.");
}

}  // namespace gopt::python
