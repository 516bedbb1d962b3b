// gopt.Machine and its parts.
#include "gopt/machine/machine.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/io/machine_file.h"
#include "gopt/machine/presets.h"
#include "python/bindings/bindings.h"
#include "python/bindings/errors.h"
#include "python/bindings/names.h"

namespace py = pybind11;

namespace gopt::python {
namespace {

Efficiency MakeEfficiency(std::string op_type, std::string_view op_class, double flops,
                          double bytes) {
  return {std::move(op_type), FusionClassFromName(op_class), flops, bytes};
}

void CheckDevice(const Machine& machine, int64_t device) {
  if (device < 0 || device >= machine.num_devices()) {
    throw py::index_error(
        absl::StrCat("device ", device, " is not in 0 .. ", machine.num_devices() - 1));
  }
}

Machine Uniform(int count, std::string kind, int64_t memory_bytes, double peak_flops,
                double memory_bandwidth, Nanoseconds launch, double bandwidth,
                Nanoseconds latency) {
  UniformMachineOptions options;
  options.count = count;
  options.kind = std::move(kind);
  options.memory_bytes = memory_bytes;
  options.peak_flops = peak_flops;
  options.memory_bandwidth = memory_bandwidth;
  options.launch = launch;
  options.bandwidth = bandwidth;
  options.latency = latency;
  return Unwrap(UniformMachine(options));
}

Machine WithMemoryLimit(const Machine& machine, int64_t bytes, std::optional<int64_t> device) {
  if (bytes < 0) throw StatusError(absl::InvalidArgumentError("memory limit is negative"));
  if (!device.has_value()) return machine.WithMemoryLimit(bytes);
  CheckDevice(machine, *device);
  return machine.WithMemoryLimit(static_cast<DeviceId>(*device), bytes);
}

std::vector<ChannelId> RouteChannels(const Machine& machine, int64_t from, int64_t to) {
  CheckDevice(machine, from);
  CheckDevice(machine, to);
  auto route = machine.route(static_cast<DeviceId>(from), static_cast<DeviceId>(to));
  return {route.begin(), route.end()};
}

void BindParts(py::module_& m) {
  py::classh<Efficiency>(m, "Efficiency",
                         "Share of a device's peak rates that ops of a class or type reach.")
      .def(py::init(&MakeEfficiency), py::kw_only(), py::arg("op_type") = "",
           py::arg("op_class") = "unspecified", py::arg("flops") = 1.0, py::arg("bytes") = 1.0,
           "op_type, if set, overrides the class. flops and bytes are in (0, 1].")
      .def_readonly("op_type", &Efficiency::op_type)
      .def_property_readonly("op_class",
                             [](const Efficiency& e) { return std::string(ToString(e.op_class)); })
      .def_readonly("flops", &Efficiency::flops)
      .def_readonly("bytes", &Efficiency::bytes);

  py::classh<Device>(m, "Device", "What runs kernels, one at a time.")
      .def(py::init([](std::string name, std::string kind, int64_t memory_bytes, double peak_flops,
                       double memory_bandwidth, Nanoseconds launch, int host,
                       std::vector<Efficiency> efficiency) {
             return Device{std::move(name),  std::move(kind), memory_bytes, peak_flops,
                           memory_bandwidth, launch,          host,         std::move(efficiency)};
           }),
           py::arg("name"), py::kw_only(), py::arg("kind") = "device", py::arg("memory_bytes"),
           py::arg("peak_flops"), py::arg("memory_bandwidth"), py::arg("launch") = 0,
           py::arg("host") = 0, py::arg("efficiency") = py::tuple(),
           "kind: matched by cost tables. peak_flops per second, memory_bandwidth in bytes per "
           "second, launch in nanoseconds per kernel.")
      .def_readonly("name", &Device::name)
      .def_readonly("kind", &Device::kind)
      .def_readonly("memory_bytes", &Device::memory_bytes)
      .def_readonly("peak_flops", &Device::peak_flops)
      .def_readonly("memory_bandwidth", &Device::memory_bandwidth)
      .def_readonly("launch", &Device::launch)
      .def_readonly("host", &Device::host)
      .def_readonly("efficiency", &Device::efficiency)
      .def("__repr__", [](const Device& d) {
        return absl::StrCat("<gopt.Device '", d.name, "' (", d.kind, ")>");
      });

  py::classh<Channel>(m, "Channel", "A one-way, first-in-first-out link.")
      .def(py::init([](std::string name, double bandwidth, Nanoseconds latency) {
             return Channel{std::move(name), bandwidth, latency};
           }),
           py::arg("name"), py::kw_only(), py::arg("bandwidth"), py::arg("latency") = 0,
           "bandwidth in bytes per second, latency in nanoseconds.")
      .def_readonly("name", &Channel::name)
      .def_readonly("bandwidth", &Channel::bandwidth)
      .def_readonly("latency", &Channel::latency)
      .def("__repr__",
           [](const Channel& c) { return absl::StrCat("<gopt.Channel '", c.name, "'>"); });

  py::classh<Machine::Route>(m, "Route", "The channels from one device to another, in order.")
      .def(py::init([](DeviceId from, DeviceId to, std::vector<ChannelId> channels) {
             return Machine::Route{from, to, std::move(channels)};
           }),
           py::arg("source"), py::arg("destination"), py::arg("channels"))
      .def_readonly("source", &Machine::Route::from)
      .def_readonly("destination", &Machine::Route::to)
      .def_readonly("channels", &Machine::Route::channels);
}

}  // namespace

void BindMachine(py::module_& m) {
  BindParts(m);
  py::classh<Machine>(m, "Machine", "Devices and the routes between them. A value.")
      .def(py::init([](std::string name, std::vector<Device> devices, std::vector<Channel> channels,
                       std::vector<Machine::Route> routes) {
             return Unwrap(Machine::Create(std::move(name), std::move(devices), std::move(channels),
                                           std::move(routes)));
           }),
           py::arg("name"), py::arg("devices"), py::arg("channels") = py::tuple(),
           py::arg("routes") = py::tuple(),
           "1 to 1024 devices. Pairs without a route are allowed; a plan that needs one is "
           "rejected. InvalidArgumentError names the device, channel or route and the field.")
      .def_static("uniform", &Uniform, py::arg("count") = 2, py::kw_only(),
                  py::arg("kind") = "device", py::arg("memory_bytes") = int64_t{1} << 40,
                  py::arg("peak_flops") = 1e12, py::arg("memory_bandwidth") = 1e12,
                  py::arg("launch") = 0, py::arg("bandwidth") = 1e9, py::arg("latency") = 0,
                  "`count` equal devices with one channel per ordered pair.")
      .def_static(
          "preset", [](const std::string& spec) { return Unwrap(MachineFromPreset(spec)); },
          py::arg("spec"),
          "\"p100x4\", \"v100x4(memory=12GiB)\", \"a100x4(bandwidth=100e9,latency=5000)\"; see "
          "gopt.machine_presets(). NotFoundError lists the names.")
      .def_static(
          "from_spec", [](const std::string& spec) { return Unwrap(MachineFromSpec(spec)); },
          py::arg("spec_or_path"), WithoutGil(), "A preset or, if it names a file, that file.")
      .def_static(
          "load",
          [](const std::filesystem::path& path) { return Unwrap(ReadMachineFile(path.string())); },
          py::arg("path"), WithoutGil(), "Reads a machine file (.txtpb is text).")
      .def_static(
          "from_file",
          [](const std::filesystem::path& path) { return Unwrap(ReadMachineFile(path.string())); },
          py::arg("path"), WithoutGil(), "The same as load().")
      .def(
          "save",
          [](const Machine& machine, const std::filesystem::path& path) {
            ThrowIfError(WriteMachineFile(machine, path.string()));
          },
          py::arg("path"), WithoutGil())
      .def("to_text", &MachineToText, WithoutGil())
      .def_static(
          "from_text", [](const std::string& text) { return Unwrap(MachineFromText(text)); },
          py::arg("text"), WithoutGil(), "From text proto. InvalidArgumentError.")
      .def_property_readonly("name", &Machine::name)
      .def_property_readonly("num_devices", &Machine::num_devices)
      .def_property_readonly("num_channels", &Machine::num_channels)
      .def_property_readonly("devices",
                             [](const Machine& machine) {
                               return std::vector<Device>(machine.devices().begin(),
                                                          machine.devices().end());
                             })
      .def_property_readonly("channels",
                             [](const Machine& machine) {
                               return std::vector<Channel>(machine.channels().begin(),
                                                           machine.channels().end());
                             })
      .def_property_readonly("routes", &Machine::Routes)
      .def("route", &RouteChannels, py::arg("source"), py::arg("destination"),
           "Channel ids in order of travel; empty where there is no route.")
      .def(
          "transfer_time",
          [](const Machine& machine, int64_t bytes, int64_t from, int64_t to) {
            CheckDevice(machine, from);
            CheckDevice(machine, to);
            return machine.TransferDuration(bytes, static_cast<DeviceId>(from),
                                            static_cast<DeviceId>(to));
          },
          py::arg("bytes"), py::arg("source"), py::arg("destination"),
          "Nanoseconds that a tensor occupies the route, latency not included.")
      .def(
          "find_device",
          [](const Machine& machine, const std::string& name) { return machine.FindDevice(name); },
          py::arg("name"), "Device id, -1 if there is none.")
      .def("with_memory_limit", &WithMemoryLimit, py::arg("bytes"), py::arg("device") = py::none(),
           "This machine with the memory of every device, or of one, set to `bytes`.")
      .def(py::pickle(
          [](const Machine& machine) { return py::str(MachineToText(machine)); },
          [](const py::str& text) { return Unwrap(MachineFromText(std::string(text))); }))
      .def("__len__", &Machine::num_devices)
      .def("__repr__", [](const Machine& machine) {
        return absl::StrCat("<gopt.Machine '", machine.name(), "': ", machine.num_devices(),
                            " devices, ", machine.num_channels(), " channels>");
      });

  m.def(
      "machine_presets",
      [] {
        std::vector<std::pair<std::string, std::string>> presets;
        for (MachinePreset& preset : MachinePresets()) {
          presets.emplace_back(std::move(preset.name), std::move(preset.summary));
        }
        return presets;
      },
      "(name, summary) of each machine preset, by name.");
}

}  // namespace gopt::python
