#ifndef GOPT_SRC_SOLVE_CONTIGUOUS_CUT_H_
#define GOPT_SRC_SOLVE_CONTIGUOUS_CUT_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"

namespace gopt {

// Items in a row and the bins, in order, that take contiguous runs of them.
struct CutProblem {
  std::span<const double> work;    // Per item.
  std::span<const int64_t> bytes;  // Per item.
  std::span<const double> rate;    // Per bin: work per unit of time; positive.
  std::span<const int64_t> room;   // Per bin: bytes at most.
};

struct Cut {
  std::vector<int32_t> bin;  // Per item.
  double bottleneck = 0.0;   // Largest work / rate of a bin.
};

// The contiguous cut whose busiest bin is least busy (Bokhari, IEEE Trans. Computers 37(1), 1988),
// by bisection on the bottleneck: filling bins in order up to a bound is optimal for the bound.
// Bins stay within their room if any cut does; else room is ignored.
GOPT_API Cut CutContiguously(const CutProblem& problem);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_CONTIGUOUS_CUT_H_
