#ifndef GOPT_SOLVE_LIST_DECODER_H_
#define GOPT_SOLVE_LIST_DECODER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/plan/plan.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// Contention-aware list scheduling, steered by guidance: pops the ready task of highest priority
// and gives it to the device that minimises
//
//   finish(v, d) - sum over inputs u on d of kappa(u, v) * (mean transfer of u + mean task time)
//
// where kappa is the stickiness of the edge. Tensors go over links as in the simulator: each route
// is a row of first-in-first-out channels, a tensor is sent once per destination, parameters are
// tensors that wait at their home; but transfers are booked in the order of the tasks that need
// them, and times are doubles. (After Sinnen and Sousa: Communication contention in task
// scheduling, IEEE TPDS 16(6), 2005.)
//
// Built once for a task graph, which must outlive it; decodes without allocating. One thread at a
// time.
class GOPT_API ListDecoder {
 public:
  explicit ListDecoder(const TaskGraph& tasks, const PlacementOptions& placement = {});
  ~ListDecoder();

  // Makes *plan the schedule for these priorities, one per task, higher first, ties by lower task
  // id; they also are the ranks that the plan is run with (dispatch PRIORITY). stickiness: empty,
  // or kappa for each KernelGraph::inputs entry. Returns the decoder's own estimate of the step
  // time. Keeps the plan's producer and metadata. The plan's kernels and homes become the task
  // graph's.
  Nanoseconds Decode(std::span<const double> priority, std::span<const float> stickiness,
                     Plan* plan);

  // The same with ranks, a permutation of 0 .. n-1, lowest first.
  Nanoseconds DecodeRanks(std::span<const int32_t> rank, std::span<const float> stickiness,
                          Plan* plan);

  // Changes what placements are open; holds for later decodes.
  void SetPlacement(const PlacementOptions& placement);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gopt

#endif  // GOPT_SOLVE_LIST_DECODER_H_
