#include "src/plan/keep_apart.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/plan/conflict.h"
#include "src/plan/describe.h"

namespace gopt {
namespace {

using AllowedDevices = std::function<std::span<const DeviceId>(OpId)>;

// Gives ops different devices, one after the other, by augmenting paths found breadth-first.
class Matching {
 public:
  Matching(const AllowedDevices& allowed_devices, int num_devices)
      : allowed_devices_(allowed_devices), op_on_(num_devices, kNone) {}

  // Empty, or ops (this one among them) that have one device fewer than they are.
  std::vector<OpId> Add(OpId op) {
    std::vector<OpId> queue = {op};
    std::vector<size_t> asked_by(op_on_.size(), kNobody);  // Position in the queue, per device.
    for (size_t i = 0; i < queue.size(); ++i) {
      for (const DeviceId device : allowed_devices_(queue[i])) {
        if (asked_by[device] != kNobody) continue;
        asked_by[device] = i;
        if (op_on_[device] == kNone) {
          Shift(device, queue, asked_by);
          return {};
        }
        queue.push_back(op_on_[device]);
      }
    }
    return queue;
  }

 private:
  static constexpr size_t kNobody = static_cast<size_t>(-1);

  // Moves every op on the path to the free device one step on.
  void Shift(DeviceId free, const std::vector<OpId>& queue, const std::vector<size_t>& asked_by) {
    for (DeviceId device = free; device != kNone;) {
      const OpId op = queue[asked_by[device]];
      const auto old = std::find(op_on_.begin(), op_on_.end(), op);
      op_on_[device] = op;
      if (old == op_on_.end()) return;
      device = static_cast<DeviceId>(old - op_on_.begin());
    }
  }

  const AllowedDevices& allowed_devices_;
  std::vector<OpId> op_on_;
};

std::string KeepApartText(const Constraints& constraints, size_t index) {
  return absl::StrCat("keep_apart rule ", index, WithReason(constraints.keep_apart[index].reason));
}

absl::Status TogetherError(const Graph& graph, const Constraints& constraints, size_t index,
                           const Colocation& colocation, OpId a, OpId b) {
  std::vector<std::string> texts = {absl::StrCat(KeepApartText(constraints, index), " parts ",
                                                 graph.Describe(a), " and ", graph.Describe(b))};
  for (std::string& link : colocation.Why(a, b)) texts.push_back(std::move(link));
  return ConflictError(texts);
}

absl::Status CrowdedError(const Graph& graph, const Constraints& constraints, size_t index,
                          std::vector<OpId> ops, const AllowedDevices& allowed_devices) {
  std::sort(ops.begin(), ops.end());
  std::vector<std::string> texts = {absl::StrCat(KeepApartText(constraints, index), " parts ",
                                                 ops.size(), " ops that have ", ops.size() - 1,
                                                 " devices in all")};
  constexpr size_t kMostNamed = 16;
  for (size_t i = 0; i < ops.size() && i < kMostNamed; ++i) {
    texts.push_back(absl::StrCat(graph.Describe(ops[i]), " may only be on ",
                                 DescribeDevices(allowed_devices(ops[i]))));
  }
  if (ops.size() > kMostNamed) texts.push_back(absl::StrCat(ops.size() - kMostNamed, " more ops"));
  return ConflictError(texts);
}

}  // namespace

absl::Status CheckKeepApart(const Graph& graph, const Constraints& constraints,
                            const Colocation& colocation, const AllowedDevices& allowed_devices,
                            int num_devices) {
  std::vector<OpId> seen(graph.num_ops(), kNone);  // By root: the group's op that has it.
  for (size_t i = 0; i < constraints.keep_apart.size(); ++i) {
    std::vector<OpId> ops = constraints.keep_apart[i].ops;
    std::sort(ops.begin(), ops.end());
    ops.erase(std::unique(ops.begin(), ops.end()), ops.end());
    Matching matching(allowed_devices, num_devices);
    for (const OpId op : ops) {
      if (OpId& other = seen[colocation.Root(op)]; std::exchange(other, op) != kNone) {
        const auto twin = std::find_if(ops.begin(), ops.end(), [&](OpId candidate) {
          return colocation.Root(candidate) == colocation.Root(op);
        });
        return TogetherError(graph, constraints, i, colocation, *twin, op);
      }
      std::vector<OpId> crowd = matching.Add(op);
      if (!crowd.empty()) {
        return CrowdedError(graph, constraints, i, std::move(crowd), allowed_devices);
      }
    }
    for (const OpId op : ops) seen[colocation.Root(op)] = kNone;
  }
  return absl::OkStatus();
}

}  // namespace gopt
