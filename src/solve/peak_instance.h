#ifndef GOPT_SRC_SOLVE_PEAK_INSTANCE_H_
#define GOPT_SRC_SOLVE_PEAK_INSTANCE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt {

// Rows of integers, compressed.
struct Rows {
  std::vector<int32_t> begin = {0};
  std::vector<int32_t> values;

  int size() const { return static_cast<int>(begin.size()) - 1; }
  std::span<const int32_t> operator[](int32_t row) const {
    return {values.data() + begin[row], values.data() + begin[row + 1]};
  }
  void Add(std::span<const int32_t> row) {
    values.insert(values.end(), row.begin(), row.end());
    begin.push_back(static_cast<int32_t>(values.size()));
  }
  // Row v of the result: the rows of this that hold v, ascending.
  Rows Transposed(int num_values) const;
};

// Items to be put in order, and what they do to one memory. A tensor is taken when the first of its
// takers starts and given back when the last of its givers ends; between the two all its bytes are
// alive. With both kinds of sets an instance read backwards is an instance again.
struct GOPT_API PeakInstance {
  int64_t base_bytes = 0;          // Alive throughout, tensors left out.
  std::vector<int64_t> run_bytes;  // Per item: while it runs, beside the tensors.
  // Per item: whether time passes while it runs. What is alive only at an instant is no peak.
  std::vector<uint8_t> takes_time;
  Rows successors, predecessors;
  std::vector<int64_t> bytes;    // Per tensor.
  Rows takers, givers;           // Per tensor. No taker: alive at first; no giver: to the end.
  Rows takes, gives;             // The same per item.
  std::vector<int32_t> program;  // All items in some legal order: the one to be improved on.

  int num_items() const { return static_cast<int>(run_bytes.size()); }
  int num_tensors() const { return static_cast<int>(bytes.size()); }

  void FillRowsOfItems();  // takes, gives and predecessors from the others.

  // Run from the last item to the first. An order of it, reversed, is one of this with its peak.
  PeakInstance Reversed() const;

  // The items at positions [first, last) of the order, with the others where they are. Item i is
  // the one at first + i.
  PeakInstance Window(std::span<const int32_t> order, int first, int last) const;

  // The instance's peak in a legal order. at: gets the position where it is reached first; -1 if
  // no more than base_bytes is ever alive.
  int64_t Peak(std::span<const int32_t> order, int* at = nullptr) const;

  // What no order can do without: when an item runs, tensors are alive that its ancestors took and
  // it or its descendants give back. One pass over the graph.
  int64_t PeakBound(int32_t item) const;
};

// The items are the plan's kernels, the memory is the device's; see OrderForPeak.
GOPT_API absl::StatusOr<PeakInstance> MakePeakInstance(const Problem& problem, const Plan& plan,
                                                       std::span<const KernelId> order,
                                                       DeviceId device);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_PEAK_INSTANCE_H_
