#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "src/io/pipedream.h"

namespace gopt {
namespace {

constexpr std::string_view kSeparator = " -- ";
constexpr std::string_view kFigures = " -- forward_compute_time=";
constexpr size_t kMaxTuple = 1024;
constexpr int kMaxStage = 1023;

std::string_view Trim(std::string_view text) {
  const absl::string_view trimmed =
      absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size()));
  return {trimmed.data(), trimmed.size()};
}

class Parser {
 public:
  Parser(const GraphLimits& limits, PipeDreamProfile* out) : limits_(limits), out_(*out) {}

  absl::Status Parse(std::string_view text) {
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      ++line_;
      GOPT_RETURN_IF_ERROR(Line(text.substr(0, end)));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (out_.nodes.empty()) return absl::InvalidArgumentError("there is no node");
    return ResolveEdges();
  }

 private:
  absl::Status Fault(std::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("line ", line_, ": ", std::string(what)));
  }
  absl::Status NodeFault(const PipeDreamProfile::Node& node, std::string_view what) const {
    return Fault(absl::StrCat("node '", Printable(node.name), "': ", std::string(what)));
  }

  absl::Status Line(std::string_view line) {
    if (Trim(line).empty()) return absl::OkStatus();
    return absl::ascii_isspace(static_cast<unsigned char>(line.front())) ? EdgeLine(Trim(line))
                                                                         : NodeLine(Trim(line));
  }

  absl::Status EdgeLine(std::string_view line) {
    const size_t separator = line.find(kSeparator);
    if (separator == std::string_view::npos) return Fault("expected 'producer -- reader'");
    if (static_cast<int64_t>(edges_.size()) >= limits_.max_edges) {
      return Fault(absl::StrCat("exceeds the limit of ", limits_.max_edges, " edges"));
    }
    edges_.push_back(
        {line_, line.substr(0, separator), Trim(line.substr(separator + kSeparator.size()))});
    return absl::OkStatus();
  }

  absl::Status NodeLine(std::string_view line) {
    PipeDreamProfile::Node node;
    node.line = line_;
    const size_t name_end = line.find(kSeparator);
    const size_t figures = line.rfind(kFigures);
    if (name_end == std::string_view::npos || figures == std::string_view::npos) {
      return Fault("expected 'name -- description -- forward_compute_time=...'");
    }
    node.name = std::string(line.substr(0, name_end));
    if (figures > name_end) {
      const size_t begin = name_end + kSeparator.size();
      node.description = std::string(line.substr(begin, std::max(figures, begin) - begin));
    }
    if (node.description.size() > static_cast<size_t>(limits_.max_name_bytes)) {
      return NodeFault(node, "the description is too long");
    }
    if (static_cast<int64_t>(out_.nodes.size()) >= limits_.max_ops) {
      return Fault(absl::StrCat("exceeds the limit of ", limits_.max_ops, " ops"));
    }
    GOPT_RETURN_IF_ERROR(Figures(line.substr(figures + kSeparator.size()), &node));
    const auto [it, is_new] = index_.try_emplace(node.name, static_cast<int32_t>(index_.size()));
    if (!is_new) return NodeFault(node, "is given twice");
    out_.nodes.push_back(std::move(node));
    return absl::OkStatus();
  }

  // "forward_compute_time=0.5, ..., parameter_size=8.000", perhaps " -- stage_id=3".
  absl::Status Figures(std::string_view text, PipeDreamProfile::Node* node) {
    if (const size_t stage = text.find(kSeparator); stage != std::string_view::npos) {
      GOPT_RETURN_IF_ERROR(Stage(text.substr(stage + kSeparator.size()), node));
      text = text.substr(0, stage);
    }
    const std::vector<std::string> fields =
        absl::StrSplit(absl::string_view(text.data(), text.size()), ", ");
    static constexpr const char* kNames[] = {"forward_compute_time", "backward_compute_time",
                                             "activation_size", "parameter_size"};
    if (fields.size() != std::size(kNames)) {
      return NodeFault(*node, absl::StrCat("has ", fields.size(), " figures, expected 4"));
    }
    for (size_t i = 0; i < fields.size(); ++i) {
      absl::string_view value = fields[i];
      if (!absl::ConsumePrefix(&value, absl::StrCat(kNames[i], "="))) {
        return NodeFault(
            *node, absl::StrCat("expected ", kNames[i], ", not '", Printable(fields[i]), "'"));
      }
      GOPT_RETURN_IF_ERROR(Figure(i, kNames[i], {value.data(), value.size()}, node));
    }
    return absl::OkStatus();
  }

  absl::Status Figure(size_t field, const char* name, std::string_view value,
                      PipeDreamProfile::Node* node) {
    if (field == 2) return Activations(value, node);
    const auto number = Number(value);
    if (!number.has_value()) return NumberFault(*node, name, value);
    const int64_t whole = SaturatingFloor(field < 2 ? *number * 1e6 + 0.5 : *number + 0.5);
    if (whole >= kSaturated) return NumberFault(*node, name, value);
    (field == 0 ? node->forward : field == 1 ? node->backward : node->parameter_bytes) = whole;
    return absl::OkStatus();
  }

  // "8.0" or "[8.0; 4.0]".
  absl::Status Activations(std::string_view text, PipeDreamProfile::Node* node) {
    std::string_view inside = text;
    if (inside.starts_with('[') && inside.ends_with(']')) {
      inside = inside.substr(1, inside.size() - 2);
    }
    while (true) {
      const size_t end = inside.find(';');
      const auto number = Number(Trim(inside.substr(0, end)));
      if (!number.has_value() || *number >= static_cast<double>(kSaturated)) {
        return NumberFault(*node, "activation_size", text);
      }
      if (node->activation_bytes.size() >= kMaxTuple) {
        return NodeFault(*node, absl::StrCat("gives more than ", kMaxTuple, " tensors"));
      }
      node->activation_bytes.push_back(SaturatingFloor(*number + 0.5));
      if (end == std::string_view::npos) return absl::OkStatus();
      inside.remove_prefix(end + 1);
    }
  }

  absl::Status Stage(std::string_view text, PipeDreamProfile::Node* node) {
    absl::string_view value(text.data(), text.size());
    if (!absl::ConsumePrefix(&value, "stage_id=") || !absl::SimpleAtoi(value, &node->stage) ||
        node->stage < 0 || node->stage > kMaxStage) {
      return NodeFault(*node, absl::StrCat("expected stage_id=0 to ", kMaxStage, ", not '",
                                           Printable(text), "'"));
    }
    return absl::OkStatus();
  }

  static std::optional<double> Number(std::string_view text) {
    double value = 0.0;
    if (!absl::SimpleAtod(absl::string_view(text.data(), text.size()), &value)) return std::nullopt;
    if (!std::isfinite(value) || value < 0.0) return std::nullopt;
    return value;
  }
  absl::Status NumberFault(const PipeDreamProfile::Node& node, std::string_view name,
                           std::string_view text) const {
    return NodeFault(node, absl::StrCat(std::string(name), " is '", Printable(text),
                                        "', expected a number from 0 to 2^62"));
  }

  absl::Status ResolveEdges() {
    for (const Edge& edge : edges_) {
      line_ = edge.line;
      const auto from = index_.find(std::string(edge.from));
      const auto to = index_.find(std::string(edge.to));
      if (from == index_.end() || to == index_.end()) {
        return Fault(absl::StrCat("there is no node '",
                                  Printable(from == index_.end() ? edge.from : edge.to), "'"));
      }
      out_.edges.emplace_back(from->second, to->second);
    }
    return absl::OkStatus();
  }

  struct Edge {
    int64_t line;
    std::string_view from, to;
  };

  const GraphLimits& limits_;
  PipeDreamProfile& out_;
  int64_t line_ = 0;
  absl::flat_hash_map<std::string, int32_t> index_;
  std::vector<Edge> edges_;  // Of the text: nodes may follow their edges.
};

}  // namespace

absl::StatusOr<PipeDreamProfile> ParsePipeDream(std::string_view text, const GraphLimits& limits) {
  PipeDreamProfile profile;
  GOPT_RETURN_IF_ERROR(Parser(limits, &profile).Parse(text));
  return profile;
}

}  // namespace gopt
