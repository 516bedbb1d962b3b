#include "src/io/model_explorer_exporter.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gopt/base/status_macros.h"
#include "src/io/device_color.h"
#include "src/io/export_request.h"
#include "src/io/json_text.h"

namespace gopt {
namespace {

using Json = nlohmann::ordered_json;

// Both files name the graph so; data finds its graph by it.
std::string GraphId(const Graph& graph) { return graph.name().empty() ? "graph" : graph.name(); }

// "encoder.layers.3" -> "encoder/layers/3".
std::string Namespace(std::string_view scope) {
  std::string path(scope);
  std::replace(path.begin(), path.end(), '.', '/');
  return path;
}

Json Attribute(const char* key, std::string value) {
  return {{"key", key}, {"value", std::move(value)}};
}

Json Attributes(const Graph& graph, OpId op) {
  Json attributes = Json::array();
  const auto text = [&](const char* key, std::string_view value) {
    if (!value.empty()) attributes.push_back(Attribute(key, std::string(value)));
  };
  text("name", graph.op_name(op));
  text("native", graph.native_type(op));
  text("kind", ToString(graph.kind(op)));
  text("phase", ToString(graph.phase(op)));
  text("fusion_class", ToString(graph.fusion_class(op)));
  if (graph.flops(op) >= 0) {
    attributes.push_back(Attribute("flops", absl::StrCat(graph.flops(op))));
  }
  return attributes;
}

Json PlanAttributes(const ExportRequest& request, OpId op) {
  Json attributes = Json::array();
  if (request.plan == nullptr || !request.problem->graph().in_kernel(op)) return attributes;
  const KernelId kernel = request.plan->kernels->kernel_of(op);
  attributes.push_back(Attribute("kernel", absl::StrCat(kernel)));
  attributes.push_back(
      Attribute("device", request.problem->machine().device(request.plan->device[kernel]).name));
  attributes.push_back(Attribute("rank", absl::StrCat(request.plan->rank[kernel])));
  return attributes;
}

// One per operand and one per control edge; the output's id is the port's place in its op.
Json IncomingEdges(const Graph& graph, OpId op) {
  Json edges = Json::array();
  int input = 0;
  for (PortId port : graph.operands(op)) {
    const OpId source = graph.producer(port);
    edges.push_back({{"sourceNodeId", absl::StrCat(source)},
                     {"sourceNodeOutputId", absl::StrCat(port - graph.first_port(source))},
                     {"targetNodeInputId", absl::StrCat(input++)}});
  }
  for (OpId source : graph.controls(op)) {
    edges.push_back({{"sourceNodeId", absl::StrCat(source)},
                     {"sourceNodeOutputId", "control"},
                     {"targetNodeInputId", absl::StrCat(input++)}});
  }
  return edges;
}

Json OutputsMetadata(const Graph& graph, OpId op) {
  Json outputs = Json::array();
  for (int i = 0; i < graph.num_ports(op); ++i) {
    const PortId port = graph.first_port(op) + i;
    const std::string shape = absl::StrCat(std::string(ToString(graph.dtype(port))), "[",
                                           absl::StrJoin(graph.dims(port), ","), "]");
    outputs.push_back(
        {{"id", absl::StrCat(i)},
         {"attrs", Json::array({Attribute("tensor_shape", shape),
                                Attribute("bytes", absl::StrCat(graph.port_bytes(port)))})}});
  }
  return outputs;
}

Json Node(const ExportRequest& request, OpId op, DeviceId device) {
  const Graph& graph = request.problem->graph();
  Json attributes = Attributes(graph, op);
  for (Json& attribute : PlanAttributes(request, op)) attributes.push_back(std::move(attribute));
  Json node = {{"id", absl::StrCat(op)},
               {"label", graph.op_type(op)},
               {"namespace", Namespace(graph.scope(op))},
               {"attrs", std::move(attributes)},
               {"incomingEdges", IncomingEdges(graph, op)},
               {"outputsMetadata", OutputsMetadata(graph, op)}};
  if (device != kNone) node["style"] = {{"backgroundColor", DeviceColor(device)}};
  return node;
}

Json Result(const ExportRequest& request, OpId op, ModelExplorerDataExporter::Value value) {
  const KernelId kernel = request.plan->kernels->kernel_of(op);
  if (value == ModelExplorerDataExporter::Value::kDevice) {
    const DeviceId device = request.plan->device[kernel];
    return {{"value", request.problem->machine().device(device).name},
            {"bgColor", DeviceColor(device)}};
  }
  const KernelSpan& span = request.report->kernel_spans[kernel];
  const bool time = value == ModelExplorerDataExporter::Value::kTime;
  return {{"value", time ? span.end - span.start : span.start}};
}

}  // namespace

absl::StatusOr<std::string> ModelExplorerExporter::Export(const ExportRequest& request) const {
  GOPT_RETURN_IF_ERROR(CheckRequest(request));
  const Graph& graph = request.problem->graph();
  std::vector<DeviceId> device(static_cast<size_t>(graph.num_ops()), kNone);
  if (request.plan != nullptr) device = DeviceOfOps(graph, *request.plan);
  const Json id = GraphId(graph);
  std::string out = absl::StrCat("{\"label\":", ToJsonText(id),
                                 ",\"graphs\":[{\"id\":", ToJsonText(id), ",\"nodes\":");
  JsonList nodes(&out);
  for (OpId op = 0; op < graph.num_ops(); ++op) nodes.Add(Node(request, op, device[op]));
  nodes.Finish();
  out.append("}]}\n");
  return out;
}

absl::StatusOr<std::string> ModelExplorerDataExporter::Export(const ExportRequest& request) const {
  GOPT_RETURN_IF_ERROR(CheckRequest(request));
  GOPT_RETURN_IF_ERROR(value_ == Value::kDevice ? NeedPlan(request, name())
                                                : NeedTimeline(request, name()));
  const Graph& graph = request.problem->graph();
  std::string out = absl::StrCat("{", ToJsonText(Json(GraphId(graph))), ":{\"results\":{");
  const char* separator = "\n";
  for (OpId op : graph.kernel_ops()) {
    if (request.plan->kernels->kernel_of(op) == kNone) continue;
    absl::StrAppend(&out, separator, "\"", op, "\":", ToJsonText(Result(request, op, value_)));
    separator = ",\n";
  }
  out.append("\n}");
  if (value_ != Value::kDevice) {
    // From the smallest to the largest value.
    const Json gradient =
        Json::array({{{"stop", 0}, {"bgColor", "#ffffff"}}, {{"stop", 1}, {"bgColor", "#f46d43"}}});
    absl::StrAppend(&out, ",\"gradient\":", ToJsonText(gradient));
  }
  out.append("}}\n");
  return out;
}

}  // namespace gopt
