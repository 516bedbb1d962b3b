#include "src/solve/inheritance.h"

namespace gopt {

void Inheritance::DrawTasks(const Kernels& kernels, double share, Random* random) {
  take_.resize(kernels.size());
  for (uint8_t& take : take_) take = random->Uniform() < share;
}

void Inheritance::DrawGroups(const Kernels& kernels, std::span<const Grouping> groupings,
                             double share, Random* random) {
  if (groupings.empty()) return DrawTasks(kernels, share, random);
  const Grouping& grouping = groupings[random->Below(static_cast<int64_t>(groupings.size()))];
  group_.resize(grouping.num_groups());
  for (uint8_t& take : group_) take = random->Uniform() < share;
  take_.resize(kernels.size());
  for (KernelId task = 0; task < kernels.size(); ++task) {
    const int32_t group = grouping.GroupOf(kernels, task);
    take_[task] = group == kNone ? random->Uniform() < share : group_[group];
  }
}

}  // namespace gopt
