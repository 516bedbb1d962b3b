// Reading and writing gopt.Graph.
#include "gopt/io/graph_file.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "python/bindings/bindings.h"
#include "python/bindings/errors.h"

namespace py = pybind11;

namespace gopt::python {

void BindGraphFiles(py::module_& m) {
  auto graph = py::reinterpret_borrow<py::classh<Graph>>(m.attr("Graph"));
  graph
      .def(
          "save",
          [](const Graph& g, const std::filesystem::path& path, bool compress) {
            ThrowIfError(WriteGraphFile(g, path.string(), {.compress = compress}));
          },
          py::arg("path"), py::kw_only(), py::arg("compress") = false, WithoutGil(),
          "Writes the graph, atomically: text for .txtpb, else the checked binary container. "
          "compress: an eighth to a fifth of the bytes, loading takes half as long again.")
      .def_static(
          "load",
          [](const std::filesystem::path& path) {
            return Unconst(UnwrapGraph(ReadGraphFile(path.string())));
          },
          py::arg("path"), WithoutGil(),
          "Reads a graph file. NotFoundError, or InvalidGraphError naming the file.")
      .def("to_bytes",
           [](const Graph& g) {
             std::string bytes;
             {
               py::gil_scoped_release release;
               bytes = SerializeGraph(g);
             }
             return py::bytes(bytes);
           })
      .def_static(
          "from_bytes",
          [](const py::bytes& bytes) {
            const std::string_view view = bytes;
            py::gil_scoped_release release;
            return Unconst(UnwrapGraph(DeserializeGraph(view)));
          },
          py::arg("bytes"), "The inverse of to_bytes(). InvalidGraphError.")
      .def("to_textproto", &GraphToTextProto, WithoutGil(), "The text form of the file.")
      .def_static(
          "from_textproto",
          [](const std::string& text) { return Unconst(UnwrapGraph(GraphFromTextProto(text))); },
          py::arg("text"), WithoutGil())
      .def(py::pickle([](const Graph& g) { return py::bytes(SerializeGraph(g)); },
                      [](const py::bytes& bytes) {
                        return Unconst(UnwrapGraph(DeserializeGraph(std::string_view(bytes))));
                      }));
}

}  // namespace gopt::python
