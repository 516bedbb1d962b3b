// gopt.Constraints: what a plan must obey.
#include "gopt/plan/constraints.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/io/plan_file.h"
#include "python/bindings/bindings.h"
#include "python/bindings/errors.h"

namespace py = pybind11;

namespace gopt::python {
namespace {

py::list GroupsAsTuples(const std::vector<Constraints::Group>& groups) {
  py::list result;
  for (const Constraints::Group& group : groups) {
    result.append(py::make_tuple(group.ops, group.reason));
  }
  return result;
}

py::list PinsAsTuples(const Constraints& constraints) {
  py::list result;
  for (const Constraints::Pin& pin : constraints.pins) {
    result.append(py::make_tuple(pin.op, pin.device, pin.reason));
  }
  return result;
}

py::list AllowedAsTuples(const Constraints& constraints) {
  py::list result;
  for (const Constraints::Allowed& rule : constraints.allowed) {
    result.append(py::make_tuple(rule.ops, rule.devices, rule.reason));
  }
  return result;
}

py::list LimitsAsTuples(const Constraints& constraints) {
  py::list result;
  for (const Constraints::MemoryLimit& limit : constraints.memory_limits) {
    result.append(py::make_tuple(limit.device, limit.bytes, limit.reason));
  }
  return result;
}

using ConstraintsClass = py::classh<Constraints>;

void BindRules(ConstraintsClass& constraints) {
  constraints
      .def(
          "pin",
          [](Constraints& c, OpId op, DeviceId device, std::string reason) {
            c.pins.push_back({op, device, std::move(reason)});
          },
          py::arg("op"), py::arg("device"), py::arg("reason") = "", "The op runs on this device.")
      .def(
          "allow",
          [](Constraints& c, std::vector<OpId> ops, std::vector<DeviceId> devices,
             std::string reason) {
            c.allowed.push_back({std::move(ops), std::move(devices), std::move(reason)});
          },
          py::arg("ops"), py::arg("devices"), py::arg("reason") = "",
          "Each of these ops runs on one of these devices.")
      .def(
          "colocate",
          [](Constraints& c, std::vector<OpId> ops, std::string reason) {
            c.colocate.push_back({std::move(ops), std::move(reason)});
          },
          py::arg("ops"), py::arg("reason") = "", "All of these ops run on one device.")
      .def(
          "keep_apart",
          [](Constraints& c, std::vector<OpId> ops, std::string reason) {
            c.keep_apart.push_back({std::move(ops), std::move(reason)});
          },
          py::arg("ops"), py::arg("reason") = "", "These ops run on different devices.")
      .def(
          "never_fuse",
          [](Constraints& c, std::vector<OpId> ops, std::string reason) {
            c.never_fuse.push_back({std::move(ops), std::move(reason)});
          },
          py::arg("ops"), py::arg("reason") = "", "Each of these ops is a kernel of its own.")
      .def(
          "limit_memory",
          [](Constraints& c, DeviceId device, int64_t bytes, std::string reason) {
            c.memory_limits.push_back({device, bytes, std::move(reason)});
          },
          py::arg("device"), py::arg("bytes"), py::arg("reason") = "",
          "The smaller of this and the device's own memory holds.");
}

}  // namespace

void BindConstraints(py::module_& m) {
  ConstraintsClass constraints(
      m, "Constraints",
      "What a plan must obey, besides the graph's own colocation. Methods add rules; ids are "
      "checked when a Problem is made. Every rule carries a reason that messages repeat.");
  constraints.def(py::init<>())
      .def_property_readonly("pins", &PinsAsTuples, "(op, device, reason) of each.")
      .def_property_readonly("allowed", &AllowedAsTuples, "(ops, devices, reason) of each.")
      .def_property_readonly(
          "colocated", [](const Constraints& c) { return GroupsAsTuples(c.colocate); },
          "(ops, reason) of each.")
      .def_property_readonly(
          "kept_apart", [](const Constraints& c) { return GroupsAsTuples(c.keep_apart); },
          "(ops, reason) of each.")
      .def_property_readonly(
          "never_fused", [](const Constraints& c) { return GroupsAsTuples(c.never_fuse); },
          "(ops, reason) of each.")
      .def_property_readonly("memory_limits", &LimitsAsTuples, "(device, bytes, reason) of each.")
      .def_readwrite("forward_only_devices", &Constraints::forward_only_devices,
                     "Data between forward ops never goes to a lower device id.")
      .def_readwrite("no_skipped_devices", &Constraints::no_skipped_devices,
                     "Used devices are 0 .. k without a gap.")
      .def_readwrite("triangle_free_devices", &Constraints::triangle_free_devices,
                     "A direct device edge excludes a longer way round.")
      .def_property_readonly("empty", &Constraints::empty)
      .def("to_text", &ConstraintsToText, "Text proto.")
      .def_static(
          "from_text",
          [](const std::string& text, const Graph& graph) {
            return Unwrap(ConstraintsFromText(text, graph));
          },
          py::arg("text"), py::arg("graph"), WithoutGil(), "InvalidArgumentError.")
      .def_static(
          "load",
          [](const std::filesystem::path& path, const Graph& graph) {
            return Unwrap(ReadConstraintsFile(path.string(), graph));
          },
          py::arg("path"), py::arg("graph"), WithoutGil(),
          "Reads a text proto file; op and device ids must exist.");
  BindRules(constraints);
}

}  // namespace gopt::python
