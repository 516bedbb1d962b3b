#ifndef GOPT_PLAN_FUSION_RULES_H_
#define GOPT_PLAN_FUSION_RULES_H_

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/graph/graph.h"

namespace gopt {

// Caps of one fused kernel; docs/simulator.md, "What may fuse".
struct FusionLimits {
  int max_ops = 32;
  int max_operands = 16;             // External operand ports.
  int64_t on_chip_bytes = 64 << 10;  // Internal ports' bytes per row, or per tile of a contraction.
};

// Whether these ops (ascending, distinct) may be one kernel, convexity and devices aside. A kernel
// of one op always may. FailedPrecondition names the op and the rule.
GOPT_API absl::Status CheckFusible(const Graph& graph, std::span<const OpId> ops,
                                   const FusionLimits& limits);

// Bytes of the port that a fused kernel keeps on chip: per row, or per tile for a contraction's
// output.
GOPT_API int64_t OnChipBytes(const Graph& graph, PortId port);

}  // namespace gopt

#endif  // GOPT_PLAN_FUSION_RULES_H_
