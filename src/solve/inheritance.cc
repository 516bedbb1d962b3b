#include "src/solve/inheritance.h"

namespace gopt {

void Inheritance::DrawTasks(double share, Random* random) {
  for (uint8_t& take : take_) take = random->Uniform() < share;
}

void Inheritance::DrawGroups(std::span<const Grouping> groupings, double share, Random* random) {
  if (groupings.empty()) return DrawTasks(share, random);
  const Grouping& grouping = groupings[random->Below(static_cast<int64_t>(groupings.size()))];
  group_.resize(grouping.num_groups());
  for (uint8_t& take : group_) take = random->Uniform() < share;
  for (size_t task = 0; task < take_.size(); ++task) {
    const int32_t group = grouping.group_of[task];
    take_[task] = group == kNone ? random->Uniform() < share : group_[group];
  }
}

}  // namespace gopt
