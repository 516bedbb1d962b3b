#ifndef GOPT_SRC_PLAN_INTO_CONSUMERS_H_
#define GOPT_SRC_PLAN_INTO_CONSUMERS_H_

#include <cstdint>
#include <memory>
#include <span>

#include "gopt/plan/kernels.h"
#include "gopt/plan/problem.h"

namespace gopt {

// FusionMode::kIntoConsumers. Both spans are empty or one per op of the graph.
std::shared_ptr<const Kernels> FuseIntoConsumers(const Problem& problem,
                                                 std::span<const int32_t> picks,
                                                 std::span<const DeviceId> device);

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_INTO_CONSUMERS_H_
