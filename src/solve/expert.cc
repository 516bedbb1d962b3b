#include "gopt/solve/expert.h"

#include <algorithm>
#include <utility>

#include "src/solve/admit.h"
#include "src/solve/contiguous_cut.h"
#include "src/solve/part_mapping.h"
#include "src/solve/segments.h"

namespace gopt {
namespace {

// A coarser grain of scopes is good enough if its busiest device has at most this much more work.
constexpr double kTolerance = 1.1;

class ExpertPlacer {
 public:
  ExpertPlacer(const TaskGraph& tasks, const PlacementOptions& placement,
               const ExpertOptions& options)
      : tasks_(tasks),
        placement_(placement),
        segments_(tasks, options.trust_twins),
        rate_(DeviceRates(tasks)) {
    for (DeviceId d = 0; d < tasks.num_devices(); ++d) {
      room_.push_back(std::min(tasks.problem().memory_limit(d), placement.byte_limit));
    }
  }

  // The coarsest grain that balances about as well as the finest.
  std::vector<DeviceId> Place() {
    segments_.BuildDepth(segments_.deepest());
    const Cut finest = CutSegments();
    std::vector<DeviceId> wish = Wish(finest);
    for (int depth = 1; depth < segments_.deepest(); ++depth) {
      segments_.BuildDepth(depth);
      const Cut cut = CutSegments();
      if (cut.bottleneck <= kTolerance * finest.bottleneck) return Wish(cut);
    }
    return wish;
  }

 private:
  Cut CutSegments() const {
    std::vector<double> work(segments_.size(), 0.0);
    std::vector<int64_t> bytes(segments_.size(), 0);
    for (KernelId task = 0; task < tasks_.num_tasks(); ++task) {
      work[segments_.of(task)] += tasks_.mean_time(task);
      int64_t& sum = bytes[segments_.of(task)];
      sum = SaturatingAdd(sum, tasks_.persistent_bytes(task));
      sum = SaturatingAdd(sum, SaturatingCeil(placement_.activation_weight *
                                              static_cast<double>(tasks_.activation_bytes(task))));
    }
    return CutContiguously({.work = work, .bytes = bytes, .rate = rate_, .room = room_});
  }

  std::vector<DeviceId> Wish(const Cut& cut) const {
    std::vector<DeviceId> device(tasks_.num_tasks());
    for (KernelId task = 0; task < tasks_.num_tasks(); ++task) {
      device[task] = cut.bin[segments_.of(task)];
    }
    return device;
  }

  const TaskGraph& tasks_;
  const PlacementOptions& placement_;
  Segments segments_;
  std::vector<double> rate_;
  std::vector<int64_t> room_;
};

}  // namespace

std::vector<DeviceId> ExpertPlacement(const TaskGraph& tasks, const PlacementOptions& placement,
                                      const ExpertOptions& options) {
  if (tasks.num_tasks() == 0) return {};
  return Admit(tasks, ExpertPlacer(tasks, placement, options).Place(), placement);
}

}  // namespace gopt
