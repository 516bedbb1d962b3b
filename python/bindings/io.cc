// Files of plans, importers and exporters.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "gopt/io/exporter.h"
#include "gopt/io/importer.h"
#include "gopt/io/plan_file.h"
#include "python/bindings/bindings.h"
#include "python/bindings/errors.h"

namespace py = pybind11;

namespace gopt::python {
namespace {

PlanFile MakePlanFile(const Plan& plan, const Machine* machine, const CostReport* expected,
                      Nanoseconds lower_bound) {
  PlanFile file;
  file.plan = plan;
  file.graph_fingerprint = plan.kernels->graph().fingerprint();
  if (machine != nullptr) file.machine = *machine;
  if (expected != nullptr) file.expected = *expected;
  file.lower_bound = lower_bound;
  return file;
}

py::bytes Export(const std::string& format, const Problem& problem, const Plan* plan,
                 const CostReport* report) {
  std::string bytes;
  {
    py::gil_scoped_release release;
    std::shared_ptr<const Exporter> exporter = Unwrap(Exporters().Create(format));
    bytes = Unwrap(exporter->Export({.problem = &problem, .plan = plan, .report = report}));
  }
  return py::bytes(bytes);
}

std::string ExportExtension(const std::string& format) {
  return Unwrap(Exporters().Create(format))->file_extension();
}

void BindPlanFile(py::module_& m) {
  py::classh<PlanFile>(m, "PlanFile", "A plan with what is needed to check and apply it elsewhere.")
      .def(py::init(&MakePlanFile), py::arg("plan"), py::kw_only(), py::arg("machine") = py::none(),
           py::arg("expected") = py::none(), py::arg("lower_bound") = 0,
           "machine: what it was made for. expected: the CostReport its maker priced it at. "
           "lower_bound: nanoseconds, 0: unknown.")
      .def_readonly("plan", &PlanFile::plan)
      .def_readonly("graph_fingerprint", &PlanFile::graph_fingerprint)
      .def_readonly("machine", &PlanFile::machine)
      .def_readonly("expected", &PlanFile::expected)
      .def_readonly("lower_bound", &PlanFile::lower_bound)
      .def(
          "save",
          [](const PlanFile& file, const std::filesystem::path& path) {
            ThrowIfError(WritePlanFile(file, path.string()));
          },
          py::arg("path"), WithoutGil(), "Atomically; .txtpb is text, else the checked container.")
      .def_static(
          "load",
          [](const std::filesystem::path& path, const std::shared_ptr<Graph>& graph) {
            return Unwrap(ReadPlanFile(path.string(), graph));
          },
          py::arg("path"), py::arg("graph"), WithoutGil(),
          "FailedPreconditionError when the plan was made for another graph.")
      .def("to_text", &PlanToText, WithoutGil())
      .def_static(
          "from_text",
          [](const std::string& text, const std::shared_ptr<Graph>& graph) {
            return Unwrap(PlanFromText(text, graph));
          },
          py::arg("text"), py::arg("graph"), WithoutGil());
}

void BindPlanSaving(py::module_& m) {
  auto plan = py::reinterpret_borrow<py::classh<Plan>>(m.attr("Plan"));
  plan.def(
          "save",
          [](const Plan& plan, const std::filesystem::path& path, const Machine* machine,
             const CostReport* expected, Nanoseconds lower_bound) {
            const PlanFile file = MakePlanFile(plan, machine, expected, lower_bound);
            py::gil_scoped_release release;
            ThrowIfError(WritePlanFile(file, path.string()));
          },
          py::arg("path"), py::kw_only(), py::arg("machine") = py::none(),
          py::arg("expected") = py::none(), py::arg("lower_bound") = 0,
          "Writes a PlanFile, atomically; .txtpb is text, else the checked container.")
      .def_static(
          "load",
          [](const std::filesystem::path& path, const std::shared_ptr<Graph>& graph) {
            return Unwrap(ReadPlanFile(path.string(), graph)).plan;
          },
          py::arg("path"), py::arg("graph"), WithoutGil(),
          "The plan of a PlanFile. FailedPreconditionError when it is for another graph.");
}

}  // namespace

void BindIo(py::module_& m) {
  BindPlanFile(m);
  BindPlanSaving(m);
  py::classh<Imported>(m, "Imported", "What a file of another tool held.")
      .def_property_readonly("graph", [](const Imported& i) { return Unconst(i.graph); })
      .def_readonly("machine", &Imported::machine, "Or None.")
      .def_readonly("expert_placement", &Imported::expert_placement,
                    "Device per op; empty where unknown.")
      .def_readonly("figures", &Imported::figures, "Reference values that the file states.");
  m.def(
      "import_file",
      [](const std::filesystem::path& path, const std::string& importer) {
        return UnwrapGraph(ImportFile(path.string(), {}, importer));
      },
      py::arg("path"), py::kw_only(), py::arg("importer") = "", WithoutGil(),
      "Reads a graph of any known format. importer: a spec, \"pipedream(training=false)\"; "
      "without, "
      "the file says whose it is. NotFoundError, or InvalidGraphError naming the file.");
  m.def(
      "importers", [] { return Importers().NamesAndSummaries(); }, "(name, summary) of each.");
  m.def("export", &Export, py::arg("format"), py::arg("problem"), py::arg("plan") = py::none(),
        py::arg("report") = py::none(),
        "The bytes of another tool's file. The report must carry its timeline. "
        "FailedPreconditionError when the format needs more than was given.");
  m.def("export_extension", &ExportExtension, py::arg("format"), "\".json\"");
  m.def(
      "exporters", [] { return Exporters().NamesAndSummaries(); }, "(name, summary) of each.");
}

}  // namespace gopt::python
