#include "src/io/dnn_partitioning.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "gopt/graph/graph_builder.h"
#include "src/io/file_bytes.h"
#include "src/io/source.h"

namespace gopt {
namespace {

using Node = DnnPartitioningGraph::Node;
using Edge = DnnPartitioningGraph::Edge;

constexpr double kBandwidth = 2147483648.0;  // Bytes per second where no edge says: the data's own.
constexpr double kSlipBandwidth = 1e12;  // What no link of the data has: the cost is in seconds.
constexpr double kMaxDevices = 1024.0;

std::string Describe(const Node& node) {
  return absl::StrCat("node ", node.id, " '", Printable(node.name), "'");
}

Nanoseconds TimeOf(double milliseconds) { return SaturatingFloor(milliseconds * 1e6 + 0.5); }

// Median of bytes over cost.
std::optional<double> BytesPerCost(const std::vector<Edge>& edges) {
  std::vector<double> ratios;
  for (const Edge& edge : edges) {
    if (edge.cost > 0.0 && edge.bytes > 0.0) ratios.push_back(edge.bytes / edge.cost);
  }
  if (ratios.empty()) return std::nullopt;
  const auto middle = ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2);
  std::nth_element(ratios.begin(), middle, ratios.end());
  return *middle;
}

class Importing {
 public:
  Importing(const DnnPartitioningGraph& graph, const DnnPartitioningOptions& options)
      : graph_(graph), options_(options) {}

  absl::StatusOr<Imported> Make(const DnnPartitioningSplit* split, const std::string& name,
                                const GraphLimits& limits) {
    GOPT_RETURN_IF_ERROR(IndexNodes());
    GOPT_RETURN_IF_ERROR(CheckEdges());
    GOPT_RETURN_IF_ERROR(CheckLinked());
    SetRate();
    GraphBuilder builder(name, "dnn_partitioning");
    builder_ = &builder;
    if (is_unlinked_) builder.SetMetadata("dnn_partitioning.unlinked", "true");
    if (seconds_per_cost_ == 1.0) builder.SetMetadata("dnn_partitioning.edge_cost", "seconds");
    AddNodes();
    builder.AddCostTable("dnn_partitioning", "fpga", accelerator_time_);
    builder.AddCostTable("dnn_partitioning", "cpu", cpu_time_);
    Imported imported;
    std::vector<OpId> id;
    GOPT_ASSIGN_OR_RETURN(imported.graph, builder.Build(&id, limits));
    GOPT_ASSIGN_OR_RETURN(imported.machine, MakeMachine());
    if (split != nullptr) GOPT_RETURN_IF_ERROR(Place(*split, id, &imported.expert_placement));
    return imported;
  }

 private:
  absl::Status IndexNodes() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (!index_.try_emplace(node.id, i).second) {
        return absl::InvalidArgumentError(
            absl::StrCat("nodes[", i, "].id is ", node.id, ", which another node has"));
      }
      if (!node.on_accelerator) {
        return absl::InvalidArgumentError(absl::StrCat(
            Describe(node), " is not supported on accelerators: a graph cannot say this"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckEdges() {
    edges_of_.resize(graph_.nodes.size());
    num_inputs_.resize(graph_.nodes.size());
    for (size_t e = 0; e < graph_.edges.size(); ++e) {
      const Edge& edge = graph_.edges[e];
      const auto from = index_.find(edge.from), to = index_.find(edge.to);
      if (from == index_.end() || to == index_.end()) {
        return absl::InvalidArgumentError(absl::StrCat("edges[", e, "]: ", edge.from, " -> ",
                                                       edge.to, ": there is no such node"));
      }
      edges_of_[from->second].push_back({to->second, edge.cost});
      ++num_inputs_[to->second];
      if (!graph_.nodes[from->second].backward && graph_.nodes[to->second].backward) {
        is_linked_ = true;
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckLinked() {
    const auto is_backward = [](const Node& node) { return node.backward; };
    const size_t backward =
        static_cast<size_t>(std::count_if(graph_.nodes.begin(), graph_.nodes.end(), is_backward));
    is_unlinked_ = backward > 0 && backward < graph_.nodes.size() && !is_linked_;
    if (!is_unlinked_ || options_.unlinked) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "no edge leads from a forward to a backward node, so the time of a step means nothing; "
        "dnn_partitioning(unlinked=true) reads the graph all the same");
  }

  // The bandwidth behind the edges' costs, and the unit of those.
  void SetRate() {
    const std::optional<double> bytes_per_cost = BytesPerCost(graph_.edges);
    if (!bytes_per_cost.has_value()) return;
    seconds_per_cost_ = *bytes_per_cost * 1e3 > kSlipBandwidth ? 1.0 : 1e-3;
    bandwidth_ = std::clamp(*bytes_per_cost / seconds_per_cost_, 1.0, 1e15);
  }

  int64_t BytesOf(double cost) const {
    return SaturatingFloor(cost * seconds_per_cost_ * bandwidth_ + 0.5);
  }

  struct Out {
    size_t to;
    double cost;
  };

  void AddNodes() {
    std::vector<OpId> ops;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) ops.push_back(AddNode(i));
    for (size_t i = 0; i < graph_.nodes.size(); ++i) AddPorts(i, ops);
  }

  // What never runs: a weight, or an input if it takes no memory.
  OpKind KindOf(size_t i) const {
    const Node& node = graph_.nodes[i];
    if (num_inputs_[i] > 0 || node.cpu_ms > 0.0 || node.accelerator_ms > 0.0) {
      return OpKind::kCompute;
    }
    if (node.bytes == 0.0) return OpKind::kInput;
    const bool one_tensor =
        std::all_of(edges_of_[i].begin(), edges_of_[i].end(),
                    [&](const Out& out) { return out.cost == edges_of_[i][0].cost; });
    const bool is_weight = options_.memory && !node.backward && !edges_of_[i].empty() && one_tensor;
    return is_weight ? OpKind::kParameter : OpKind::kCompute;
  }

  OpId AddOp(OpOptions op, Nanoseconds accelerator, Nanoseconds cpu) {
    const bool runs = op.kind == OpKind::kCompute;
    if (!runs) op.phase = Phase::kUnspecified;
    accelerator_time_.push_back(runs ? accelerator : -1);
    cpu_time_.push_back(runs ? cpu : -1);
    return builder_->AddOp(std::move(op));
  }

  OpId AddNode(size_t i) {
    const Node& node = graph_.nodes[i];
    const OpKind kind = KindOf(i);
    return AddOp({.name = node.name,
                  .type = kind == OpKind::kParameter ? "parameter"
                          : kind == OpKind::kInput   ? "input"
                                                     : "op",
                  .kind = kind,
                  .phase = node.backward ? Phase::kBackward : Phase::kForward,
                  .colocation = static_cast<int32_t>(node.color)},
                 TimeOf(node.accelerator_ms), TimeOf(node.cpu_ms));
  }

  // One port for each cost among the node's edges: the cost repeats for every reader of a tensor.
  void AddPorts(size_t i, const std::vector<OpId>& ops) {
    const Node& node = graph_.nodes[i];
    const bool is_parameter = KindOf(i) == OpKind::kParameter;
    absl::flat_hash_map<double, PortId> port_of;
    int64_t given = 0;
    for (const Out& out : edges_of_[i]) {
      auto [it, is_new] = port_of.try_emplace(out.cost, kNone);
      if (is_new) {
        it->second = builder_->AddPort(
            ops[i],
            {.bytes = BytesOf(out.cost), .dtype = DType::kUnknown, .persistent = is_parameter});
        given = SaturatingAdd(given, BytesOf(out.cost));
      }
      builder_->AddOperands(ops[out.to], {{it->second}});
    }
    const int64_t weights = SaturatingFloor(node.bytes + 0.5) - given;
    if (options_.memory && KindOf(i) == OpKind::kCompute && weights > 0) {
      AddWeights(node, ops[i], weights);
    }
  }

  // What is left of a node's size beside its tensors is on its device for good.
  void AddWeights(const Node& node, OpId reader, int64_t bytes) {
    const OpId op = AddOp({.name = node.name + ":weights",
                           .type = "parameter",
                           .kind = OpKind::kParameter,
                           .colocation = static_cast<int32_t>(node.color)},
                          -1, -1);
    const PortId port =
        builder_->AddPort(op, {.bytes = bytes, .dtype = DType::kUnknown, .persistent = true});
    builder_->AddOperands(reader, {{port}});
    weights_of_.emplace_back(op, reader);
  }

  absl::StatusOr<Machine> MakeMachine() const {
    const double count = static_cast<double>(graph_.accelerators + graph_.cpus);
    if (count < 1.0 || count > kMaxDevices) {
      return absl::InvalidArgumentError(absl::StrCat("maxFPGAs and maxCPUs are ", count,
                                                     " devices, expected 1 to ", kMaxDevices));
    }
    std::vector<Device> devices;
    for (int64_t i = 0; i < graph_.accelerators + graph_.cpus; ++i) {
      const bool is_cpu = i >= graph_.accelerators;
      devices.push_back(
          {.name =
               is_cpu ? absl::StrCat("cpu:", i - graph_.accelerators) : absl::StrCat("fpga:", i),
           .kind = is_cpu ? "cpu" : "fpga",
           .memory_bytes = is_cpu ? kSaturated : SaturatingFloor(graph_.accelerator_bytes),
           .peak_flops = 1e12,
           .memory_bandwidth = 1e12});
    }
    std::vector<Link> links;
    for (DeviceId from = 0; from < static_cast<DeviceId>(devices.size()); ++from) {
      for (DeviceId to = 0; to < static_cast<DeviceId>(devices.size()); ++to) {
        if (from == to) continue;
        links.push_back(
            {from, to, {absl::StrCat(devices[from].name, "->", devices[to].name), bandwidth_, 0}});
      }
    }
    return Machine::CreateFromLinks("dnn_partitioning", std::move(devices), std::move(links));
  }

  absl::Status Place(const DnnPartitioningSplit& split, const std::vector<OpId>& id,
                     std::vector<DeviceId>* placement) const {
    placement->assign(id.size(), kNone);
    GOPT_RETURN_IF_ERROR(PlaceOn(split.accelerators, 0, graph_.accelerators, id, placement));
    GOPT_RETURN_IF_ERROR(
        PlaceOn(split.cpus, graph_.accelerators, graph_.accelerators + graph_.cpus, id, placement));
    for (const auto& [weights, reader] : weights_of_) {
      (*placement)[id[weights]] = (*placement)[id[reader]];
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if ((*placement)[id[i]] != kNone) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("the expert's split leaves out ", Describe(graph_.nodes[i])));
    }
    return absl::OkStatus();
  }

  absl::Status PlaceOn(const std::vector<std::vector<int64_t>>& nodes, int64_t first, int64_t end,
                       const std::vector<OpId>& id, std::vector<DeviceId>* placement) const {
    for (size_t d = 0; d < nodes.size(); ++d) {
      for (const int64_t node : nodes[d]) {
        const auto it = index_.find(node);
        if (it == index_.end()) {
          return absl::InvalidArgumentError(
              absl::StrCat("the expert's split names node ", node, ", which is not there"));
        }
        const int64_t device = first + static_cast<int64_t>(d);
        DeviceId& place = (*placement)[id[it->second]];
        if (device >= end || place != kNone) {
          return absl::InvalidArgumentError(absl::StrCat(
              "the expert's split puts ", Describe(graph_.nodes[it->second]),
              place != kNone ? " on two devices" : " on a device that the machine lacks"));
        }
        place = static_cast<DeviceId>(device);
      }
    }
    return absl::OkStatus();
  }

  const DnnPartitioningGraph& graph_;
  const DnnPartitioningOptions& options_;
  GraphBuilder* builder_ = nullptr;
  absl::flat_hash_map<int64_t, size_t> index_;  // Of nodes by id; builder ops have it too.
  std::vector<std::vector<Out>> edges_of_;
  std::vector<int> num_inputs_;
  bool is_linked_ = false, is_unlinked_ = false;
  double bandwidth_ = kBandwidth, seconds_per_cost_ = 1e-3;
  std::vector<Nanoseconds> accelerator_time_, cpu_time_;  // Per builder op.
  std::vector<std::pair<OpId, OpId>> weights_of_;         // Builder ops: weights, reader.
};

}  // namespace

absl::StatusOr<Imported> ImportDnnPartitioning(const DnnPartitioningGraph& graph,
                                               const DnnPartitioningSplit* split,
                                               const std::string& name,
                                               const DnnPartitioningOptions& options,
                                               const GraphLimits& limits) {
  return Importing(graph, options).Make(split, name, limits);
}

absl::StatusOr<Imported> ImportDnnPartitioningText(std::string_view text, std::string_view source,
                                                   const DnnPartitioningOptions& options,
                                                   const GraphLimits& limits) {
  const auto graph = ParseDnnPartitioning(text, limits);
  if (!graph.ok()) return InSource(source, graph.status());
  std::optional<DnnPartitioningSplit> split;
  if (!options.expert.empty()) {
    GOPT_ASSIGN_OR_RETURN(const std::string bytes, ReadFileBytes(options.expert, limits.max_bytes));
    auto parsed = ParseDnnPartitioningSplit(bytes, limits);
    if (!parsed.ok()) return InSource(options.expert, parsed.status());
    split = *std::move(parsed);
  }
  auto imported = ImportDnnPartitioning(*graph, split.has_value() ? &*split : nullptr,
                                        NameFromPath(source, {".json"}), options, limits);
  if (!imported.ok()) return InSource(source, imported.status());
  return imported;
}

bool DnnPartitioningImporter::Recognizes(std::string_view path,
                                         std::string_view first_bytes) const {
  if (!absl::EndsWith(absl::string_view(path.data(), path.size()), ".json")) return false;
  for (const std::string_view field : {"\"maxSizePerFPGA\"", "\"maxFPGAs\"", "\"maxCPUs\""}) {
    if (first_bytes.find(field) != std::string_view::npos) return true;
  }
  return false;
}

absl::StatusOr<Imported> DnnPartitioningImporter::Import(const std::string& path,
                                                         const GraphLimits& limits) const {
  GOPT_ASSIGN_OR_RETURN(const std::string bytes, ReadFileBytes(path, limits.max_bytes));
  return ImportDnnPartitioningText(bytes, path, options_, limits);
}

}  // namespace gopt
