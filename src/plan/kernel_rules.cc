#include "src/plan/kernel_rules.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/plan/clone_rules.h"
#include "gopt/plan/fusion_rules.h"
#include "src/plan/describe.h"

namespace gopt {
namespace {

absl::Status CheckFusion(const Problem& problem, const Kernels& kernels) {
  for (KernelId k = 0; k < kernels.size(); ++k) {
    const absl::Status status =
        CheckFusible(problem.graph(), kernels.ops(k), problem.fusion_limits());
    if (!status.ok()) return KernelError(kernels, k, std::string(status.message()));
  }
  return absl::OkStatus();
}

absl::Status CheckNeverFuse(const Problem& problem, const Kernels& kernels) {
  for (const Constraints::Group& group : problem.constraints().never_fuse) {
    for (const OpId op : group.ops) {
      for (const KernelId k : kernels.kernels_of(op)) {
        if (kernels.ops(k).size() == 1) continue;
        return KernelError(kernels, k,
                           absl::StrCat(problem.graph().Describe(op), " must never fuse",
                                        WithReason(group.reason)));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckClones(const Graph& graph, const Kernels& kernels) {
  if (!kernels.has_clones()) return absl::OkStatus();
  for (const OpId op : graph.kernel_ops()) {
    const std::span<const KernelId> copies = kernels.kernels_of(op);
    if (copies.size() == 1) continue;
    const std::string why(WhyItRunsOnce(graph, op));
    if (why.empty()) continue;
    return KernelError(kernels, copies[1],
                       absl::StrCat("clones ", graph.Describe(op), ", which must run once: ", why));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckKernelRules(const Problem& problem, const Kernels& kernels) {
  GOPT_RETURN_IF_ERROR(CheckFusion(problem, kernels));
  GOPT_RETURN_IF_ERROR(CheckNeverFuse(problem, kernels));
  return CheckClones(problem.graph(), kernels);
}

absl::Status KernelError(const Kernels& kernels, KernelId kernel, const std::string& rule) {
  return absl::InvalidArgumentError(
      absl::StrCat("plan: ", DescribeKernel(kernels, kernel), ": ", rule));
}

bool SameGraph(const Graph& a, const Graph& b) {
  return &a == &b || (a.num_ops() == b.num_ops() && a.fingerprint() == b.fingerprint());
}

}  // namespace gopt
