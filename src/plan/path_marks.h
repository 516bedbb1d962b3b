#ifndef GOPT_SRC_PLAN_PATH_MARKS_H_
#define GOPT_SRC_PLAN_PATH_MARKS_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/graph/graph.h"

namespace gopt {

// Quick proof that a path joins two ops: 64 marked ops, evenly spaced on a longest path, and per op
// which of them it reaches and is reached from. Where ops are far apart (forward and backward pass)
// a marked op is nearly always between them; where they are near, a search is cheap.
class PathMarks {
 public:
  explicit PathMarks(const Graph& graph);

  // The marked ops that a path from the op leads to, and that lead to the op; itself included.
  uint64_t reaches(OpId op) const { return reaches_[op]; }
  uint64_t reached_by(OpId op) const { return reached_by_[op]; }
  OpId marked(int bit) const { return marked_[bit]; }

 private:
  void Choose(const Graph& graph);

  std::array<OpId, 64> marked_;
  int num_marked_ = 0;
  std::vector<uint64_t> reaches_, reached_by_;  // Per op; through ops that run in kernels only.
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_PATH_MARKS_H_
