#ifndef GOPT_SRC_SOLVE_SIGNATURES_H_
#define GOPT_SRC_SOLVE_SIGNATURES_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/graph/graph.h"
#include "gopt/plan/kernels.h"

namespace gopt {

// What ops and kernels look like, so that searches can treat all that are alike in one way.
class GOPT_API Signatures {
 public:
  explicit Signatures(const Graph& graph);

  // Dense from 0, in order of the first op of each look: its type, fusion class, phase, and the
  // shapes and element types of its ports.
  int32_t of_op(OpId op) const { return op_look_[op]; }
  int num_op_looks() const { return num_op_looks_; }

  // One per kernel; equal where the looks of the ops are, in order. Computed once for the same
  // kernels. Valid until the next call.
  const std::vector<uint64_t>& OfKernels(const std::shared_ptr<const Kernels>& kernels);

 private:
  std::vector<int32_t> op_look_;
  int num_op_looks_ = 0;
  std::shared_ptr<const Kernels> kernels_;
  std::vector<uint64_t> kernel_look_;
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_SIGNATURES_H_
