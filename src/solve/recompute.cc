#include "gopt/solve/recompute.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/plan/clone_rules.h"
#include "gopt/plan/fusion_rules.h"
#include "gopt/plan/validate.h"

namespace gopt {
namespace {

constexpr int32_t kNowhere = std::numeric_limits<int32_t>::max();

bool IsOutput(const Graph& graph, OpId op) {
  const PortId first = graph.first_port(op);
  for (PortId port = first; port < first + graph.num_ports(op); ++port) {
    if (graph.is_output(port)) return true;
  }
  return false;
}

// The rule that keeps the op from being recomputed; empty: none.
std::string_view RuleAgainst(const Graph& graph, OpId op) {
  if (graph.kind(op) != OpKind::kCompute) return "only compute ops are";
  if (graph.phase(op) == Phase::kBackward) return "it is a backward op";
  if (IsOutput(graph, op)) return "it is an output of the step";
  return WhyItRunsOnce(graph, op);
}

// Makes one plan. Kernels are looked at in reverse order, so that what reads a copy is known.
class Recomputer {
 public:
  Recomputer(const Problem& problem, const Plan& plan, std::span<const KernelId> order)
      : problem_(problem),
        graph_(problem.graph()),
        plan_(plan),
        kernels_(*plan.kernels),
        order_(order),
        homes_(ParameterHomes(graph_, plan)) {}

  absl::StatusOr<Plan> Run(std::span<const OpId> ops) {
    GOPT_RETURN_IF_ERROR(ReadOrder());
    GOPT_RETURN_IF_ERROR(ReadOps(ops));
    FindCopies();
    FindUnread();
    return Build();
  }

 private:
  // Kernels that copy ops of one kernel, put before the kernel at `slot` of the order.
  struct Copy {
    int32_t slot;
    DeviceId device;
    bool whole;             // They are all that the kernel holds.
    std::vector<OpId> ops;  // Ascending.
  };

  absl::Status ReadOrder() {
    position_.assign(kernels_.size(), kNone);
    if (order_.size() != position_.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("recompute: an order of ", order_.size(), " kernels for ", kernels_.size()));
    }
    for (size_t i = 0; i < order_.size(); ++i) {
      const KernelId kernel = order_[i];
      if (kernel < 0 || kernel >= kernels_.size() || position_[kernel] != kNone) {
        return absl::InvalidArgumentError(
            absl::StrCat("recompute: kernel ", kernel, " of the order does not exist or is twice"));
      }
      position_[kernel] = static_cast<int32_t>(i);
    }
    return absl::OkStatus();
  }

  absl::Status ReadOps(std::span<const OpId> ops) {
    state_.assign(graph_.num_ops(), State::kKept);
    for (const OpId op : ops) {
      if (op < 0 || op >= graph_.num_ops()) {
        return absl::InvalidArgumentError(absl::StrCat("recompute: op ", op, " does not exist"));
      }
      std::string_view rule = RuleAgainst(graph_, op);
      if (rule.empty() && kernels_.kernels_of(op).size() > 1)
        rule = "it has several copies already";
      if (rule.empty() && kernels_.is_backward(kernels_.kernel_of(op))) {
        rule = "it shares its kernel with the backward pass";
      }
      if (!rule.empty()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "recompute: ", graph_.Describe(op), " cannot be recomputed: ", std::string(rule)));
      }
      state_[op] = State::kAsked;
    }
    return absl::OkStatus();
  }

  bool IsCopied(OpId op) const { return state_[op] >= State::kCopied; }

  // Where the backward pass first needs the op, the end of the order if nowhere.
  int32_t FirstBackwardReader(OpId op) const {
    int32_t first = kNowhere;
    for (const OpId reader : graph_.successors(op)) {
      if (IsCopied(reader)) first = std::min(first, slot_[reader]);
      for (const KernelId kernel : kernels_.kernels_of(reader)) {
        if (kernels_.is_backward(kernel)) first = std::min(first, position_[kernel]);
      }
    }
    return first;
  }

  // Where the first update of a parameter that the op reads stands.
  int32_t FirstUpdate(OpId op) const {
    int32_t first = kNowhere;
    for (const PortId port : graph_.operands(op)) {
      const int parameter = graph_.parameter_index(graph_.producer(port));
      const OpId update = parameter == kNone ? kNone : graph_.optimizer_op(parameter);
      if (update == kNone) continue;
      for (const KernelId kernel : kernels_.kernels_of(update)) {
        first = std::min(first, position_[kernel]);
      }
    }
    return first;
  }

  void FindCopies() {
    copy_of_.assign(graph_.num_ops(), kNone);
    slot_.assign(graph_.num_ops(), kNowhere);
    for (auto kernel = order_.rbegin(); kernel != order_.rend(); ++kernel) {
      Copy copy = {.slot = kNowhere, .device = kNone, .whole = false, .ops = {}};
      const std::span<const OpId> ops = kernels_.ops(*kernel);
      for (auto op = ops.rbegin(); op != ops.rend(); ++op) {
        if (state_[*op] != State::kAsked) continue;
        slot_[*op] = FirstBackwardReader(*op);
        if (slot_[*op] == kNowhere) continue;
        state_[*op] = State::kCopied;
        copy_of_[*op] = static_cast<int32_t>(copies_.size());
        copy.slot = std::min(copy.slot, slot_[*op]);
        const int32_t update = FirstUpdate(*op);
        if (update > position_[*kernel]) copy.slot = std::min(copy.slot, update);
        copy.ops.push_back(*op);
      }
      if (copy.ops.empty()) continue;
      std::reverse(copy.ops.begin(), copy.ops.end());
      for (const OpId op : copy.ops) slot_[op] = copy.slot;
      copy.whole = copy.ops.size() == ops.size();
      copy.device = DeviceFor(*kernel, copy);
      copies_.push_back(std::move(copy));
    }
  }

  DeviceId DeviceFor(KernelId kernel, const Copy& copy) const {
    const DeviceId own = plan_.device[kernel];
    if (!MayMove(copy)) return own;
    std::vector<int64_t> bytes(problem_.machine().num_devices(), -1);  // Read there.
    for (const OpId op : copy.ops) CountReads(op, &bytes);
    if (bytes[own] >= 0) return own;
    const auto most =
        static_cast<DeviceId>(std::max_element(bytes.begin(), bytes.end()) - bytes.begin());
    return bytes[most] >= 0 && MayRunOn(copy, most) ? most : own;
  }

  bool MayRunOn(const Copy& copy, DeviceId device) const {
    for (DeviceId from = 0; from < problem_.machine().num_devices(); ++from) {
      if (from != device && !problem_.machine().has_route(from, device)) return false;
    }
    return std::all_of(copy.ops.begin(), copy.ops.end(),
                       [&](OpId op) { return problem_.is_allowed(op, device); });
  }

  // Updated parameters must be read at home, where the sequence keeps the update after the copy.
  bool MayMove(const Copy& copy) const {
    if (!problem_.tasks().placement || !problem_.constraints().empty()) return false;
    return std::none_of(copy.ops.begin(), copy.ops.end(), [&](OpId op) {
      return problem_.colocation_group()[op] != kNone || FirstUpdate(op) < kNowhere;
    });
  }

  void CountReads(OpId op, std::vector<int64_t>* bytes) const {
    const PortId first = graph_.first_port(op);
    for (PortId port = first; port < first + graph_.num_ports(op); ++port) {
      for (const OpId reader : graph_.readers(port)) {
        const auto copy = static_cast<size_t>(copy_of_[reader]);
        const bool elsewhere =
            IsCopied(reader) && copy < copies_.size();  // Not in the one in hand.
        if (elsewhere) CountRead(copies_[copy].device, port, bytes);
        for (const KernelId kernel : kernels_.kernels_of(reader)) {
          if (kernels_.is_backward(kernel)) CountRead(plan_.device[kernel], port, bytes);
        }
      }
    }
  }

  void CountRead(DeviceId device, PortId port, std::vector<int64_t>* bytes) const {
    int64_t& sum = (*bytes)[device];
    sum = SaturatingAdd(std::max<int64_t>(sum, 0), graph_.port_bytes(port));
  }

  bool FirstValueIsRead(OpId op) const {
    for (const OpId reader : graph_.successors(op)) {
      if (state_[reader] == State::kMoved) continue;
      const std::span<const KernelId> kernels = kernels_.kernels_of(reader);
      if (std::any_of(kernels.begin(), kernels.end(),
                      [&](KernelId kernel) { return !kernels_.is_backward(kernel); })) {
        return true;
      }
    }
    return false;
  }

  // Readers have higher ids.
  void FindUnread() {
    for (OpId op = graph_.num_ops() - 1; op >= 0; --op) {
      if (state_[op] == State::kCopied && !FirstValueIsRead(op)) state_[op] = State::kMoved;
    }
  }

  absl::StatusOr<Plan> Build() {
    std::vector<std::vector<int32_t>> copies_at(order_.size());
    for (auto i = static_cast<int32_t>(copies_.size()) - 1; i >= 0; --i) {  // In forward order.
      copies_at[copies_[i].slot].push_back(i);
    }
    std::vector<std::vector<KernelId>> parts(kernels_.size());  // New kernels of each old one.
    columns_.begin = {0};
    for (KernelId kernel = 0; kernel < kernels_.size(); ++kernel) {
      const bool whole = Remaining(kernel).size() == kernels_.ops(kernel).size();
      parts[kernel] =
          Add(Remaining(kernel), whole, {plan_.device[kernel], plan_.rank[kernel], Mark(kernel)});
    }
    for (size_t slot = 0; slot < order_.size(); ++slot) {
      for (const int32_t i : copies_at[slot]) {
        AddToSequence(Add(copies_[i].ops, copies_[i].whole,
                          {copies_[i].device, plan_.rank[order_[slot]], true}));
      }
      AddToSequence(parts[order_[slot]]);
    }
    return Finish();
  }

  bool Mark(KernelId kernel) const {
    const std::vector<uint8_t>& marks = kernels_.columns().recompute;
    return !marks.empty() && marks[kernel] != 0;
  }

  std::vector<OpId> Remaining(KernelId kernel) const {
    std::vector<OpId> ops;
    for (const OpId op : kernels_.ops(kernel)) {
      if (state_[op] != State::kMoved) ops.push_back(op);
    }
    return ops;
  }

  struct Position {
    DeviceId device;
    int32_t rank;
    bool recompute;
  };

  // One kernel if the ops are all of an old one's or may be fused, else one for each.
  std::vector<KernelId> Add(const std::vector<OpId>& ops, bool whole, const Position& position) {
    std::vector<KernelId> added;
    const bool together = whole || CheckFusible(graph_, ops, problem_.fusion_limits()).ok();
    const size_t size = together ? ops.size() : 1;
    for (size_t i = 0; i < ops.size(); i += size) {
      added.push_back(static_cast<KernelId>(result_.device.size()));
      const auto begin = ops.begin() + static_cast<ptrdiff_t>(i);
      columns_.ops.insert(columns_.ops.end(), begin, begin + static_cast<ptrdiff_t>(size));
      columns_.begin.push_back(static_cast<int32_t>(columns_.ops.size()));
      columns_.recompute.push_back(position.recompute ? 1 : 0);
      result_.device.push_back(position.device);
      result_.rank.push_back(position.rank);
    }
    return added;
  }

  void AddToSequence(const std::vector<KernelId>& kernels) {
    result_.sequence.insert(result_.sequence.end(), kernels.begin(), kernels.end());
  }

  absl::StatusOr<Plan> Finish() {
    columns_.recomputed_ops = kernels_.columns().recomputed_ops;
    for (OpId op = 0; op < graph_.num_ops(); ++op) {
      if (state_[op] == State::kCopied) columns_.recomputed_ops.push_back(op);
    }
    std::sort(columns_.recomputed_ops.begin(), columns_.recomputed_ops.end());
    if (copies_.empty() && kernels_.columns().recompute.empty()) columns_.recompute.clear();
    if (copies_.empty()) {
      result_.kernels = plan_.kernels;
    } else {
      GOPT_ASSIGN_OR_RETURN(result_.kernels,
                            Kernels::Create(problem_.shared_graph(), std::move(columns_)));
    }
    result_.dispatch = Dispatch::kSequence;
    result_.producer = plan_.producer;
    result_.metadata = plan_.metadata;
    result_.parameter_home = plan_.parameter_home;
    if (ParameterHomes(graph_, result_) != homes_) result_.parameter_home = homes_;
    return std::move(result_);
  }

  // What becomes of an op: untouched, asked for but not read by the backward pass, with a copy, or
  // with its copy only.
  enum class State : uint8_t { kKept, kAsked, kCopied, kMoved };

  const Problem& problem_;
  const Graph& graph_;
  const Plan& plan_;
  const Kernels& kernels_;
  const std::span<const KernelId> order_;
  const std::vector<DeviceId> homes_;
  std::vector<int32_t> position_;  // Per kernel, in the order.
  std::vector<State> state_;       // Per op.
  std::vector<Copy> copies_;       // Last kernel of the order first.
  std::vector<int32_t> copy_of_;   // Per op: its entry of copies_,
  std::vector<int32_t> slot_;      // and that one's slot.
  Kernels::Columns columns_;
  Plan result_;
};

}  // namespace

bool IsRecomputable(const Graph& graph, OpId op) { return RuleAgainst(graph, op).empty(); }

absl::Status CheckRecomputable(const Graph& graph, OpId op) {
  const std::string_view rule = RuleAgainst(graph, op);
  if (rule.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(graph.Describe(op), " cannot be recomputed: ", std::string(rule)));
}

absl::StatusOr<Plan> Recompute(const Problem& problem, const Plan& plan,
                               std::span<const KernelId> order, std::span<const OpId> ops) {
  if (plan.kernels == nullptr || plan.device.size() != static_cast<size_t>(plan.kernels->size()) ||
      plan.rank.size() != plan.device.size()) {
    return absl::InvalidArgumentError("recompute: the plan is incomplete");
  }
  return Recomputer(problem, plan, order).Run(ops);
}

}  // namespace gopt
