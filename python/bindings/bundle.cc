// gopt.Bundle: what is in a policy's or a checkpoint's file, without LibTorch.
#include "gopt/io/bundle.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "python/bindings/bindings.h"
#include "python/bindings/errors.h"

namespace py = pybind11;

namespace gopt::python {
namespace {

using TensorRow = std::tuple<std::string, std::string, std::vector<int64_t>, int64_t>;

std::vector<TensorRow> TensorRows(const Bundle& bundle) {
  std::vector<TensorRow> rows;
  for (const BundleTensor& tensor : bundle.tensors) {
    rows.emplace_back(tensor.name, ToString(tensor.type), tensor.shape,
                      static_cast<int64_t>(tensor.bytes.size()));
  }
  return rows;
}

std::map<std::string, int64_t> StateBytes(const Bundle& bundle) {
  std::map<std::string, int64_t> bytes;
  for (const auto& [name, value] : bundle.state) bytes[name] = static_cast<int64_t>(value.size());
  return bytes;
}

}  // namespace

void BindBundle(py::module_& m) {
  py::classh<Bundle>(m, "Bundle", "What is in a policy's or a checkpoint's file; read only.")
      .def_static(
          "load",
          [](const std::filesystem::path& path) { return Unwrap(ReadBundleFile(path.string())); },
          py::arg("path"), WithoutGil(),
          "Falls back to PATH.previous where PATH is damaged, and says so. NotFoundError, "
          "InvalidArgumentError.")
      .def_readonly("kind", &Bundle::kind, "policy or checkpoint.")
      .def_property_readonly("config", [](const Bundle& b) { return TrainingConfig(b.config); })
      .def_readonly("model_card", &Bundle::model_card, "Markdown.")
      .def_readonly("metadata", &Bundle::metadata)
      .def_readonly("feature_version", &Bundle::feature_version)
      .def_readonly("op_types", &Bundle::op_types, "That have an embedding of their own.")
      .def_readonly("iteration", &Bundle::iteration, "Training iterations done.")
      .def_property_readonly("tensors", &TensorRows, "(name, type, shape, bytes) of each.")
      .def_property_readonly("state_bytes", &StateBytes, "Sizes of what resuming needs, by name.")
      .def("__repr__", [](const Bundle& b) {
        return absl::StrCat("<gopt.Bundle: ", b.kind, " '", b.config.name, "', ", b.tensors.size(),
                            " tensors>");
      });
}

}  // namespace gopt::python
