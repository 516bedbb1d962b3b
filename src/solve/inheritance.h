#ifndef GOPT_SRC_SOLVE_INHERITANCE_H_
#define GOPT_SRC_SOLVE_INHERITANCE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/random.h"
#include "gopt/solve/task_graph.h"
#include "src/solve/groups.h"

namespace gopt {

// Which tasks of a child are as in its second parent.
class GOPT_API Inheritance {
 public:
  // Each task by itself with this probability: uniform crossover.
  void DrawTasks(const Kernels& kernels, double share, Random* random);
  // Each group of one of the groupings, picked uniformly, with this probability; tasks in no group
  // by themselves. What works together stays together.
  void DrawGroups(const Kernels& kernels, std::span<const Grouping> groupings, double share,
                  Random* random);

  bool takes(KernelId task) const { return take_[task] != 0; }

 private:
  std::vector<uint8_t> take_;   // Per task.
  std::vector<uint8_t> group_;  // Per group of the grouping that was picked.
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_INHERITANCE_H_
