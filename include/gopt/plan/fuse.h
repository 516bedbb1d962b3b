#ifndef GOPT_PLAN_FUSE_H_
#define GOPT_PLAN_FUSE_H_

#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/plan/kernels.h"
#include "gopt/plan/problem.h"

namespace gopt {

// What a pick per op means.
enum class FusionMode : uint8_t {
  // The order in which ops try to fuse: higher picks first, ties in topological order; an op with a
  // pick below 0 does not try, though others may take it. A backward op tries the groups that read
  // its tensors, any other op those that make its operands: by most bytes saved, ties by the lowest
  // such op, until one may be merged with its group, the op's own being all it has been merged
  // with so far. One merge per op that tries. (Learning to Fuse, ML for Systems at NeurIPS 2019.)
  kPriority = 1,
  // Whether the op runs in every kernel that reads it, instead of one of its own: not 0, it does,
  // cloned if there are several. Consumers are decided before producers. All or nothing: it stays
  // alone if one of these kernels cannot take it, if another kernel waits for it by a control edge,
  // or if it would be cloned and has an output, which is kept once, or must run once
  // (WhyItRunsOnce). (XTAT: A Flexible Approach to Autotuning Multi-Pass Machine Learning
  // Compilers, PACT 2021.)
  kIntoConsumers = 2,
};

struct FusionOptions {
  FusionMode mode = FusionMode::kPriority;
  // Empty, or a device per op of the graph: ops fuse with ops of their device only. Empty with
  // placement closed: the base plan's devices.
  std::span<const DeviceId> device;
};

// The kernels that the picks (one per op of the graph) mean; kernels by lowest op, then by the
// next. Never illegal, whatever the picks are; see FusionGroups for what is legal. Empty picks are
// all equal and not below 0: in mode kPriority the default heuristic, topological order; in mode
// kIntoConsumers every op into its consumers. Does not ask whether fusion is open. InvalidArgument
// for spans of another size.
GOPT_API absl::StatusOr<std::shared_ptr<const Kernels>> Fuse(const Problem& problem,
                                                             std::span<const int32_t> picks,
                                                             const FusionOptions& options = {});

}  // namespace gopt

#endif  // GOPT_PLAN_FUSE_H_
