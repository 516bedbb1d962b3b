// gopt._gopt.Policy, and the solvers that it makes.
#include "gopt/rl/policy.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>
#include <torch/csrc/utils/pybind.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gopt/rl/policy_solver.h"
#include "gopt/rl/register.h"
#include "python/bindings/bindings.h"
#include "python/bindings/errors.h"

namespace py = pybind11;

namespace gopt::python {
namespace {

using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

std::shared_ptr<Policy> CreatePolicy(const TrainingConfig& config) {
  TrainingConfig checked = config;
  if (checked.problem.empty()) checked.problem = {{"any", "any", ""}};  // A policy needs none.
  ThrowIfError(CheckTrainingConfig(checked));
  return Policy::Create(config);
}

py::dict StateDict(const Policy& policy) {
  py::dict state;
  for (auto& [name, tensor] : policy.Tensors()) state[py::str(name)] = py::cast(tensor);
  return state;
}

void LoadStateDict(Policy& policy, const py::dict& state) {
  Tensors tensors;
  for (const auto& [name, tensor] : state) {
    tensors.emplace_back(py::str(name), tensor.cast<at::Tensor>());
  }
  py::gil_scoped_release release;
  ThrowIfError(policy.SetTensors(tensors));
}

void BindSolvers(py::module_& m) {
  m.def(
      "policy_solver",
      [](const std::shared_ptr<Policy>& policy, int64_t samples) {
        return Unconst(MakePolicySolver(policy, {.samples = samples}));
      },
      py::arg("policy"), py::kw_only(), py::arg("samples") = PolicySolverOptions().samples,
      "The classical plans, then plans that the policy draws.");
  m.def(
      "gopt_solver",
      [](const std::shared_ptr<Policy>& policy, int64_t samples, double policy_share,
         int64_t evaluations) {
        return Unconst(MakeGoptSolver(
            policy,
            {.samples = samples, .policy_share = policy_share, .evaluations = evaluations}));
      },
      py::arg("policy"), py::kw_only(), py::arg("samples") = GoptSolverOptions().samples,
      py::arg("policy_share") = GoptSolverOptions().policy_share,
      py::arg("evaluations") = GoptSolverOptions().evaluations,
      "The classical plans, the policy's, then annealing from the best.");
  m.def("register_all", &RegisterAll, "Makes the solvers \"policy\" and \"gopt\" known by name.");
}

}  // namespace

void BindPolicy(py::module_& m) {
  py::classh<Policy>(m, "Policy", "A network with all that is needed to use it.")
      .def_static("create", &CreatePolicy, py::arg("config"),
                  "Fresh weights. InvalidArgumentError for a configuration that breaks a rule.")
      .def_static(
          "load",
          [](const std::filesystem::path& path) { return Unwrap(Policy::Load(path.string())); },
          py::arg("path"), WithoutGil())
      .def(
          "save",
          [](const Policy& p, const std::filesystem::path& path) {
            ThrowIfError(p.Save(path.string()));
          },
          py::arg("path"), WithoutGil())
      .def_property_readonly("config", [](const Policy& p) { return TrainingConfig(p.config()); })
      .def_readwrite("model_card", &Policy::model_card)
      .def_readwrite("metadata", &Policy::metadata)
      .def_property_readonly("num_parameters",
                             [](const Policy& p) { return p.network()->num_parameters(); })
      .def("state_dict", &StateDict, "Copies of the weights, by name.")
      .def("load_state_dict", &LoadStateDict, py::arg("state"));
  BindSolvers(m);
}

}  // namespace gopt::python
