#include "src/plan/into_consumers.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "gopt/base/check.h"
#include "src/plan/given_devices.h"
#include "src/plan/group_judge.h"

namespace gopt {
namespace {

// Ops from the last to the first; those decided are in the kernels made so far, all others alone.
//
// No step makes a cycle. An op goes into all kernels that wait for it, by data or control, so its
// own kernel is gone, and what each of those kernels waits for in its place, the op waited for: a
// path that is new went through the op before. Its own operands are made by ops not yet decided,
// of which there is one copy each; so no choice of copies depends on devices: a reader has its own
// copy, or there is but one.
class ConsumerFuser {
 public:
  ConsumerFuser(const Problem& problem, std::span<const DeviceId> device)
      : problem_(problem),
        graph_(problem.graph()),
        judge_(problem, GivenDevices(problem, device)),
        kernels_of_(graph_.num_ops()) {}

  std::shared_ptr<const Kernels> Fuse(std::span<const int32_t> picks) {
    const std::span<const OpId> ops = graph_.kernel_ops();
    for (auto op = ops.rbegin(); op != ops.rend(); ++op) {
      const bool wanted = picks.empty() || picks[*op] != 0;
      if (wanted && FindConsumers(*op) && AllTake(*op)) {
        for (const int32_t kernel : consumers_) Add(*op, kernel);
      } else {
        kernels_.emplace_back();
        Add(*op, static_cast<int32_t>(kernels_.size()) - 1);
      }
    }
    return MakeKernels();
  }

 private:
  bool HasOutput(OpId op) const {
    const PortId first = graph_.first_port(op);
    for (PortId port = first; port < first + graph_.num_ports(op); ++port) {
      if (graph_.is_output(port)) return true;
    }
    return false;
  }

  void AddKernelsOf(OpId op, std::vector<int32_t>* kernels) const {
    kernels->insert(kernels->end(), kernels_of_[op].begin(), kernels_of_[op].end());
  }

  static void Normalize(std::vector<int32_t>* kernels) {
    std::sort(kernels->begin(), kernels->end());
    kernels->erase(std::unique(kernels->begin(), kernels->end()), kernels->end());
  }

  // The kernels that read the op; false if there are none or if others wait for it.
  bool FindConsumers(OpId op) {
    consumers_.clear();
    waiting_.clear();
    if (judge_.IsAlone(op)) return false;
    const PortId first = graph_.first_port(op);
    for (PortId port = first; port < first + graph_.num_ports(op); ++port) {
      for (const OpId reader : graph_.readers(port)) AddKernelsOf(reader, &consumers_);
    }
    Normalize(&consumers_);
    for (const OpId after : graph_.successors(op)) AddKernelsOf(after, &waiting_);
    Normalize(&waiting_);
    return !consumers_.empty() && consumers_ == waiting_;
  }

  bool AllTake(OpId op) {
    if (consumers_.size() > 1 && HasOutput(op)) return false;
    return std::all_of(consumers_.begin(), consumers_.end(), [&](int32_t kernel) {
      const std::vector<OpId>& ops = kernels_[kernel];
      if (ops.size() == 1 && judge_.IsAlone(ops.front())) return false;
      candidate_.assign(1, op);
      candidate_.insert(candidate_.end(), ops.rbegin(), ops.rend());
      return judge_.MayFuse(candidate_);
    });
  }

  void Add(OpId op, int32_t kernel) {
    kernels_[kernel].push_back(op);
    kernels_of_[op].push_back(kernel);
  }

  std::shared_ptr<const Kernels> MakeKernels() {
    for (std::vector<OpId>& ops : kernels_) std::reverse(ops.begin(), ops.end());
    std::sort(kernels_.begin(), kernels_.end());
    Kernels::Columns columns;
    columns.begin.push_back(0);
    for (const std::vector<OpId>& ops : kernels_) {
      columns.ops.insert(columns.ops.end(), ops.begin(), ops.end());
      columns.begin.push_back(static_cast<int32_t>(columns.ops.size()));
    }
    auto kernels = Kernels::Create(problem_.shared_graph(), std::move(columns));
    GOPT_CHECK(kernels.ok());
    return *std::move(kernels);
  }

  const Problem& problem_;
  const Graph& graph_;
  GroupJudge judge_;
  std::vector<std::vector<OpId>> kernels_;        // Descending.
  std::vector<std::vector<int32_t>> kernels_of_;  // Per op.
  std::vector<int32_t> consumers_, waiting_;
  std::vector<OpId> candidate_;
};

}  // namespace

std::shared_ptr<const Kernels> FuseIntoConsumers(const Problem& problem,
                                                 std::span<const int32_t> picks,
                                                 std::span<const DeviceId> device) {
  return ConsumerFuser(problem, device).Fuse(picks);
}

}  // namespace gopt
