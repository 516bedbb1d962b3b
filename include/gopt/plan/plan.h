#ifndef GOPT_PLAN_PLAN_H_
#define GOPT_PLAN_PLAN_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/plan/kernels.h"

namespace gopt {

enum class Dispatch : uint8_t {
  kPriority = 1,  // The ready kernel of lowest rank, ties lower kernel id.
  kFifo = 2,      // The one that became ready first, ties lower rank, then id.
  kSequence = 3,  // Exactly the order of `sequence` on each device; it may idle.
};
GOPT_API std::string_view ToString(Dispatch dispatch);  // "PRIORITY", "FIFO", "SEQUENCE"

// What a compiler applies. Copying shares the kernels.
struct Plan {
  std::shared_ptr<const Kernels> kernels;
  std::vector<DeviceId> device;  // One per kernel.
  std::vector<int32_t> rank;     // One per kernel; lower first.
  std::vector<DeviceId>
      parameter_home;  // One per Graph::parameters(), or empty; kNone: the default rule.
  Dispatch dispatch = Dispatch::kPriority;
  std::vector<KernelId> sequence;  // All kernels in start order; kSequence only.
  std::string producer;            // Who made it: "heft".
  std::map<std::string, std::string> metadata;
};

}  // namespace gopt

#endif  // GOPT_PLAN_PLAN_H_
