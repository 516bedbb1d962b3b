// Stored workloads and generated graphs.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <string>

#include "gopt/workloads/stored.h"
#include "gopt/workloads/synthetic.h"
#include "python/bindings/bindings.h"
#include "python/bindings/errors.h"

namespace py = pybind11;

namespace gopt::python {

void BindWorkloads(py::module_& m) {
  py::classh<StoredWorkload>(m, "StoredWorkload", "A captured training step that is installed.")
      .def_readonly("name", &StoredWorkload::name)
      .def_readonly("family", &StoredWorkload::family)
      .def_readonly("suite", &StoredWorkload::suite)
      .def_readonly("devices", &StoredWorkload::devices)
      .def_readonly("summary", &StoredWorkload::summary)
      .def_readonly("ops", &StoredWorkload::ops)
      .def_readonly("edges", &StoredWorkload::edges)
      .def_readonly("parameters", &StoredWorkload::parameters, "Numbers, not tensors.")
      .def_readonly("fingerprint", &StoredWorkload::fingerprint, "Of the graph.");
  m.def(
      "stored_workloads", [] { return Unwrap(StoredWorkloads()); }, WithoutGil(),
      "Rows of index.json in the order of the suite's table. NotFoundError names the folders that "
      "were looked at, InvalidArgumentError what is wrong with the file.");
  m.def(
      "stored_workloads_folder", [] { return Unwrap(StoredWorkloadsFolder()); }, WithoutGil(),
      "GOPT_WORKLOADS_DIR, else the folder that is installed. NotFoundError.");
  m.def(
      "load_workload",
      [](const std::string& name) { return Unconst(UnwrapGraph(LoadWorkload(name))); },
      py::arg("name"), WithoutGil(),
      "The stored graph of that name. NotFoundError lists the names.");
  m.def(
      "synthetic", [](const std::string& spec) { return Unwrap(SyntheticFromSpec(spec)); },
      py::arg("spec"), WithoutGil(),
      "A generated graph with its machine: \"layered(ops=5000,width=16,ccr=2,seed=3)\". "
      "NotFoundError lists the families, InvalidArgumentError names the option.");
  m.def(
      "synthetic_families", [] { return SyntheticFamilies(); }, "(name, summary) of each.");
}

}  // namespace gopt::python
