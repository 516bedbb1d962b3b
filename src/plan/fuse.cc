#include "gopt/plan/fuse.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/plan/fusion_groups.h"
#include "src/plan/into_consumers.h"

namespace gopt {
namespace {

absl::Status CheckSize(std::string_view what, size_t size, int num_ops) {
  if (size == 0 || size == static_cast<size_t>(num_ops)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("fuse: ", size, " ", std::string(what), " for ", num_ops, " ops"));
}

// Ops that try, in the order in which they do.
std::vector<OpId> OrderOfPicks(const Graph& graph, std::span<const int32_t> picks) {
  std::vector<OpId> order;
  order.reserve(graph.kernel_ops().size());
  for (const OpId op : graph.kernel_ops()) {
    if (picks.empty() || picks[op] >= 0) order.push_back(op);
  }
  const auto higher = [&](OpId a, OpId b) { return picks[a] > picks[b]; };
  if (!picks.empty() && !std::is_sorted(order.begin(), order.end(), higher)) {
    std::stable_sort(order.begin(), order.end(), higher);
  }
  return order;
}

class PriorityFuser {
 public:
  PriorityFuser(const Problem& problem, std::span<const DeviceId> device)
      : graph_(problem.graph()), groups_(problem, device) {}

  std::shared_ptr<const Kernels> Fuse(std::span<const int32_t> picks) {
    for (const OpId op : OrderOfPicks(graph_, picks)) Try(op);
    return groups_.MakeKernels();
  }

 private:
  struct Candidate {
    OpId group;
    OpId op;  // The lowest neighbour in it.
    int64_t saved;
  };

  void Try(OpId op) {
    const OpId own = groups_.group(op);
    FindCandidates(op, own);
    if (candidates_.size() > 1) {
      for (Candidate& each : candidates_) each.saved = groups_.SavedBytes(own, each.group);
      std::sort(candidates_.begin(), candidates_.end(), [](const auto& a, const auto& b) {
        return a.saved != b.saved ? a.saved > b.saved : a.op < b.op;
      });
    }
    for (const Candidate& each : candidates_) {
      if (groups_.Merge(own, each.group)) break;
    }
    groups_.Keep();
  }

  void FindCandidates(OpId op, OpId own) {
    candidates_.clear();
    if (!groups_.MayShare(own)) return;
    const auto add = [&](OpId neighbour) {
      const OpId group = groups_.group(neighbour);
      if (group == kNone || group == own || !groups_.MayShare(group)) return;
      candidates_.push_back({.group = group, .op = neighbour, .saved = 0});
    };
    if (graph_.phase(op) != Phase::kBackward) {
      for (const PortId port : graph_.operands(op)) add(graph_.producer(port));
    } else {
      const PortId first = graph_.first_port(op);
      for (PortId port = first; port < first + graph_.num_ports(op); ++port) {
        for (const OpId reader : graph_.readers(port)) add(reader);
      }
    }
    KeepLowestOfEachGroup();
  }

  void KeepLowestOfEachGroup() {
    if (candidates_.size() < 2) return;
    std::sort(candidates_.begin(), candidates_.end(), [](const auto& a, const auto& b) {
      return a.group != b.group ? a.group < b.group : a.op < b.op;
    });
    const auto end = std::unique(candidates_.begin(), candidates_.end(),
                                 [](const auto& a, const auto& b) { return a.group == b.group; });
    candidates_.erase(end, candidates_.end());
  }

  const Graph& graph_;
  FusionGroups groups_;
  std::vector<Candidate> candidates_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Kernels>> Fuse(const Problem& problem,
                                                    std::span<const int32_t> picks,
                                                    const FusionOptions& options) {
  GOPT_RETURN_IF_ERROR(CheckSize("picks", picks.size(), problem.graph().num_ops()));
  GOPT_RETURN_IF_ERROR(CheckSize("devices", options.device.size(), problem.graph().num_ops()));
  switch (options.mode) {
    case FusionMode::kPriority:
      return PriorityFuser(problem, options.device).Fuse(picks);
    case FusionMode::kIntoConsumers:
      return FuseIntoConsumers(problem, picks, options.device);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("fuse: unknown mode ", static_cast<int>(options.mode)));
}

}  // namespace gopt
