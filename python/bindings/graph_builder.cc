// gopt.GraphBuilder and gopt.parse_graph: graphs made by hand.
#include "gopt/graph/graph_builder.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "gopt/graph/graph_text.h"
#include "python/bindings/bindings.h"
#include "python/bindings/errors.h"
#include "python/bindings/names.h"

namespace py = pybind11;

namespace gopt::python {
namespace {

constexpr char kAddOp[] = R"(Adds an op and returns its id, counted from 0 in the order of adding.

Args:
  name: Unique within the graph.
  type: Canonical type, for example "matmul".
  kind: compute, parameter, input, output, constant or collective.
  phase: unspecified, forward, backward or optimizer.
  fusion_class: unspecified, elementwise, broadcast, reduction, contraction, data_movement, opaque.
  operands: Port ids that the op reads, in argument order; duplicates are kept.
  controls: Op ids that must finish first.
  native: The source framework's name, "aten::mm.default".
  scope: Module path, "encoder.layers.3".
  flops: Floating-point operations; negative: unknown.
  bytes_read, bytes_written: Device-memory traffic; -1: the bytes of distinct operands or ports.
  scratch_bytes: Memory held while the op runs.
  forward_twin: Op id of the forward op that a backward op belongs to, or -1.
  colocation: Ops of one group id share a device; -1: none.
  side_effect: True keeps the op out of fused kernels.

Raises:
  InvalidArgumentError: an unknown kind, phase or fusion class. All else is checked by build().)";

constexpr char kAddPort[] = R"(Adds an output tensor to an op and returns the port's id.

Args:
  op: Id of the op that makes the tensor.
  bytes: Bytes moved when the tensor crosses a channel.
  dtype: Element type, "float32".
  shape: Dimensions.
  storage: Port of the same op whose memory this one shares (a slice), or None.
  storage_bytes: Bytes of a new storage; None: `bytes`.
  persistent: True for parameters: lives for the whole step.
  optimizer_copies: State bytes are this many times `bytes` (Adam: 2).

Raises:
  InvalidArgumentError: an unknown dtype, or both storage and storage_bytes. The rest: build().)";

constexpr char kBuild[] = R"(The graph: validated, sorted topologically (by builder id where free).

May be called again after adding more.

Raises:
  InvalidGraphError: names the op, the field and the rule; a cycle is printed, one of the shortest.)";

constexpr char kParseGraph[] = R"(A graph from one line, for tests and examples.

    gopt.parse_graph("a:matmul[time=5,bytes=100] -> b:relu; w:parameter[bytes=8] -> a")

Statements are separated by ';'. `a -> b` is a tensor, `a => b` a control edge, `a, b -> c` both.
An op is described where it is first named: name[:type][key=value,...]. Keys: time (ns on devices of
kind "device"), bytes (of its port), flops, read, written, scratch, phase (f, b, o), class,
colocate, copies, dims (4x8), scope, name.

Raises:
  InvalidGraphError: with the column and what was expected.)";

OpId AddOp(GraphBuilder& builder, std::string name, std::string type, std::string_view kind,
           std::string_view phase, std::string_view fusion_class,
           const std::vector<PortId>& operands, const std::vector<OpId>& controls,
           std::string native, std::string scope, double flops, int64_t bytes_read,
           int64_t bytes_written, int64_t scratch_bytes, OpId forward_twin, int32_t colocation,
           bool side_effect) {
  OpOptions options;
  options.name = std::move(name);
  options.type = std::move(type);
  options.native = std::move(native);
  options.scope = std::move(scope);
  options.kind = OpKindFromName(kind);
  options.phase = PhaseFromName(phase);
  options.fusion_class = FusionClassFromName(fusion_class);
  options.forward_twin = forward_twin;
  options.colocation = colocation;
  options.flops = flops;
  options.bytes_read = bytes_read;
  options.bytes_written = bytes_written;
  options.scratch_bytes = scratch_bytes;
  options.side_effect = side_effect;
  const OpId op = builder.AddOp(std::move(options));
  if (!operands.empty()) builder.AddOperands(op, operands);
  if (!controls.empty()) builder.AddControls(op, controls);
  return op;
}

PortId AddPort(GraphBuilder& builder, OpId op, int64_t bytes, std::string_view dtype,
               std::vector<int64_t> shape, std::optional<PortId> storage,
               std::optional<int64_t> storage_bytes, bool persistent, int optimizer_copies) {
  if (storage.has_value() && storage_bytes.has_value()) {
    throw StatusError(absl::InvalidArgumentError(
        "port of op " + std::to_string(op) +
        ": storage_bytes belongs to a new storage, but storage names another port's"));
  }
  PortOptions options;
  options.bytes = bytes;
  options.dtype = DTypeFromName(dtype);
  options.dims = std::move(shape);
  options.share_storage_with = storage.value_or(kNone);
  options.storage_bytes = storage_bytes.value_or(-1);
  options.persistent = persistent;
  options.optimizer_copies = optimizer_copies;
  return builder.AddPort(op, std::move(options));
}

}  // namespace

void BindGraphBuilder(py::module_& m) {
  py::classh<GraphBuilder>(m, "GraphBuilder",
                           "Makes a graph op by op; ops may be added in any order and edges may "
                           "point anywhere until build().")
      .def(py::init<std::string, std::string>(), py::arg("name") = "", py::arg("source") = "")
      .def("add_op", &AddOp, py::arg("name"), py::arg("type"), py::kw_only(),
           py::arg("kind") = "compute", py::arg("phase") = "forward",
           py::arg("fusion_class") = "opaque", py::arg("operands") = py::tuple(),
           py::arg("controls") = py::tuple(), py::arg("native") = "", py::arg("scope") = "",
           py::arg("flops") = -1.0, py::arg("bytes_read") = -1, py::arg("bytes_written") = -1,
           py::arg("scratch_bytes") = 0, py::arg("forward_twin") = -1, py::arg("colocation") = -1,
           py::arg("side_effect") = false, kAddOp)
      .def("add_port", &AddPort, py::arg("op"), py::kw_only(), py::arg("bytes"),
           py::arg("dtype") = "float32", py::arg("shape") = py::tuple(),
           py::arg("storage") = py::none(), py::arg("storage_bytes") = py::none(),
           py::arg("persistent") = false, py::arg("optimizer_copies") = 0, kAddPort)
      .def(
          "add_operands",
          [](GraphBuilder& builder, OpId op, const std::vector<PortId>& ports) {
            builder.AddOperands(op, ports);
          },
          py::arg("op"), py::arg("ports"), "Appends port ids to the op's operands.")
      .def(
          "add_controls",
          [](GraphBuilder& builder, OpId op, const std::vector<OpId>& ops) {
            builder.AddControls(op, ops);
          },
          py::arg("op"), py::arg("ops"), "Appends ops that must finish before this one starts.")
      .def("add_cost_table", &GraphBuilder::AddCostTable, py::kw_only(), py::arg("source"),
           py::arg("device_kind"), py::arg("duration_ns"),
           "Measured times: integer nanoseconds per builder op id on devices of one kind, -1 where "
           "unknown; a shorter list is padded with -1. Tables of source \"roofline\" are kept but "
           "never used for pricing.")
      .def("set_metadata", &GraphBuilder::SetMetadata, py::arg("key"), py::arg("value"))
      .def("set_ungroup", &GraphBuilder::SetUngroup, py::arg("op"), py::arg("names"),
           "The source framework's nodes that the op stands for.")
      .def(
          "set_attributes",
          [](GraphBuilder& builder, const py::bytes& attributes) {
            builder.SetAttributes(std::string(attributes));
          },
          py::arg("attributes"), "Opaque bytes, stored with the graph.")
      .def_property_readonly("num_ops", &GraphBuilder::num_ops)
      .def(
          "build",
          [](const GraphBuilder& builder) {
            py::gil_scoped_release release;
            return Unconst(UnwrapGraph(builder.Build()));
          },
          kBuild)
      .def(
          "build_with_ids",
          [](const GraphBuilder& builder) {
            std::vector<OpId> op_of_builder_id;
            std::shared_ptr<Graph> graph;
            {
              py::gil_scoped_release release;
              graph = Unconst(UnwrapGraph(builder.Build(&op_of_builder_id)));
            }
            return py::make_tuple(graph, op_of_builder_id);
          },
          "build(), and for each builder op id the op's id in the graph: (graph, list of int).");

  m.def(
      "parse_graph", [](const std::string& text) { return Unconst(UnwrapGraph(ParseGraph(text))); },
      py::arg("text"), WithoutGil(), kParseGraph);
}

}  // namespace gopt::python
