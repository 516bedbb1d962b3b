#include "gopt/graph/graph_text.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "gopt/graph/graph_builder.h"

namespace gopt {
namespace {

constexpr size_t kMaxTextBytes = 16 << 20;

bool IsWordCharacter(char c) {
  return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '/' || c == '*' || c == '+' ||
         c == '-';
}

// What the type's name says of kind, phase and fusion class.
struct TypeTraits {
  OpKind kind = OpKind::kCompute;
  Phase phase = Phase::kForward;
  FusionClass fusion_class = FusionClass::kOpaque;
};

TypeTraits TraitsOf(const std::string& type) {
  static const auto* const kTraits = [] {
    auto* traits = new std::map<std::string, TypeTraits>();
    const auto add = [traits](FusionClass fusion_class, std::initializer_list<const char*> types) {
      for (const char* name : types) {
        (*traits)[name] = {OpKind::kCompute, Phase::kForward, fusion_class};
      }
    };
    add(FusionClass::kContraction, {"matmul", "conv", "einsum"});
    add(FusionClass::kElementwise, {"add", "sub", "mul", "div", "relu", "exp", "log", "tanh",
                                    "sigmoid", "gelu", "neg", "sqrt", "cast", "select"});
    add(FusionClass::kReduction, {"reduce", "sum", "max", "mean", "softmax", "norm"});
    add(FusionClass::kBroadcast, {"broadcast", "expand"});
    add(FusionClass::kDataMovement, {"reshape", "copy", "concat", "gather", "slice", "transpose"});
    (*traits)["parameter"] = {OpKind::kParameter, Phase::kUnspecified, FusionClass::kOpaque};
    (*traits)["input"] = {OpKind::kInput, Phase::kUnspecified, FusionClass::kOpaque};
    (*traits)["constant"] = {OpKind::kConstant, Phase::kUnspecified, FusionClass::kOpaque};
    (*traits)["output"] = {OpKind::kOutput, Phase::kUnspecified, FusionClass::kOpaque};
    (*traits)["collective"] = {OpKind::kCollective, Phase::kForward, FusionClass::kOpaque};
    (*traits)["optimizer"] = {OpKind::kCompute, Phase::kOptimizer, FusionClass::kOpaque};
    return traits;
  }();
  const auto it = kTraits->find(type);
  return it == kTraits->end() ? TypeTraits{} : it->second;
}

// Recursive-descent without the recursion: text -> statements -> chains of groups of ops.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<std::shared_ptr<const Graph>> Parse() {
    while (true) {
      SkipSpace();
      if (position_ == text_.size()) break;
      if (!Accept(";")) GOPT_RETURN_IF_ERROR(Statement());
    }
    return Build();
  }

 private:
  struct Op {
    OpOptions options;
    PortOptions port;
    Nanoseconds time = -1;
    bool described = false;
  };

  absl::Status Fault(std::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("column ", position_ + 1, ": ",
                                                   std::string(what), ", found '",
                                                   Printable(text_.substr(position_, 20)), "'"));
  }

  void SkipSpace() {
    while (position_ < text_.size() && absl::ascii_isspace(text_[position_])) ++position_;
  }

  bool Accept(std::string_view token) {
    SkipSpace();
    if (text_.substr(position_, token.size()) != token) return false;
    position_ += token.size();
    return true;
  }

  // A word may hold '-' but not an arrow.
  absl::StatusOr<std::string> Word(std::string_view what) {
    SkipSpace();
    const size_t begin = position_;
    while (position_ < text_.size() && IsWordCharacter(text_[position_]) &&
           text_.substr(position_, 2) != "->") {
      ++position_;
    }
    if (position_ == begin) return Fault(absl::StrCat("expected ", std::string(what)));
    return std::string(text_.substr(begin, position_ - begin));
  }

  absl::Status Statement() {
    GOPT_ASSIGN_OR_RETURN(std::vector<OpId> from, OpList());
    while (true) {
      const bool data = Accept("->");
      if (!data && !Accept("=>")) break;
      GOPT_ASSIGN_OR_RETURN(std::vector<OpId> to, OpList());
      for (OpId reader : to) {
        for (OpId source : from) (data ? data_ : control_).emplace_back(source, reader);
      }
      from = std::move(to);
    }
    SkipSpace();
    if (position_ < text_.size() && text_[position_] != ';')
      return Fault("expected '->', '=>' or ';'");
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<OpId>> OpList() {
    std::vector<OpId> ops;
    do {
      GOPT_ASSIGN_OR_RETURN(const OpId op, OpReference());
      ops.push_back(op);
    } while (Accept(","));
    return ops;
  }

  absl::StatusOr<OpId> OpReference() {
    GOPT_ASSIGN_OR_RETURN(const std::string name, Word("an op's name"));
    const auto [it, inserted] = ids_.try_emplace(name, static_cast<OpId>(ops_.size()));
    if (inserted) {
      ops_.emplace_back();
      ops_.back().options.name = name;
      SetType("op", &ops_.back());
    }
    const OpId id = it->second;
    if (Accept(":")) {
      if (std::exchange(ops_[id].described, true)) {
        return Fault(absl::StrCat("op '", name, "' is described twice; expected an arrow"));
      }
      GOPT_ASSIGN_OR_RETURN(const std::string type, Word("a type"));
      SetType(type, &ops_[id]);
    }
    if (Accept("[")) GOPT_RETURN_IF_ERROR(Attributes(&ops_[id]));
    return id;
  }

  static void SetType(const std::string& type, Op* op) {
    const TypeTraits traits = TraitsOf(type);
    op->options.type = type;
    op->options.kind = traits.kind;
    op->options.phase = traits.phase;
    op->options.fusion_class = traits.fusion_class;
    op->port.persistent = traits.kind == OpKind::kParameter;
  }

  absl::Status Attributes(Op* op) {
    if (Accept("]")) return absl::OkStatus();
    do {
      GOPT_ASSIGN_OR_RETURN(const std::string key, Word("a key"));
      if (!Accept("=")) return Fault("expected '='");
      SkipSpace();
      const size_t begin = position_;
      GOPT_ASSIGN_OR_RETURN(const std::string value, Word("a value"));
      if (absl::Status status = SetAttribute(key, value, op); !status.ok()) {
        position_ = begin;
        return Fault(std::string(status.message()));
      }
    } while (Accept(","));
    return Accept("]") ? absl::OkStatus() : Fault("expected ',' or ']'");
  }

  template <typename T>
  static absl::Status Integer(const std::string& value, T* out) {
    if (absl::SimpleAtoi(value, out)) return absl::OkStatus();
    return absl::InvalidArgumentError("expected an integer");
  }

  static absl::Status SetAttribute(const std::string& key, const std::string& value, Op* op) {
    if (key == "time") return Integer(value, &op->time);
    if (key == "bytes") return Integer(value, &op->port.bytes);
    if (key == "read") return Integer(value, &op->options.bytes_read);
    if (key == "written") return Integer(value, &op->options.bytes_written);
    if (key == "scratch") return Integer(value, &op->options.scratch_bytes);
    if (key == "colocate") return Integer(value, &op->options.colocation);
    if (key == "copies") return Integer(value, &op->port.optimizer_copies);
    if (key == "flops") {
      return absl::SimpleAtod(value, &op->options.flops)
                 ? absl::OkStatus()
                 : absl::InvalidArgumentError("expected a number");
    }
    if (key == "scope") {
      op->options.scope = value;
      return absl::OkStatus();
    }
    if (key == "phase") return SetPhase(value, op);
    if (key == "class") return SetClass(value, op);
    if (key == "dims") return SetDims(value, op);
    return absl::InvalidArgumentError(
        "expected one of the keys time, bytes, flops, read, written, scratch, phase, class, "
        "colocate, "
        "copies, dims, scope");
  }

  static absl::Status SetPhase(const std::string& value, Op* op) {
    if (value == "f") {
      op->options.phase = Phase::kForward;
    } else if (value == "b") {
      op->options.phase = Phase::kBackward;
    } else if (value == "o") {
      op->options.phase = Phase::kOptimizer;
    } else {
      return absl::InvalidArgumentError("expected a phase: f, b or o");
    }
    return absl::OkStatus();
  }

  static absl::Status SetClass(const std::string& value, Op* op) {
    const std::optional<FusionClass> fusion_class = FusionClassFromString(value);
    if (!fusion_class.has_value()) return absl::InvalidArgumentError("expected a fusion class");
    op->options.fusion_class = *fusion_class;
    return absl::OkStatus();
  }

  static absl::Status SetDims(const std::string& value, Op* op) {
    op->port.dims.clear();
    for (const std::string& dim : std::vector<std::string>(absl::StrSplit(value, 'x'))) {
      op->port.dims.push_back(0);
      GOPT_RETURN_IF_ERROR(Integer(dim, &op->port.dims.back()));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::shared_ptr<const Graph>> Build() const {
    GraphBuilder builder("text", "text");
    std::vector<Nanoseconds> times;
    std::vector<PortId> port(ops_.size(), kNone);
    bool timed = false;
    for (size_t i = 0; i < ops_.size(); ++i) {
      const Op& op = ops_[i];
      builder.AddOp(op.options);
      times.push_back(op.time);
      timed |= op.time != -1;
      const bool no_port = op.options.kind == OpKind::kOutput || op.options.type == "optimizer";
      if (!no_port) port[i] = builder.AddPort(static_cast<OpId>(i), op.port);
    }
    for (const auto& [source, reader] : data_) {
      if (port[source] == kNone) {
        return absl::InvalidArgumentError(
            absl::StrCat("op '", ops_[source].options.name, "' has no port to read"));
      }
      builder.AddOperands(reader, {&port[source], 1});
    }
    for (const auto& [source, reader] : control_) builder.AddControls(reader, {&source, 1});
    if (timed) builder.AddCostTable("text", std::string(kTextDeviceKind), std::move(times));
    return builder.Build();
  }

  std::string_view text_;
  size_t position_ = 0;
  std::vector<Op> ops_;
  std::map<std::string, OpId> ids_;
  std::vector<std::pair<OpId, OpId>> data_, control_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Graph>> ParseGraph(std::string_view text) {
  if (text.size() > kMaxTextBytes) return absl::InvalidArgumentError("graph text exceeds 16 MiB");
  return Parser(text).Parse();
}

std::string GraphToText(const Graph& graph) {
  std::string text = absl::StrFormat("graph '%s': %d ops, %d ports, %d edges\n", graph.name(),
                                     graph.num_ops(), graph.num_ports(), graph.num_edges());
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    absl::StrAppendFormat(&text, "%4d %s: %s", op, Printable(graph.op_name(op)),
                          Printable(graph.op_type(op)));
    if (!graph.in_kernel(op))
      absl::StrAppend(&text, " {", std::string(ToString(graph.kind(op))), "}");
    if (graph.phase(op) != Phase::kUnspecified) {
      absl::StrAppend(&text, " ", std::string(ToString(graph.phase(op))));
    }
    const char* separator = " <-";
    for (PortId port : graph.operands(op)) {
      const OpId source = graph.producer(port);
      absl::StrAppend(&text, separator, " ", Printable(graph.op_name(source)));
      if (graph.num_ports(source) > 1) absl::StrAppend(&text, ".", port - graph.first_port(source));
      separator = ",";
    }
    separator = " after";
    for (OpId source : graph.controls(op)) {
      absl::StrAppend(&text, separator, " ", Printable(graph.op_name(source)));
      separator = ",";
    }
    for (PortId port = graph.first_port(op); port < graph.first_port(op) + graph.num_ports(op);
         ++port) {
      absl::StrAppendFormat(&text, " [%s", std::string(ToString(graph.dtype(port))));
      for (int64_t dim : graph.dims(port)) absl::StrAppendFormat(&text, " %d", dim);
      absl::StrAppendFormat(&text, "; %d bytes]", graph.port_bytes(port));
    }
    text += '\n';
  }
  return text;
}

}  // namespace gopt
