#include "src/io/dot_exporter.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "src/io/device_color.h"
#include "src/io/export_request.h"

namespace gopt {
namespace {

constexpr int kMaxScopeDepth = 16;

// A text in quotes.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.append(c == '\n' ? "\\n"
                            : std::string(1, static_cast<unsigned char>(c) < 0x20 ? ' ' : c));
  }
  quoted.push_back('"');
  return quoted;
}

std::string FillOf(DeviceId device) {
  if (device == kNone) return "";
  const std::string_view color = DeviceColor(device);
  return absl::StrCat(", fillcolor=\"", absl::string_view(color.data(), color.size()), "\"");
}

std::vector<DeviceId> Devices(const ExportRequest& request) {
  const Graph& graph = request.problem->graph();
  if (request.plan != nullptr) return DeviceOfOps(graph, *request.plan);
  return std::vector<DeviceId>(static_cast<size_t>(graph.num_ops()), kNone);
}

void AppendLegend(const ExportRequest& request, std::string* out) {
  if (request.plan == nullptr) return;
  const Machine& machine = request.problem->machine();
  std::vector<uint8_t> used(static_cast<size_t>(machine.num_devices()), 0);
  for (DeviceId device : request.plan->device) used[device] = 1;
  out->append("  subgraph cluster_devices {\n    label=\"devices\";\n");
  for (DeviceId d = 0; d < machine.num_devices(); ++d) {
    if (used[d] == 0) continue;
    absl::StrAppend(out, "    d", d, " [label=", Quoted(machine.device(d).name), FillOf(d), "];\n");
  }
  out->append("  }\n");
}

// A node per op.
class Ops {
 public:
  Ops(const ExportRequest& request, std::string* out)
      : request_(request), graph_(request.problem->graph()), out_(*out) {}

  void Write() {
    const std::vector<DeviceId> device = Devices(request_);
    std::vector<uint8_t> written(static_cast<size_t>(graph_.num_ops()), 0);
    if (request_.plan != nullptr) WriteClusters(device, &written);
    for (OpId op = 0; op < graph_.num_ops(); ++op) {
      if (written[op] == 0) WriteOp("  ", op, device[op]);
    }
    for (OpId op = 0; op < graph_.num_ops(); ++op) WriteEdges(op);
  }

 private:
  void WriteOp(const char* indent, OpId op, DeviceId device) {
    const std::string label =
        absl::StrCat(std::string(graph_.op_name(op)), "\n", std::string(graph_.op_type(op)));
    absl::StrAppend(&out_, indent, "n", op, " [label=", Quoted(label), FillOf(device), "];\n");
  }

  // An op in several kernels stands in the first.
  void WriteClusters(const std::vector<DeviceId>& device, std::vector<uint8_t>* written) {
    const Kernels& kernels = *request_.plan->kernels;
    for (KernelId k = 0; k < kernels.size(); ++k) {
      if (kernels.ops(k).size() < 2) continue;
      absl::StrAppend(&out_, "  subgraph cluster_k", k, " {\n    label=\"kernel ", k, "\";\n");
      for (OpId op : kernels.ops(k)) {
        if (std::exchange((*written)[op], 1) == 0) WriteOp("    ", op, device[op]);
      }
      out_.append("  }\n");
    }
  }

  void WriteEdges(OpId op) {
    std::map<OpId, int64_t> bytes;  // By producer; parallel edges are one arrow.
    std::vector<PortId> ports(graph_.operands(op).begin(), graph_.operands(op).end());
    std::sort(ports.begin(), ports.end());
    ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
    for (PortId port : ports) {
      int64_t& sum = bytes[graph_.producer(port)];
      sum = SaturatingAdd(sum, graph_.port_bytes(port));
    }
    for (const auto& [source, sum] : bytes) {
      absl::StrAppend(&out_, "  n", source, " -> n", op, " [tooltip=\"", sum, " bytes\"];\n");
    }
    for (OpId source : graph_.controls(op)) {
      absl::StrAppend(&out_, "  n", source, " -> n", op, " [style=dashed];\n");
    }
  }

  const ExportRequest& request_;
  const Graph& graph_;
  std::string& out_;
};

// A node per scope and device.
class Scopes {
 public:
  Scopes(const ExportRequest& request, int max_nodes, std::string* out)
      : request_(request), graph_(request.problem->graph()), max_nodes_(max_nodes), out_(*out) {}

  void Write() {
    const std::vector<DeviceId> device = Devices(request_);
    for (int depth = kMaxScopeDepth; depth >= 0; --depth) {
      Group(device, depth);
      if (static_cast<int>(groups_.size()) <= max_nodes_) break;
    }
    for (size_t g = 0; g < groups_.size(); ++g) {
      const std::string label = absl::StrCat(
          groups_[g].scope.empty() ? "(no scope)" : groups_[g].scope, "\n", groups_[g].ops, " ops");
      absl::StrAppend(&out_, "  g", g, " [label=", Quoted(label), FillOf(groups_[g].device),
                      "];\n");
    }
    WriteEdges();
  }

 private:
  struct OneGroup {
    std::string scope;
    DeviceId device = kNone;
    int64_t ops = 0;
  };

  // The first `depth` parts of a path.
  static std::string_view Cut(std::string_view scope, int depth) {
    size_t end = 0;
    for (int part = 0; part < depth && end != std::string_view::npos; ++part) {
      end = scope.find('.', part == 0 ? 0 : end + 1);
    }
    return scope.substr(0, end);
  }

  void Group(const std::vector<DeviceId>& device, int depth) {
    groups_.clear();
    group_of_op_.clear();
    absl::flat_hash_map<std::pair<std::string, DeviceId>, int> index;
    for (OpId op = 0; op < graph_.num_ops(); ++op) {
      const std::string scope(Cut(graph_.scope(op), depth));
      const auto [it, is_new] =
          index.try_emplace({scope, device[op]}, static_cast<int>(groups_.size()));
      if (is_new) groups_.push_back({.scope = scope, .device = device[op], .ops = 0});
      ++groups_[it->second].ops;
      group_of_op_.push_back(it->second);
    }
  }

  void WriteEdges() {
    std::map<std::pair<int, int>, int64_t> bytes;
    for (PortId port = 0; port < graph_.num_ports(); ++port) {
      const int from = group_of_op_[graph_.producer(port)];
      for (OpId reader : graph_.readers(port)) {
        const int to = group_of_op_[reader];
        if (from == to) continue;
        int64_t& sum = bytes[{from, to}];
        sum = SaturatingAdd(sum, graph_.port_bytes(port));
      }
    }
    for (const auto& [ends, sum] : bytes) {
      absl::StrAppend(&out_, "  g", ends.first, " -> g", ends.second, " [tooltip=\"", sum,
                      " bytes\"];\n");
    }
  }

  const ExportRequest& request_;
  const Graph& graph_;
  const int max_nodes_;
  std::string& out_;
  std::vector<OneGroup> groups_;
  std::vector<int> group_of_op_;
};

}  // namespace

absl::StatusOr<std::string> DotExporter::Export(const ExportRequest& request) const {
  GOPT_RETURN_IF_ERROR(CheckRequest(request));
  const Graph& graph = request.problem->graph();
  std::string out = absl::StrCat("digraph ", Quoted(graph.name()), " {\n",
                                 "  node [shape=box, style=\"rounded,filled\", ",
                                 "fillcolor=\"#ffffff\", fontname=\"sans-serif\"];\n");
  AppendLegend(request, &out);
  if (graph.num_ops() <= options_.max_nodes) {
    Ops(request, &out).Write();
  } else {
    Scopes(request, options_.max_nodes, &out).Write();
  }
  out.append("}\n");
  return out;
}

}  // namespace gopt
