#include "gopt/plan/fusion_rules.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"

namespace gopt {
namespace {

constexpr int64_t kTileRows = 128;
constexpr int64_t kTileColumns = 128;

// a * b for non-negative values, at most 2^62.
int64_t SaturatingMultiply(int64_t a, int64_t b) {
  const auto product = static_cast<__int128>(a) * b;
  return product >= kSaturated ? kSaturated : static_cast<int64_t>(product);
}

int64_t CeilDivide(int64_t a, int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

// Elements of the tensor; from its bytes when the shape is unknown or a scalar's.
int64_t ElementCount(const Graph& graph, PortId port) {
  const std::span<const int64_t> dims = graph.dims(port);
  if (dims.empty()) {
    return graph.port_bytes(port) / std::max(1, ElementSize(graph.dtype(port)));
  }
  int64_t count = 1;
  for (const int64_t dim : dims) count = SaturatingMultiply(count, dim);
  return count;
}

// Equal dimensions; where neither has any (a scalar, or not known), equal bytes.
bool SameShape(const Graph& graph, PortId a, PortId b) {
  const std::span<const int64_t> dims_a = graph.dims(a), dims_b = graph.dims(b);
  if (!std::equal(dims_a.begin(), dims_a.end(), dims_b.begin(), dims_b.end())) return false;
  return !dims_a.empty() || graph.port_bytes(a) == graph.port_bytes(b);
}

// Whether `out` is what a reduction of `in` along its last dimension leaves: the shape of `in`
// (softmax, norm), or that without the last dimension, or with 1 there.
bool IsRowWise(std::span<const int64_t> in, std::span<const int64_t> out) {
  if (in.empty()) return false;
  const std::span<const int64_t> rows = in.first(in.size() - 1);
  if (out.size() < rows.size() || out.size() > in.size()) return false;
  if (!std::equal(rows.begin(), rows.end(), out.begin())) return false;
  return out.size() == rows.size() || out.back() == in.back() || out.back() == 1;
}

bool IsMapped(FusionClass fusion_class) {
  return fusion_class == FusionClass::kElementwise || fusion_class == FusionClass::kBroadcast ||
         fusion_class == FusionClass::kDataMovement;
}

// One candidate group, checked rule by rule in the order of docs/simulator.md.
class FusionChecker {
 public:
  FusionChecker(const Graph& graph, std::span<const OpId> ops, const FusionLimits& limits)
      : graph_(graph), ops_(ops), limits_(limits) {}

  absl::Status Check() {
    if (ops_.size() > static_cast<size_t>(limits_.max_ops)) {
      return Error(ops_.front(), absl::StrCat("kernel of ", ops_.size(), " ops, at most ",
                                              limits_.max_ops, " may fuse"));
    }
    for (const OpId op : ops_) GOPT_RETURN_IF_ERROR(CheckMember(op));
    GOPT_RETURN_IF_ERROR(CheckContraction());
    CollectTensors();
    GOPT_RETURN_IF_ERROR(CheckContractionReadsNothing());
    for (const OpId op : ops_) {
      if (graph_.fusion_class(op) == FusionClass::kReduction) {
        GOPT_RETURN_IF_ERROR(CheckReduction(op));
      }
    }
    GOPT_RETURN_IF_ERROR(CheckConnected());
    return CheckSizes();
  }

 private:
  absl::Status Error(OpId op, const std::string& rule) const {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot fuse ", graph_.Describe(op), ": ", rule));
  }

  bool Holds(OpId op) const { return std::binary_search(ops_.begin(), ops_.end(), op); }

  std::span<const PortId> Operands(OpId op) const { return graph_.operands(op); }

  absl::Status CheckMember(OpId op) const {
    if (!graph_.in_kernel(op)) return Error(op, "it runs in no kernel");
    if (graph_.kind(op) == OpKind::kCollective) return Error(op, "collectives run alone");
    if (graph_.phase(op) == Phase::kOptimizer) return Error(op, "optimizer ops run alone");
    if (graph_.has_side_effect(op)) return Error(op, "it has a side effect");
    const FusionClass fusion_class = graph_.fusion_class(op);
    if (fusion_class == FusionClass::kOpaque || fusion_class == FusionClass::kUnspecified) {
      return Error(op, "opaque ops run alone");
    }
    if (fusion_class == FusionClass::kDataMovement) return CheckDataMovement(op);
    return absl::OkStatus();
  }

  // Elementwise: one tensor in, as many elements out.
  absl::Status CheckDataMovement(OpId op) const {
    const std::span<const PortId> operands = Operands(op);
    if (operands.empty() || std::any_of(operands.begin(), operands.end(),
                                        [&](PortId port) { return port != operands[0]; })) {
      return Error(op, "data movement fuses only with exactly one operand");
    }
    const PortId first = graph_.first_port(op);
    for (PortId port = first; port < first + graph_.num_ports(op); ++port) {
      if (ElementCount(graph_, port) != ElementCount(graph_, operands[0])) {
        return Error(op, "data movement fuses only where the element count stays equal");
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckContraction() {
    for (const OpId op : ops_) {
      if (graph_.fusion_class(op) != FusionClass::kContraction) continue;
      if (contraction_ != kNone) {
        return Error(op, absl::StrCat("a kernel holds at most one contraction, and ",
                                      graph_.Describe(contraction_), " is one"));
      }
      contraction_ = op;
    }
    if (contraction_ == kNone) return absl::OkStatus();
    if (graph_.num_ports(contraction_) == 0) return Error(contraction_, "it has no output");
    for (const OpId op : ops_) {
      if (op != contraction_) GOPT_RETURN_IF_ERROR(CheckFollower(op));
    }
    return absl::OkStatus();
  }

  absl::Status CheckFollower(OpId op) const {
    if (!IsMapped(graph_.fusion_class(op))) {
      return Error(op, absl::StrCat("only elementwise and broadcast ops fuse with contraction ",
                                    graph_.Describe(contraction_)));
    }
    const PortId result = graph_.first_port(contraction_);
    const PortId first = graph_.first_port(op);
    for (PortId port = first; port < first + graph_.num_ports(op); ++port) {
      if (!SameShape(graph_, port, result)) {
        return Error(op, absl::StrCat("its shape is not that of contraction ",
                                      graph_.Describe(contraction_)));
      }
    }
    return absl::OkStatus();
  }

  // Distinct tensors read by the ops: made here, or not.
  void CollectTensors() {
    for (const OpId op : ops_) {
      for (const PortId port : Operands(op)) {
        (Holds(graph_.producer(port)) ? internal_ : external_).push_back(port);
      }
    }
    for (std::vector<PortId>* ports : {&internal_, &external_}) {
      std::sort(ports->begin(), ports->end());
      ports->erase(std::unique(ports->begin(), ports->end()), ports->end());
    }
  }

  bool ReadsInternal(OpId op) const {
    const std::span<const PortId> operands = Operands(op);
    return std::any_of(operands.begin(), operands.end(),
                       [&](PortId port) { return Holds(graph_.producer(port)); });
  }

  absl::Status CheckContractionReadsNothing() const {
    if (contraction_ == kNone || !ReadsInternal(contraction_)) return absl::OkStatus();
    return Error(contraction_, "a contraction reads nothing made in its kernel");
  }

  bool IsReadHere(OpId op) const {
    const PortId first = graph_.first_port(op);
    const auto it = std::lower_bound(internal_.begin(), internal_.end(), first);
    return it != internal_.end() && *it < first + graph_.num_ports(op);
  }

  absl::Status CheckReduction(OpId op) const {
    if (!IsReadHere(op)) return absl::OkStatus();  // Last.
    const std::span<const PortId> operands = Operands(op);
    const PortId first = graph_.first_port(op);
    for (PortId port = first; port < first + graph_.num_ports(op); ++port) {
      if (operands.empty() || !IsRowWise(graph_.dims(operands[0]), graph_.dims(port))) {
        return Error(op, "a reduction fuses only row-wise (along the last dimension) or last");
      }
    }
    return absl::OkStatus();
  }

  // Every op hangs together with the first by tensors made here.
  absl::Status CheckConnected() const {
    std::vector<size_t> part(ops_.size());
    for (size_t i = 0; i < part.size(); ++i) part[i] = i;
    for (size_t i = 0; i < ops_.size(); ++i) {
      for (const PortId port : Operands(ops_[i])) {
        const auto maker = std::lower_bound(ops_.begin(), ops_.end(), graph_.producer(port));
        if (maker == ops_.end() || *maker != graph_.producer(port)) continue;
        const size_t from = part[i], to = part[maker - ops_.begin()];
        std::replace(part.begin(), part.end(), std::max(from, to), std::min(from, to));
      }
    }
    const auto apart = std::find_if(part.begin(), part.end(), [](size_t p) { return p != 0; });
    if (apart == part.end()) return absl::OkStatus();
    return Error(ops_[apart - part.begin()], absl::StrCat("no tensor of the kernel connects it to ",
                                                          graph_.Describe(ops_.front())));
  }

  absl::Status CheckSizes() const {
    if (external_.size() > static_cast<size_t>(limits_.max_operands)) {
      return Error(ops_.front(), absl::StrCat("the kernel reads ", external_.size(),
                                              " tensors from outside, at most ",
                                              limits_.max_operands, " may be"));
    }
    int64_t bytes = 0;
    for (const PortId port : internal_) bytes = SaturatingAdd(bytes, OnChipBytes(graph_, port));
    if (bytes <= limits_.on_chip_bytes) return absl::OkStatus();
    return Error(ops_.front(), absl::StrCat("the kernel keeps ", bytes, " bytes on chip, at most ",
                                            limits_.on_chip_bytes, " fit"));
  }

  const Graph& graph_;
  std::span<const OpId> ops_;
  const FusionLimits& limits_;
  OpId contraction_ = kNone;
  std::vector<PortId> internal_, external_;
};

}  // namespace

int64_t OnChipBytes(const Graph& graph, PortId port) {
  const std::span<const int64_t> dims = graph.dims(port);
  if (dims.empty()) return graph.port_bytes(port);  // A scalar, or a shape that is not known.
  const bool tile = graph.fusion_class(graph.producer(port)) == FusionClass::kContraction;
  int64_t columns = dims.back();
  if (tile) columns = std::min(columns, kTileColumns);
  const int64_t elements = SaturatingMultiply(columns, tile ? kTileRows : 1);
  const int size = ElementSize(graph.dtype(port));
  if (size > 0) return SaturatingMultiply(elements, size);
  const int64_t count = std::max<int64_t>(1, ElementCount(graph, port));
  return SaturatingMultiply(elements, CeilDivide(graph.port_bytes(port), count));
}

absl::Status CheckFusible(const Graph& graph, std::span<const OpId> ops,
                          const FusionLimits& limits) {
  if (ops.size() <= 1) return absl::OkStatus();
  return FusionChecker(graph, ops, limits).Check();
}

}  // namespace gopt
