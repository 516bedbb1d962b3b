// gopt.CostReport and what it is made of.
#include "gopt/cost/cost_report.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/cost/bounds.h"
#include "python/bindings/bindings.h"
#include "python/bindings/errors.h"
#include "python/bindings/names.h"

namespace py = pybind11;

namespace gopt::python {
namespace {

// Registering structured types imports numpy: done when the first timeline is read, so that `import
// gopt` stays fast.
void RegisterSpans() {
  static const bool registered = [] {
    PYBIND11_NUMPY_DTYPE(KernelSpan, kernel, device, start, end);
    PYBIND11_NUMPY_DTYPE_EX(TransferSpan, port, "port", producer, "producer", from, "source", to,
                            "destination", bytes, "bytes", request, "request", start, "start", end,
                            "end", arrival, "arrival");
    PYBIND11_NUMPY_DTYPE(MemorySample, time, bytes);
    return true;
  }();
  static_cast<void>(registered);
}

template <typename T>
py::array_t<T> Structured(const std::vector<T>& values) {
  RegisterSpans();
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

std::string_view ToString(CriticalStep::Reason reason) {
  switch (reason) {
    case CriticalStep::Reason::kStart:
      return "start";
    case CriticalStep::Reason::kDependency:
      return "dependency";
    case CriticalStep::Reason::kTransfer:
      return "transfer";
    case CriticalStep::Reason::kDevice:
      return "device";
  }
  return "unknown";
}

CriticalStep::Reason ReasonFromName(std::string_view name) {
  for (CriticalStep::Reason reason :
       {CriticalStep::Reason::kStart, CriticalStep::Reason::kDependency,
        CriticalStep::Reason::kTransfer, CriticalStep::Reason::kDevice}) {
    if (ToString(reason) == name) return reason;
  }
  throw StatusError(absl::InvalidArgumentError(
      absl::StrCat("no reason of a critical step is named '", std::string(name),
                   "'; known: start, dependency, transfer, device")));
}

using CriticalTuple = std::tuple<KernelId, std::string, KernelId>;  // kernel, reason, cause

CostReport WithCriticalChain(CostReport report, const std::vector<CriticalTuple>& steps) {
  report.critical_chain.clear();
  for (const auto& [kernel, reason, cause] : steps) {
    report.critical_chain.push_back({kernel, ReasonFromName(reason), cause});
  }
  return report;
}

CostReport MakeReport(std::string_view outcome, Nanoseconds step_time, std::string reason,
                      std::vector<Nanoseconds> busy, std::vector<int64_t> peak_bytes,
                      std::vector<Nanoseconds> samples) {
  CostReport report;
  report.outcome = OutcomeFromName(outcome);
  report.step_time = step_time;
  report.reason = std::move(reason);
  report.busy = std::move(busy);
  report.peak_bytes = std::move(peak_bytes);
  report.samples = std::move(samples);
  return report;
}

using ReportClass = py::classh<CostReport>;

void BindOnRequest(ReportClass& report) {
  report
      .def_property_readonly(
          "start_order", [](const CostReport& r) { return r.start_order; },
          "Kernel ids by start time, then device; empty unless asked for.")
      .def_property_readonly(
          "kernel_spans", [](const CostReport& r) { return Structured(r.kernel_spans); },
          "Structured numpy array [kernels] of kernel, device, start, end (ns); by kernel. Empty "
          "unless the timeline was asked for.")
      .def_property_readonly(
          "transfer_spans", [](const CostReport& r) { return Structured(r.transfer_spans); },
          "Structured numpy array [transfers] of port, producer (kernel, -1: a parameter), source, "
          "destination (devices), bytes, request, start, end, arrival (ns); in booking order.")
      .def_property_readonly(
          "memory_samples",
          [](const CostReport& r) {
            py::list devices;
            for (const auto& samples : r.memory_samples) devices.append(Structured(samples));
            return devices;
          },
          "Per device a structured numpy array of time (ns) and bytes: live from there to the next "
          "sample.")
      .def_property_readonly("critical_chain", [](const CostReport& r) { return r.critical_chain; })
      .def("with_critical_chain", &WithCriticalChain, py::arg("steps"),
           "A copy with this chain, (kernel, reason, cause) of each step: what guides searches. "
           "InvalidArgumentError for an unknown reason.");
}

}  // namespace

void BindCostReport(py::module_& m) {
  py::classh<CriticalStep>(m, "CriticalStep", "One link of the critical chain.")
      .def_readonly("kernel", &CriticalStep::kernel)
      .def_property_readonly(
          "reason", [](const CriticalStep& s) { return std::string(ToString(s.reason)); },
          "What its start waited for: start, dependency, transfer, device.")
      .def_readonly("cause", &CriticalStep::cause, "The kernel behind the reason, or -1.")
      .def("__repr__", [](const CriticalStep& s) {
        return absl::StrCat("<kernel ", s.kernel, " after ", std::string(ToString(s.reason)), " ",
                            s.cause, ">");
      });

  ReportClass report(m, "CostReport", "What a plan is worth. Times in ns, sizes in bytes.");
  report
      .def(py::init(&MakeReport), py::kw_only(), py::arg("outcome") = "OK",
           py::arg("step_time") = 0, py::arg("reason") = "", py::arg("busy") = py::tuple(),
           py::arg("peak_bytes") = py::tuple(), py::arg("samples") = py::tuple(),
           "For cost backends written in Python. outcome: OK, INFEASIBLE or FAILED.")
      .def_property_readonly(
          "outcome", [](const CostReport& r) { return std::string(ToString(r.outcome)); },
          "OK, INFEASIBLE (illegal, or over a memory limit) or FAILED (the backend cannot tell).")
      .def_property_readonly("ok", &CostReport::ok)
      .def_readonly("reason", &CostReport::reason, "Empty when OK.")
      .def_readonly("step_time", &CostReport::step_time,
                    "Nanoseconds of one step. Also set for plans that only exceed memory.")
      .def_readonly("samples", &CostReport::samples, "Nanoseconds per repetition, if measured.")
      .def_readonly("busy", &CostReport::busy, "Nanoseconds per device.")
      .def_readonly("peak_bytes", &CostReport::peak_bytes, "Per device.")
      .def_readonly("bytes_over_limit", &CostReport::bytes_over_limit)
      .def_readonly("transfers", &CostReport::transfers)
      .def_readonly("transfer_bytes", &CostReport::transfer_bytes)
      .def_readonly("unknown_flops_ops", &CostReport::unknown_flops_ops, "Priced with flops 0.")
      .def_readonly("unmodelled_collectives", &CostReport::unmodelled_collectives,
                    "Priced as data movement.")
      .def("__repr__", [](const CostReport& r) {
        std::string text = absl::StrCat("<gopt.CostReport ", std::string(ToString(r.outcome)));
        if (r.ok()) return absl::StrCat(text, ": ", r.step_time, " ns>");
        return absl::StrCat(text, ": ", r.reason, ">");
      });
  BindOnRequest(report);

  py::classh<LowerBounds>(m, "LowerBounds", "No legal plan is faster than these (ns).")
      .def_readonly("critical_path", &LowerBounds::critical_path,
                    "Longest path, each op on its best allowed device, no communication.")
      .def_readonly("work", &LowerBounds::work, "Work over total rate.")
      .def_readonly("fernandez_bussell", &LowerBounds::fernandez_bussell,
                    "Fernandez and Bussell, IEEE Trans. Computers 22(8), 1973.")
      .def_readonly("search", &LowerBounds::search,
                    "Proved by an exact search, of plans within the request's limits; 0 if none.")
      .def_readonly("persistent_bytes", &LowerBounds::persistent_bytes)
      .def_readonly("capacity_bytes", &LowerBounds::capacity_bytes)
      .def_property_readonly("step_time", &LowerBounds::step_time, "The largest of them.")
      .def_property_readonly("memory_infeasible", &LowerBounds::memory_infeasible,
                             "True proves that nothing fits.");
}

}  // namespace gopt::python
