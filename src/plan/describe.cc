#include "src/plan/describe.h"

#include "absl/strings/str_cat.h"

namespace gopt {

std::string DescribeKernel(const Kernels& kernels, KernelId kernel) {
  const std::span<const OpId> ops = kernels.ops(kernel);
  std::string text = absl::StrCat("kernel ", kernel, " (", kernels.graph().Describe(ops.front()));
  if (ops.size() > 1) absl::StrAppend(&text, " and ", ops.size() - 1, " more");
  return text + ")";
}

std::string DescribeCycle(const Kernels& kernels, std::span<const KernelId> cycle) {
  constexpr size_t kEnds = 8;
  std::string text;
  for (size_t i = 0; i < cycle.size(); ++i) {
    if (cycle.size() > 2 * kEnds && i == kEnds) {
      i = cycle.size() - kEnds;
      absl::StrAppend(&text, "... (", cycle.size() - 2 * kEnds, " more) -> ");
    }
    absl::StrAppend(&text, DescribeKernel(kernels, cycle[i]), " -> ");
  }
  return text + DescribeKernel(kernels, cycle.front());
}

std::string WithReason(const std::string& reason) {
  return reason.empty() ? "" : absl::StrCat(" (", reason, ")");
}

bool LivesOnDevice(const Graph& graph, OpId op) {
  return graph.in_kernel(op) || graph.kind(op) == OpKind::kParameter;
}

}  // namespace gopt
