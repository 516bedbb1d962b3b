#include "src/io/pipedream.h"

#include <algorithm>
#include <optional>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gopt/base/status_macros.h"
#include "gopt/graph/graph_builder.h"
#include "src/io/file_bytes.h"
#include "src/io/source.h"

namespace gopt {
namespace {

using Node = PipeDreamProfile::Node;

bool StartsWith(const Node& node, const char* prefix) {
  return absl::StartsWith(node.description, prefix);
}

// "conv2d" of "Conv2d(3, 64, ...)".
std::string TypeOf(const std::string& description) {
  const size_t end = description.find_first_of("( ");
  std::string type = absl::AsciiStrToLower(description.substr(0, end));
  return type.empty() ? "op" : type;
}

// k of "__getitem__(k)".
std::optional<size_t> ItemOf(const Node& node) {
  absl::string_view text = node.description;
  uint32_t item = 0;
  if (!absl::ConsumePrefix(&text, "__getitem__(") || !absl::ConsumeSuffix(&text, ")") ||
      !absl::SimpleAtoi(text, &item)) {
    return std::nullopt;
  }
  return item;
}

// The graph of a profile: forward ops in the file's order, their gradients, parameters.
class Importing {
 public:
  Importing(const PipeDreamProfile& profile, const PipeDreamOptions& options)
      : nodes_(profile.nodes),
        options_(options),
        predecessors_(nodes_.size()),
        made_(nodes_.size()) {
    for (const auto& [from, to] : profile.edges) predecessors_[to].push_back(from);
  }

  absl::StatusOr<Imported> Make(const std::string& name, const GraphLimits& limits) {
    FindItems();
    GOPT_RETURN_IF_ERROR(CheckReads(limits));
    FindWarmup();
    FindInputs();
    GraphBuilder builder(name, "pipedream");
    builder_ = &builder;
    for (size_t i = 0; i < nodes_.size(); ++i) AddForward(i);
    for (size_t i = 0; i < nodes_.size(); ++i) Connect(i);
    if (options_.training) AddBackward();
    SetNames();
    builder.AddCostTable("pipedream", options_.kind, time_);
    if (warmup_ != kNone) builder.SetMetadata("pipedream.warmup", nodes_[warmup_].name);
    Imported imported;
    std::vector<OpId> id;
    GOPT_ASSIGN_OR_RETURN(imported.graph, builder.Build(&id, limits));
    GOPT_ASSIGN_OR_RETURN(imported.machine, MakeMachine());
    SetPlacement(id, &imported);
    if (warmup_ != kNone) {
      imported.figures["warmup_ns"] = static_cast<double>(nodes_[warmup_].forward);
    }
    return imported;
  }

 private:
  // What became of a node.
  struct Made {
    int32_t item_of = kNone;  // A node of whose tuple this is an entry: it has no op.
    size_t item = 0;
    bool is_input = false;
    bool needs_gradient = false;
    OpId op = kNone;
    std::vector<PortId> ports;
    PortId parameter = kNone;
    OpId backward = kNone;
    std::vector<std::string> names;  // The node's and its entries', if it has some.
  };

  static bool IsNamedInput(const Node& node) { return StartsWith(node, "Input"); }

  // Entries of tuples are views, not ops.
  void FindItems() {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const std::optional<size_t> item = ItemOf(nodes_[i]);
      if (!item.has_value() || predecessors_[i].size() != 1) continue;
      if (nodes_[i].forward != 0 || nodes_[i].backward != 0 || nodes_[i].parameter_bytes != 0) {
        continue;
      }
      const int32_t tuple = predecessors_[i][0];
      const size_t size = nodes_[tuple].activation_bytes.size();
      if (size < 2 || *item >= size || ItemOf(nodes_[tuple]).has_value()) continue;
      made_[i].item_of = tuple;
      made_[i].item = *item;
    }
  }

  // An edge carries all tensors of its producer, so that a short file can mean very many reads:
  // those of the forward ops, and the same again of their gradients.
  absl::Status CheckReads(const GraphLimits& limits) const {
    int64_t reads = 0;
    for (const std::vector<int32_t>& before : predecessors_) {
      for (const int32_t node : before) {
        const bool is_item = made_[node].item_of != kNone;
        reads += is_item ? 1 : static_cast<int64_t>(nodes_[node].activation_bytes.size());
      }
    }
    if (options_.training) reads *= 2;
    if (reads <= limits.max_edges) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "its ops read ", reads, " tensors, above the limit of ", limits.max_edges, " edges"));
  }

  // The first loading of data, if it takes longer than all else together.
  void FindWarmup() {
    double total = 0.0;
    for (const Node& node : nodes_) {
      total += static_cast<double>(node.forward) + static_cast<double>(node.backward);
    }
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const bool is_long = 2.0 * static_cast<double>(nodes_[i].forward) > total;
      if (IsNamedInput(nodes_[i]) && nodes_[i].forward > 0 && is_long && nodes_.size() > 1) {
        warmup_ = static_cast<int32_t>(i);
      }
    }
  }

  void FindInputs() {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const bool is_free = ForwardTime(i) == 0 && nodes_[i].parameter_bytes == 0;
      made_[i].is_input = IsNamedInput(nodes_[i]) && predecessors_[i].empty() && is_free;
      const bool is_source =
          predecessors_[i].empty() && nodes_[i].parameter_bytes == 0 && nodes_[i].backward == 0;
      // A shape is a number, not a function of the weights.
      made_[i].needs_gradient = !is_source && !StartsWith(nodes_[i], "Size(");
    }
  }

  Nanoseconds ForwardTime(size_t i) const {
    const bool dropped = options_.drop_warmup && static_cast<int32_t>(i) == warmup_;
    return dropped ? 0 : nodes_[i].forward;
  }

  OpId AddOp(OpOptions op, Nanoseconds time, int stage) {
    time_.push_back(time);
    stage_.push_back(stage);
    return builder_->AddOp(std::move(op));
  }
  PortId AddPort(OpId op, PortOptions port) {
    port.dtype = DType::kUnknown;
    bytes_.push_back(port.bytes);
    return builder_->AddPort(op, std::move(port));
  }

  void AddForward(size_t i) {
    Made& made = made_[i];
    if (made.item_of != kNone) return;
    const Node& node = nodes_[i];
    const bool input = made.is_input;
    made.op = AddOp({.name = node.name,
                     .type = input ? "input" : TypeOf(node.description),
                     .native = node.description,
                     .kind = input ? OpKind::kInput : OpKind::kCompute,
                     .phase = input ? Phase::kUnspecified : Phase::kForward},
                    input ? -1 : ForwardTime(i), node.stage);
    for (const int64_t bytes : node.activation_bytes)
      made.ports.push_back(AddPort(made.op, {.bytes = bytes}));
    if (!options_.parameters || node.parameter_bytes == 0) return;
    const OpId parameter = AddOp({.name = node.name + ":parameters",
                                  .type = "parameter",
                                  .kind = OpKind::kParameter,
                                  .phase = Phase::kUnspecified},
                                 -1, node.stage);
    made.parameter =
        AddPort(parameter, {.bytes = node.parameter_bytes,
                            .persistent = true,
                            .optimizer_copies = options_.training ? options_.optimizer_copies : 0});
  }

  // A tensor that edges into a node carry, and whose it is.
  struct Read {
    int32_t node;  // It has an op.
    PortId port;
  };
  std::vector<Read> ReadsOf(size_t i) const {
    std::vector<Read> reads;
    absl::flat_hash_set<PortId> seen;
    const auto add = [&reads, &seen](int32_t node, PortId port) {
      if (seen.insert(port).second) reads.push_back({node, port});
    };
    for (const int32_t before : predecessors_[i]) {
      const Made& made = made_[before];
      if (made.item_of != kNone) {
        add(made.item_of, made_[made.item_of].ports[made.item]);
        continue;
      }
      for (const PortId port : made.ports) add(before, port);
    }
    return reads;
  }

  void Connect(size_t i) {
    const Made& made = made_[i];
    if (made.item_of != kNone) {
      std::vector<std::string>& names = made_[made.item_of].names;
      if (names.empty()) names.push_back(nodes_[made.item_of].name);
      names.push_back(nodes_[i].name);
      return;
    }
    std::vector<PortId> operands;
    for (const Read& read : ReadsOf(i)) operands.push_back(read.port);
    if (made.parameter != kNone) operands.push_back(made.parameter);
    builder_->AddOperands(made.op, operands);
  }

  bool IsDifferentiated(size_t i) const { return made_[i].op != kNone && made_[i].needs_gradient; }

  void AddBackward() {
    gradients_.resize(bytes_.size());
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (IsDifferentiated(i)) AddBackwardOp(i);
    }
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (IsDifferentiated(i)) ConnectBackwardOp(i);
    }
  }

  // One gradient for each tensor that the node reads, and one of its weights.
  void AddBackwardOp(size_t i) {
    const Node& node = nodes_[i];
    Made& made = made_[i];
    made.backward = AddOp({.name = node.name + ":backward",
                           .type = TypeOf(node.description),
                           .native = node.description,
                           .phase = Phase::kBackward,
                           .forward_twin = made.op},
                          node.backward, node.stage);
    for (const Read& read : ReadsOf(i)) {
      if (!IsDifferentiated(static_cast<size_t>(read.node))) continue;
      gradients_[read.port].push_back(AddPort(made.backward, {.bytes = bytes_[read.port]}));
    }
    if (made.parameter == kNone) return;
    const PortId gradient = AddPort(made.backward, {.bytes = node.parameter_bytes});
    const OpId update = AddOp({.name = node.name + ":update",
                               .type = "optimizer",
                               .phase = Phase::kOptimizer,
                               .flops = 0.0},
                              0, node.stage);
    builder_->AddOperands(update, {{made.parameter, gradient}});
  }

  // It reads what the forward op read and the gradients of what that gave; at the end of the
  // network, where there are none, the output itself.
  void ConnectBackwardOp(size_t i) {
    const Made& made = made_[i];
    std::vector<PortId> operands;
    for (const PortId port : made.ports) {
      operands.insert(operands.end(), gradients_[port].begin(), gradients_[port].end());
    }
    if (operands.empty()) operands = made.ports;
    for (const Read& read : ReadsOf(i)) operands.push_back(read.port);
    if (made.parameter != kNone) operands.push_back(made.parameter);
    builder_->AddOperands(made.backward, operands);
  }

  void SetNames() {
    for (const Made& made : made_) {
      if (!made.names.empty()) builder_->SetUngroup(made.op, made.names);
    }
  }

  absl::StatusOr<Machine> MakeMachine() const {
    UniformMachineOptions machine;
    machine.kind = options_.kind;
    machine.count = std::max(options_.devices, 1 + *std::max_element(stage_.begin(), stage_.end()));
    machine.bandwidth = options_.bandwidth;
    machine.latency = options_.latency;
    return UniformMachine(machine);
  }

  // A stage is a device, if every node has one.
  void SetPlacement(const std::vector<OpId>& id, Imported* imported) const {
    if (std::find(stage_.begin(), stage_.end(), kNone) != stage_.end()) return;
    imported->expert_placement.resize(stage_.size());
    for (size_t op = 0; op < stage_.size(); ++op) imported->expert_placement[id[op]] = stage_[op];
  }

  const std::vector<Node>& nodes_;
  const PipeDreamOptions& options_;
  std::vector<std::vector<int32_t>> predecessors_;
  std::vector<Made> made_;
  int32_t warmup_ = kNone;
  GraphBuilder* builder_ = nullptr;
  std::vector<Nanoseconds> time_;               // Per builder op.
  std::vector<int> stage_;                      // Too.
  std::vector<int64_t> bytes_;                  // Per builder port.
  std::vector<std::vector<PortId>> gradients_;  // Of each forward port.
};

}  // namespace

absl::StatusOr<Imported> ImportPipeDreamText(std::string_view text, std::string_view source,
                                             const PipeDreamOptions& options,
                                             const GraphLimits& limits) {
  const auto profile = ParsePipeDream(text, limits);
  if (!profile.ok()) return InSource(source, profile.status());
  auto imported =
      Importing(*profile, options).Make(NameFromPath(source, {".txt", ".graph"}), limits);
  if (!imported.ok()) return InSource(source, imported.status());
  return imported;
}

bool PipeDreamImporter::Recognizes(std::string_view path, std::string_view first_bytes) const {
  const std::string_view line = first_bytes.substr(0, first_bytes.find('\n'));
  return absl::EndsWith(absl::string_view(path.data(), path.size()), ".txt") &&
         line.find(" -- ") != std::string_view::npos;
}

absl::StatusOr<Imported> PipeDreamImporter::Import(const std::string& path,
                                                   const GraphLimits& limits) const {
  GOPT_ASSIGN_OR_RETURN(const std::string bytes, ReadFileBytes(path, limits.max_bytes));
  return ImportPipeDreamText(bytes, path, options_, limits);
}

}  // namespace gopt
