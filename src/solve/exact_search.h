#ifndef GOPT_SRC_SOLVE_EXACT_SEARCH_H_
#define GOPT_SRC_SOLVE_EXACT_SEARCH_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "src/solve/exact_bound.h"
#include "src/solve/exact_instance.h"
#include "src/solve/exact_memo.h"
#include "src/solve/exact_memory.h"
#include "src/solve/exact_state.h"

namespace gopt {

struct ExactSearchOptions {
  // Makespans are all that matters: not memory, and not whether some ranks lead to all bookings.
  // What is found then may be no plan; what is not found is not there.
  bool relaxed = false;
  // Leaves out states that others stand for, by their makespans.
  bool memo = false;
  // Unless relaxed: memory limits hold, and this lowers every device's.
  bool memory = true;
  int64_t byte_limit = kSaturated;
};

// Depth-first branch and bound over the choices of an ExactSimulation.
class GOPT_API ExactSearch {
 public:
  // A step to its end, of a makespan within the limit. Returns the new limit.
  using Found = std::function<Nanoseconds(const ExactState& state, const Trail& trail)>;
  // Asked every so often.
  using Stop = std::function<bool(int64_t nodes)>;

  ExactSearch(const ExactInstance& instance, const std::vector<Bits>& interchangeable,
              const ExactSearchOptions& options, Stop stop);

  // Shows `found` every step that may have a makespan of at most `limit`, states that others stand
  // for and limits lowered meanwhile aside. False if it was stopped.
  bool Run(Nanoseconds limit, const Found& found);

  // Steps of the last run that it did not come to have at least this makespan.
  Nanoseconds least_left() const { return least_left_; }
  // Choices made so far, in all runs.
  int64_t nodes() const { return nodes_; }

 private:
  struct Node {
    ExactState state;
    std::vector<Choice> choices;
    size_t next = 0;
    Nanoseconds bound = 0;
    bool in_memo = false;
  };

  bool Enter(Nanoseconds* limit, const Found& found);
  void Leave();
  // Whether it is no plan's, or one's that does not fit.
  bool IsRuledOut(const ExactState& state);

  const ExactInstance& instance_;
  const ExactSimulation simulation_;
  const ExactSearchOptions options_;
  const Stop stop_;
  ExactBound bound_;
  ExactMemo memo_;
  ExactMemory memory_;
  Trail trail_;
  std::deque<Node> path_;  // Nodes beyond depth_ keep their memory.
  size_t depth_ = 0;
  int64_t nodes_ = 0;
  Nanoseconds least_left_ = 0;
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_EXACT_SEARCH_H_
