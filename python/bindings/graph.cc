// gopt.Graph and its views of ops and ports.
#include "gopt/graph/graph.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/graph/graph_text.h"
#include "python/bindings/bindings.h"
#include "python/bindings/errors.h"
#include "python/bindings/names.h"

namespace py = pybind11;

namespace gopt::python {
namespace {

using GraphPtr = std::shared_ptr<Graph>;

// gopt.Op and gopt.Port: an id and the graph it belongs to.
struct OpView {
  GraphPtr graph;
  OpId id;
};
struct PortView {
  GraphPtr graph;
  PortId id;
};

int32_t CheckedIndex(int64_t index, int64_t size, const char* noun) {
  if (index < 0 || index >= size) {
    throw py::index_error(absl::StrCat(noun, " ", index, " is not in 0 .. ", size - 1));
  }
  return static_cast<int32_t>(index);
}

OpView MakeOp(const GraphPtr& graph, int64_t op) {
  return {graph, CheckedIndex(op, graph->num_ops(), "op")};
}
PortView MakePort(const GraphPtr& graph, int64_t port) {
  return {graph, CheckedIndex(port, graph->num_ports(), "port")};
}

template <typename T>
std::vector<T> ToVector(std::span<const T> values) {
  return {values.begin(), values.end()};
}

// A read-only view of the graph's own memory, which the array keeps alive.
template <typename T>
py::object ColumnArray(const GraphPtr& graph, const std::vector<T>& values) {
  using Element = std::conditional_t<std::is_enum_v<T>, uint8_t, T>;
  py::array_t<Element> array({static_cast<py::ssize_t>(values.size())},
                             {static_cast<py::ssize_t>(sizeof(T))},
                             reinterpret_cast<const Element*>(values.data()), py::cast(graph));
  array.attr("setflags")(py::arg("write") = false);
  return array;
}

// Calls visit(name, vector) for every numeric column.
template <typename Visit>
void VisitColumns(const GraphColumns& c, Visit visit) {
  visit("op_kind", c.op_kind);
  visit("op_phase", c.op_phase);
  visit("op_fusion_class", c.op_fusion_class);
  visit("op_forward_twin", c.op_forward_twin);
  visit("op_colocation", c.op_colocation);
  visit("op_flops", c.op_flops);
  visit("op_bytes_read", c.op_bytes_read);
  visit("op_bytes_written", c.op_bytes_written);
  visit("op_scratch_bytes", c.op_scratch_bytes);
  visit("op_side_effect", c.op_side_effect);
  visit("op_num_operands", c.op_num_operands);
  visit("op_num_controls", c.op_num_controls);
  visit("op_num_ports", c.op_num_ports);
  visit("operand_port", c.operand_port);
  visit("control_op", c.control_op);
  visit("port_storage", c.port_storage);
  visit("port_bytes", c.port_bytes);
  visit("port_dtype", c.port_dtype);
  visit("port_rank", c.port_rank);
  visit("port_dims", c.port_dims);
  visit("port_persistent", c.port_persistent);
  visit("port_optimizer_copies", c.port_optimizer_copies);
  visit("storage_bytes", c.storage_bytes);
}

py::object Column(const GraphPtr& graph, std::string_view name) {
  py::object result;
  VisitColumns(graph->columns(), [&](std::string_view column, const auto& values) {
    if (column == name) result = ColumnArray(graph, values);
  });
  if (!result) {
    throw StatusError(absl::NotFoundError(
        absl::StrCat("no column is named '", std::string(name), "'; see Graph.column_names()")));
  }
  return result;
}

py::list ColumnNames(const GraphPtr& graph) {
  py::list names;
  VisitColumns(graph->columns(), [&](const char* name, const auto&) { names.append(name); });
  return names;
}

// [edges, 2]
py::array_t<int32_t> Edges(const Graph& graph) {
  py::array_t<int32_t> edges({static_cast<py::ssize_t>(graph.num_edges()), py::ssize_t{2}});
  int32_t* out = edges.mutable_data();
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    for (OpId successor : graph.successors(op)) {
      *out++ = op;
      *out++ = successor;
    }
  }
  return edges;
}

// One Python string per op; equal texts share an object.
py::list TextColumn(const Graph& graph, const std::vector<uint32_t>& column) {
  const std::vector<std::string>& strings = graph.columns().strings;
  std::vector<py::object> made(strings.size());
  py::list result(column.size());
  for (size_t i = 0; i < column.size(); ++i) {
    py::object& text = made[column[i]];
    if (!text) text = py::str(strings[column[i]]);
    result[i] = text;
  }
  return result;
}

template <typename E>
py::list EnumColumn(const std::vector<E>& column) {
  std::vector<py::object> made(256);
  py::list result(column.size());
  for (size_t i = 0; i < column.size(); ++i) {
    py::object& text = made[static_cast<uint8_t>(column[i])];
    if (!text) text = py::str(std::string(ToString(column[i])));
    result[i] = text;
  }
  return result;
}

OpId FindOp(const Graph& graph, std::string_view name) {
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    if (graph.op_name(op) == name) return op;
  }
  throw StatusError(absl::NotFoundError(
      absl::StrCat("graph '", graph.name(), "' has no op named '", std::string(name), "'")));
}

std::vector<std::string> Ungroup(const Graph& graph, OpId op) {
  const GraphColumns& columns = graph.columns();
  if (columns.ungroup_begin.empty()) return {};
  return {columns.ungroup_names.begin() + columns.ungroup_begin[op],
          columns.ungroup_names.begin() + columns.ungroup_begin[op + 1]};
}

py::list CostTables(const Graph& graph) {
  py::list result;
  for (const CostTable& table : graph.cost_tables()) {
    py::dict entry;
    entry["source"] = table.source;
    entry["device_kind"] = table.device_kind;
    entry["duration_ns"] = table.duration;
    entry["stddev_ns"] = table.stddev;
    entry["samples"] = table.samples;
    result.append(entry);
  }
  return result;
}

std::string GraphRepr(const Graph& graph) {
  return absl::StrCat("<gopt.Graph '", graph.name(), "': ", graph.num_ops(), " ops, ",
                      graph.num_edges(), " edges, ", graph.parameters().size(), " parameters>");
}

void BindOp(py::module_& m) {
  py::classh<OpView>(m, "Op", "One op of a graph, read-only.")
      .def_property_readonly("id", [](const OpView& v) { return v.id; })
      .def_property_readonly("name",
                             [](const OpView& v) { return std::string(v.graph->op_name(v.id)); })
      .def_property_readonly("type",
                             [](const OpView& v) { return std::string(v.graph->op_type(v.id)); })
      .def_property_readonly(
          "native", [](const OpView& v) { return std::string(v.graph->native_type(v.id)); })
      .def_property_readonly("scope",
                             [](const OpView& v) { return std::string(v.graph->scope(v.id)); })
      .def_property_readonly(
          "kind", [](const OpView& v) { return std::string(ToString(v.graph->kind(v.id))); })
      .def_property_readonly(
          "phase", [](const OpView& v) { return std::string(ToString(v.graph->phase(v.id))); })
      .def_property_readonly(
          "fusion_class",
          [](const OpView& v) { return std::string(ToString(v.graph->fusion_class(v.id))); })
      .def_property_readonly("forward_twin",
                             [](const OpView& v) { return v.graph->forward_twin(v.id); })
      .def_property_readonly("colocation",
                             [](const OpView& v) { return v.graph->colocation(v.id); })
      .def_property_readonly("flops", [](const OpView& v) { return v.graph->flops(v.id); })
      .def_property_readonly("bytes_read",
                             [](const OpView& v) { return v.graph->bytes_read(v.id); })
      .def_property_readonly("bytes_written",
                             [](const OpView& v) { return v.graph->bytes_written(v.id); })
      .def_property_readonly("scratch_bytes",
                             [](const OpView& v) { return v.graph->scratch_bytes(v.id); })
      .def_property_readonly("side_effect",
                             [](const OpView& v) { return v.graph->has_side_effect(v.id); })
      .def_property_readonly(
          "in_kernel", [](const OpView& v) { return v.graph->in_kernel(v.id); },
          "True for the kinds that run: compute and collective.")
      .def_property_readonly(
          "operands", [](const OpView& v) { return ToVector(v.graph->operands(v.id)); },
          "Port ids in argument order, duplicates kept.")
      .def_property_readonly(
          "controls", [](const OpView& v) { return ToVector(v.graph->controls(v.id)); },
          "Op ids that must finish first.")
      .def_property_readonly(
          "ports",
          [](const OpView& v) {
            std::vector<PortId> ports;
            for (int i = 0; i < v.graph->num_ports(v.id); ++i) {
              ports.push_back(v.graph->first_port(v.id) + i);
            }
            return ports;
          },
          "Ids of the tensors that the op makes.")
      .def_property_readonly("predecessors",
                             [](const OpView& v) { return ToVector(v.graph->predecessors(v.id)); })
      .def_property_readonly("successors",
                             [](const OpView& v) { return ToVector(v.graph->successors(v.id)); })
      .def_property_readonly(
          "parameter_index", [](const OpView& v) { return v.graph->parameter_index(v.id); },
          "Position in Graph.parameters; -1 for ops that are no parameters.")
      .def_property_readonly(
          "ungroup", [](const OpView& v) { return Ungroup(*v.graph, v.id); },
          "The source framework's nodes that this op stands for.")
      .def("__repr__",
           [](const OpView& v) { return absl::StrCat("<", v.graph->Describe(v.id), ">"); });
}

void BindPort(py::module_& m) {
  py::classh<PortView>(m, "Port", "One tensor of a graph, read-only.")
      .def_property_readonly("id", [](const PortView& v) { return v.id; })
      .def_property_readonly(
          "producer", [](const PortView& v) { return v.graph->producer(v.id); },
          "Id of the op that makes it.")
      .def_property_readonly(
          "bytes", [](const PortView& v) { return v.graph->port_bytes(v.id); },
          "Bytes moved when it crosses a channel.")
      .def_property_readonly(
          "dtype", [](const PortView& v) { return std::string(ToString(v.graph->dtype(v.id))); })
      .def_property_readonly(
          "shape",
          [](const PortView& v) { return py::tuple(py::cast(ToVector(v.graph->dims(v.id)))); })
      .def_property_readonly("storage", [](const PortView& v) { return v.graph->storage(v.id); })
      .def_property_readonly(
          "storage_bytes",
          [](const PortView& v) { return v.graph->storage_bytes(v.graph->storage(v.id)); })
      .def_property_readonly("persistent",
                             [](const PortView& v) { return v.graph->is_persistent(v.id); })
      .def_property_readonly("optimizer_copies",
                             [](const PortView& v) { return v.graph->optimizer_copies(v.id); })
      .def_property_readonly(
          "readers", [](const PortView& v) { return ToVector(v.graph->readers(v.id)); },
          "Distinct op ids that read it, ascending.")
      .def_property_readonly(
          "is_output", [](const PortView& v) { return v.graph->is_output(v.id); },
          "Kept to the end of the step.")
      .def("__repr__", [](const PortView& v) {
        return absl::StrCat("<port ", v.id, " of ", v.graph->Describe(v.graph->producer(v.id)),
                            ">");
      });
}

using GraphClass = py::classh<Graph>;

void BindGraphContent(GraphClass& graph) {
  graph.def("__len__", &Graph::num_ops)
      .def("op", &MakeOp, py::arg("op"), "The op with this id. IndexError if there is none.")
      .def("port", &MakePort, py::arg("port"), "The tensor with this id. IndexError if none.")
      .def("find", &FindOp, py::arg("name"), WithoutGil(),
           "Id of the op with this name; NotFoundError if there is none. Linear in the ops.")
      .def_property_readonly("op_names",
                             [](const Graph& g) { return TextColumn(g, g.columns().op_name); })
      .def_property_readonly("op_types",
                             [](const Graph& g) { return TextColumn(g, g.columns().op_type); })
      .def_property_readonly("op_scopes",
                             [](const Graph& g) { return TextColumn(g, g.columns().op_scope); })
      .def_property_readonly("op_kinds",
                             [](const Graph& g) { return EnumColumn(g.columns().op_kind); })
      .def_property_readonly("op_phases",
                             [](const Graph& g) { return EnumColumn(g.columns().op_phase); })
      .def_property_readonly(
          "edges", &Edges,
          "int32 array [num_edges, 2]: distinct (producer op, reader op) pairs, data and control.")
      .def(
          "column", &Column, py::arg("name"),
          "A stored column as a read-only numpy array that shares the graph's memory; enumerations "
          "as their uint8 values. NotFoundError for an unknown name.")
      .def("column_names", &ColumnNames)
      .def_property_readonly(
          "kernel_ops", [](const Graph& g) { return ToVector(g.kernel_ops()); },
          "Ids of the ops that run in kernels, ascending.")
      .def_property_readonly(
          "parameters", [](const Graph& g) { return ToVector(g.parameters()); },
          "Ids of the parameter ops, ascending.")
      .def(
          "optimizer_op",
          [](const Graph& g, int64_t i) {
            return g.optimizer_op(
                CheckedIndex(i, static_cast<int64_t>(g.parameters().size()), "parameter"));
          },
          py::arg("parameter"), "The optimizer op of a parameter (by position), or -1.")
      .def(
          "measured_time",
          [](const Graph& g, int64_t op, const std::string& kind) {
            return g.MeasuredTime(CheckedIndex(op, g.num_ops(), "op"), kind);
          },
          py::arg("op"), py::arg("device_kind"), "Nanoseconds from the cost tables, -1: none.")
      .def_property_readonly("cost_tables", &CostTables,
                             "Dicts of source, device_kind, duration_ns (one per op), and "
                             "stddev_ns and samples (one per op, or none).")
      .def(
          "with_cost_table",
          [](const Graph& g, std::string source, std::string device_kind,
             std::vector<Nanoseconds> duration, std::vector<Nanoseconds> stddev,
             std::vector<int32_t> samples) {
            return Unconst(UnwrapGraph(
                WithCostTable(g, {std::move(source), std::move(device_kind), std::move(duration),
                                  std::move(stddev), std::move(samples)})));
          },
          py::kw_only(), py::arg("source"), py::arg("device_kind"), py::arg("duration_ns"),
          py::arg("stddev_ns") = std::vector<Nanoseconds>{},
          py::arg("samples") = std::vector<int32_t>{}, WithoutGil(),
          "The graph with this table put first, in place of one of the same source and device "
          "kind. duration_ns: one per op, -1 where unknown. InvalidGraphError if it does not fit.");
}

}  // namespace

void BindGraph(py::module_& m) {
  BindOp(m);
  BindPort(m);
  GraphClass graph(m, "Graph",
                   "An immutable, validated dataflow graph. Ops have dense ids in topological "
                   "order; tensors are output ports. Safe to share between threads.");
  graph.def_property_readonly("name", &Graph::name)
      .def_property_readonly("source", &Graph::source)
      .def_property_readonly("num_ops", &Graph::num_ops)
      .def_property_readonly("num_ports", [](const Graph& g) { return g.num_ports(); })
      .def_property_readonly("num_storages", &Graph::num_storages)
      .def_property_readonly("num_edges", &Graph::num_edges,
                             "Distinct (producer, reader) pairs, data and control together.")
      .def_property_readonly("fingerprint", &Graph::fingerprint,
                             "Of structure, sizes, types and costs; names do not count.")
      .def_property_readonly("metadata", [](const Graph& g) { return g.columns().metadata; })
      .def(
          "with_metadata",
          [](const Graph& g, const std::map<std::string, std::string>& metadata) {
            py::gil_scoped_release release;
            return Unconst(UnwrapGraph(WithMetadata(g, metadata)));
          },
          py::arg("metadata"), "The graph with further notes; the fingerprint stays as it is.")
      .def_property_readonly("attributes",
                             [](const Graph& g) { return py::bytes(g.columns().attributes); })
      .def_property_readonly("memory_bytes", &Graph::MemoryBytes, "Bytes held, names aside.")
      .def("to_text", &GraphToText, WithoutGil(), "One line per op, for people.")
      .def("__repr__", &GraphRepr);
  BindGraphContent(graph);
}

}  // namespace gopt::python
