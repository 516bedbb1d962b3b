#include <cmath>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "src/io/dnn_partitioning.h"
#include "src/io/json_path.h"

namespace gopt {
namespace {

constexpr double kMaxId = 2'147'483'647.0;

// Reads scalars into fields, each once an object.
class FieldReader : public JsonPathHandler {
 protected:
  explicit FieldReader(const GraphLimits& limits) : limits_(limits) {}

  bool Once(int field) {
    const uint32_t bit = 1u << field;
    if ((seen_ & bit) != 0) return Fault("is given twice");
    seen_ |= bit;
    return true;
  }
  bool Whole(const Scalar& value, int64_t* out) {
    double real = 0.0;
    if (!Real(value, &real)) return false;
    if (std::floor(real) != real || real > kMaxId) return Fault("is no whole number below 2^31");
    *out = static_cast<int64_t>(real);
    return true;
  }
  bool Real(const Scalar& value, double* out) {
    if (value.kind != Scalar::kNumber) return Fault("is no number");
    if (!(value.number >= 0.0) || value.number > 0x1p62) return Fault("is below 0 or above 2^62");
    *out = value.number;
    return true;
  }
  bool Flag(const Scalar& value, bool* out) {
    if (!value.is_number() || (value.number != 0.0 && value.number != 1.0)) {
      return Fault("is not true, false, 0 or 1");
    }
    *out = value.number != 0.0;
    return true;
  }
  bool Text(const Scalar& value, std::string* out) {
    if (value.kind != Scalar::kText) return Fault("is no text");
    if (value.text->size() > static_cast<size_t>(limits_.max_name_bytes)) {
      return Fault("is too long");
    }
    *out = *value.text;
    return true;
  }

  const GraphLimits& limits_;
  uint32_t seen_ = 0;  // Fields of the object at hand.
};

class GraphHandler final : public FieldReader {
 public:
  GraphHandler(const GraphLimits& limits, DnnPartitioningGraph* out)
      : FieldReader(limits), out_(*out) {}

  absl::Status Missing() const {
    for (const auto& [field, there] :
         {std::pair("maxSizePerFPGA", out_.accelerator_bytes >= 0.0),
          std::pair("maxFPGAs", out_.accelerators >= 0), std::pair("maxCPUs", out_.cpus >= 0),
          std::pair("nodes", saw_nodes_), std::pair("edges", saw_edges_)}) {
      if (!there) return absl::InvalidArgumentError(absl::StrCat(field, " is missing"));
    }
    return absl::OkStatus();
  }

 private:
  bool OnEnter(bool is_list) override {
    if (path().empty()) return !is_list || Fault("is a list, not an object");
    if (path().size() == 1 && (path()[0].key == "nodes" || path()[0].key == "edges")) {
      bool& saw = path()[0].key == "nodes" ? saw_nodes_ : saw_edges_;
      if (!is_list) return Fault("is an object, expected a list");
      if (saw) return Fault("is given twice");
      return saw = true;
    }
    if (IsField("nodes", 2)) return !is_list ? StartNode() : Fault("is a list, not an object");
    if (IsField("edges", 2)) return !is_list ? StartEdge() : Fault("is a list, not an object");
    return true;
  }

  bool StartNode() {
    if (static_cast<int64_t>(out_.nodes.size()) >= limits_.max_ops) {
      return Fault(absl::StrCat("exceeds the limit of ", limits_.max_ops, " ops"));
    }
    out_.nodes.emplace_back();
    seen_ = 0;
    return true;
  }
  bool StartEdge() {
    if (static_cast<int64_t>(out_.edges.size()) >= limits_.max_edges) {
      return Fault(absl::StrCat("exceeds the limit of ", limits_.max_edges, " edges"));
    }
    out_.edges.emplace_back();
    seen_ = 0;
    return true;
  }

  bool OnLeave() override {
    if (IsField("nodes", 3)) return Require(kNodeFields, 5);
    if (IsField("edges", 3)) return Require(kEdgeFields, 3);
    return true;
  }
  // The first `count` of the names must have been there.
  bool Require(const std::string_view* names, int count) {
    for (int i = 0; i < count; ++i) {
      if ((seen_ >> i & 1u) != 0) continue;
      return Reject(absl::StrCat(path()[0].key, "[", path()[1].index, "].", std::string(names[i]),
                                 " is missing"));
    }
    return true;
  }

  bool OnScalar(const Scalar& value) override {
    if (path().empty()) return Fault("is no object");
    if (path().size() == 1) return Top(value);
    if (IsField("nodes", 3)) return NodeField(value);
    if (IsField("edges", 3)) return EdgeField(value);
    if (IsField("nodes", 2) || IsField("edges", 2)) return Fault("is no object");
    return true;
  }

  bool Top(const Scalar& value) {
    const std::string& key = path()[0].key;
    if (key == "maxSizePerFPGA") return Real(value, &out_.accelerator_bytes);
    if (key == "maxFPGAs") return Whole(value, &out_.accelerators);
    if (key == "maxCPUs") return Whole(value, &out_.cpus);
    if (key == "nodes" || key == "edges") return Fault("is no list");
    return true;
  }

  static int IndexOf(const std::string_view* names, int count, const std::string& name) {
    for (int i = 0; i < count; ++i) {
      if (names[i] == name) return i;
    }
    return -1;
  }

  bool NodeField(const Scalar& value) {
    DnnPartitioningGraph::Node& node = out_.nodes.back();
    const int field = IndexOf(kNodeFields, 8, path()[2].key);
    if (field < 0) return true;
    if (!Once(field)) return false;
    switch (field) {
      case 0:
        return Text(value, &node.name);
      case 1:
        return Whole(value, &node.id);
      case 2:
        return Real(value, &node.cpu_ms);
      case 3:
        return Real(value, &node.accelerator_ms);
      case 4:
        return Real(value, &node.bytes);
      case 5:
        return Flag(value, &node.on_accelerator);
      case 6:
        return Flag(value, &node.backward);
      default:
        return value.kind == Scalar::kNull || Whole(value, &node.color);
    }
  }

  bool EdgeField(const Scalar& value) {
    DnnPartitioningGraph::Edge& edge = out_.edges.back();
    const int field = IndexOf(kEdgeFields, 4, path()[2].key);
    if (field < 0) return true;
    if (!Once(field)) return false;
    switch (field) {
      case 0:
        return Whole(value, &edge.from);
      case 1:
        return Whole(value, &edge.to);
      case 2:
        return Real(value, &edge.cost);
      default:
        return Real(value, &edge.bytes);
    }
  }

  static constexpr std::string_view kNodeFields[] = {"name",
                                                     "id",
                                                     "cpuLatency",
                                                     "fpgaLatency",
                                                     "size",  // Required to here.
                                                     "supportedOnFpga",
                                                     "isBackwardNode",
                                                     "colorClass"};
  static constexpr std::string_view kEdgeFields[] = {"sourceId", "destId", "cost", "size"};

  DnnPartitioningGraph& out_;
  bool saw_nodes_ = false, saw_edges_ = false;
};

// {"fpgas": [{"nodes": [1, 2]}, ...], "cpus": [...]}
class SplitHandler final : public FieldReader {
 public:
  SplitHandler(const GraphLimits& limits, DnnPartitioningSplit* out)
      : FieldReader(limits), out_(*out) {}

 private:
  std::vector<std::vector<int64_t>>* Devices() {
    if (path().empty()) return nullptr;
    if (path()[0].key == "fpgas") return &out_.accelerators;
    return path()[0].key == "cpus" ? &out_.cpus : nullptr;
  }
  bool OnEnter(bool is_list) override {
    if (path().empty()) return !is_list || Fault("is a list, not an object");
    if (path().size() == 2 && Devices() != nullptr) {
      if (Devices()->size() >= 1024) return Fault("is one device too many");
      Devices()->emplace_back();
    }
    return true;
  }
  bool OnScalar(const Scalar& value) override {
    if (path().empty()) return Fault("is no object");
    if (path().size() != 4 || Devices() == nullptr || path()[2].key != "nodes") return true;
    if (Devices()->empty()) return Fault("is of no device");
    int64_t id = 0;
    if (!Whole(value, &id)) return false;
    if (++count_ > limits_.max_ops) {
      return Fault(absl::StrCat("exceeds the limit of ", limits_.max_ops, " ops"));
    }
    Devices()->back().push_back(id);
    return true;
  }

  DnnPartitioningSplit& out_;
  int64_t count_ = 0;
};

}  // namespace

absl::StatusOr<DnnPartitioningGraph> ParseDnnPartitioning(std::string_view text,
                                                          const GraphLimits& limits) {
  DnnPartitioningGraph graph;
  GraphHandler handler(limits, &graph);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &handler)) return handler.status();
  GOPT_RETURN_IF_ERROR(handler.Missing());
  return graph;
}

absl::StatusOr<DnnPartitioningSplit> ParseDnnPartitioningSplit(std::string_view text,
                                                               const GraphLimits& limits) {
  DnnPartitioningSplit split;
  SplitHandler handler(limits, &split);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &handler)) return handler.status();
  return split;
}

}  // namespace gopt
