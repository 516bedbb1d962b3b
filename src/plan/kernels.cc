#include "gopt/plan/kernels.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"

namespace gopt {
namespace {

absl::Status KernelError(size_t kernel, const std::string& rule) {
  return absl::InvalidArgumentError(absl::StrCat("kernel ", kernel, ": ", rule));
}

absl::Status CheckRows(const Kernels::Columns& columns) {
  if (columns.ops.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    return absl::InvalidArgumentError("kernels: more than 2^31 ops in all");
  }
  const std::vector<int32_t>& begin = columns.begin;
  if (begin.empty() || begin.front() != 0 ||
      begin.back() != static_cast<int64_t>(columns.ops.size())) {
    return absl::InvalidArgumentError("kernels: begin must go from 0 to the number of ops");
  }
  for (size_t k = 0; k + 1 < begin.size(); ++k) {
    if (begin[k] >= begin[k + 1]) return KernelError(k, "holds no op");
  }
  if (!columns.recompute.empty() && columns.recompute.size() + 1 != begin.size()) {
    return absl::InvalidArgumentError(absl::StrCat("kernels: recompute has ",
                                                   columns.recompute.size(), " entries for ",
                                                   begin.size() - 1, " kernels"));
  }
  return absl::OkStatus();
}

absl::Status CheckMembers(const Graph& graph, const Kernels::Columns& columns) {
  for (size_t k = 0; k + 1 < columns.begin.size(); ++k) {
    OpId previous = kNone;
    for (int32_t i = columns.begin[k]; i < columns.begin[k + 1]; ++i) {
      const OpId op = columns.ops[i];
      if (op < 0 || op >= graph.num_ops()) {
        return KernelError(k, absl::StrCat("op ", op, " does not exist"));
      }
      if (!graph.in_kernel(op)) {
        return KernelError(
            k, absl::StrCat(graph.Describe(op), " is of kind ",
                            std::string(ToString(graph.kind(op))), ", which runs in no kernel"));
      }
      if (op <= previous) {
        return KernelError(k, absl::StrCat(graph.Describe(op), " is out of ascending order"));
      }
      previous = op;
    }
  }
  return absl::OkStatus();
}

absl::Status CheckRecomputedOps(const Graph& graph, std::span<const OpId> ops) {
  OpId previous = kNone;
  for (const OpId op : ops) {
    if (op < 0 || op >= graph.num_ops() || !graph.in_kernel(op)) {
      return absl::InvalidArgumentError(
          absl::StrCat("kernels: recomputed op ", op, " does not exist or runs in no kernel"));
    }
    if (op <= previous) {
      return absl::InvalidArgumentError(
          absl::StrCat("kernels: recomputed ", graph.Describe(op), " is out of ascending order"));
    }
    previous = op;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Kernels>> Kernels::Create(std::shared_ptr<const Graph> graph,
                                                               Columns columns) {
  if (graph == nullptr) return absl::InvalidArgumentError("kernels: the graph is missing");
  GOPT_RETURN_IF_ERROR(CheckRows(columns));
  GOPT_RETURN_IF_ERROR(CheckMembers(*graph, columns));
  GOPT_RETURN_IF_ERROR(CheckRecomputedOps(*graph, columns.recomputed_ops));
  std::shared_ptr<Kernels> kernels(new Kernels());
  kernels->graph_ = std::move(graph);
  kernels->columns_ = std::move(columns);
  kernels->Index();
  GOPT_RETURN_IF_ERROR(kernels->CheckCoverage());
  return kernels;
}

std::shared_ptr<const Kernels> Kernels::Singletons(std::shared_ptr<const Graph> graph) {
  std::shared_ptr<Kernels> kernels(new Kernels());
  const std::span<const OpId> ops = graph->kernel_ops();
  kernels->columns_.ops.assign(ops.begin(), ops.end());
  kernels->columns_.begin.resize(ops.size() + 1);
  std::iota(kernels->columns_.begin.begin(), kernels->columns_.begin.end(), 0);
  kernels->graph_ = std::move(graph);
  kernels->Index();
  return kernels;
}

// Fills what is derived from the columns: kernels by op, ascending, and which run backward.
void Kernels::Index() {
  const int num_ops = graph_->num_ops();
  op_kernel_begin_.assign(num_ops + 1, 0);
  for (const OpId op : columns_.ops) ++op_kernel_begin_[op + 1];
  for (int op = 0; op < num_ops; ++op) {
    has_clones_ |= op_kernel_begin_[op + 1] > 1;
    op_kernel_begin_[op + 1] += op_kernel_begin_[op];
  }
  op_kernels_.resize(columns_.ops.size());
  is_backward_.assign(size(), 0);
  std::vector<int32_t> next(op_kernel_begin_.begin(), op_kernel_begin_.end() - 1);
  for (KernelId k = 0; k < size(); ++k) {
    bool backward = !columns_.recompute.empty() && columns_.recompute[k] != 0;
    for (const OpId op : ops(k)) {
      op_kernels_[next[op]++] = k;
      backward |= graph_->phase(op) == Phase::kBackward;
    }
    is_backward_[k] = backward ? 1 : 0;
  }
  copies_depend_on_device_ = has_clones_ && SomeReaderChooses();
}

// By the rules of ChooseCopy().
bool Kernels::SomeReaderChooses() const {
  std::vector<OpId> holds(size(), kNone);  // Per kernel: the last cloned op that it holds.
  for (const OpId op : graph_->kernel_ops()) {
    const std::span<const KernelId> copies = kernels_of(op);
    if (copies.size() == 1) continue;
    const bool recomputed = is_recomputed(op);
    size_t count[2] = {0, 0};  // Of copies for forward and for backward readers.
    for (const KernelId copy : copies) {
      holds[copy] = op;
      ++count[recomputed && is_backward(copy)];
    }
    for (const OpId reader : graph_->successors(op)) {
      for (const KernelId kernel : kernels_of(reader)) {
        if (holds[kernel] == op) continue;
        const size_t own = count[recomputed && is_backward(kernel)];
        if ((own == 0 ? copies.size() : own) > 1) return true;
      }
    }
  }
  return false;
}

absl::Status Kernels::CheckCoverage() const {
  for (const OpId op : graph_->kernel_ops()) {
    if (kernels_of(op).empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("kernels: ", graph_->Describe(op), " is in no kernel"));
    }
  }
  for (const OpId op : columns_.recomputed_ops) {
    const std::span<const KernelId> copies = kernels_of(op);
    if (std::none_of(copies.begin(), copies.end(), [&](KernelId k) { return is_backward(k); })) {
      return absl::InvalidArgumentError(
          absl::StrCat("kernels: ", graph_->Describe(op),
                       " is recomputed but has no copy in a backward kernel"));
    }
  }
  return absl::OkStatus();
}

bool Kernels::is_recomputed(OpId op) const {
  return std::binary_search(columns_.recomputed_ops.begin(), columns_.recomputed_ops.end(), op);
}

}  // namespace gopt
