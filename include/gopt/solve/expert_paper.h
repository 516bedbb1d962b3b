#ifndef GOPT_SOLVE_EXPERT_PAPER_H_
#define GOPT_SOLVE_EXPERT_PAPER_H_

#include <cstdint>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

enum class ExpertFamily : uint8_t {
  // By the graph's metadata "workload.family" where that is known (rnnlm, gnmt, txl: recurrent;
  // others: contiguous), else recurrent if most layers use their weights more than once in a
  // forward pass and none is a convolution.
  kAuto = 0,
  // Each layer of a stack to a device of its own; stacks (the encoder, the decoder) side by side.
  // With more layers than devices, runs of layers of about equal number; with fewer, the rest of
  // the devices stay empty. Embeddings to the first device, softmax, attention and loss to the
  // last.
  kRecurrent = 1,
  // Parts of about equal numbers of modules that have parameters, in the order of the forward pass.
  kContiguous = 2,
};

// The human expert's rule of the placement literature (Mirhoseini et al., ICML 2017 and ICLR 2018;
// Zhou et al., "GO", NeurIPS 2020), by counts, not times. Layers are the scopes up to their first
// number ("decoder.layers.3") that have parameters, "embed", "softmax", "attention", "loss" and
// the like are told by name. Backward ops go with their forward op, optimizer ops with their
// parameter, other ops with their neighbours; without scopes, ops of the forward pass are counted.
// Then moved where devices, groups or memory forbid. The solver "expert_paper", with critical-path
// priorities.
GOPT_API std::vector<DeviceId> ExpertPaperPlacement(const TaskGraph& tasks,
                                                    ExpertFamily family = ExpertFamily::kAuto,
                                                    const PlacementOptions& placement = {});

}  // namespace gopt

#endif  // GOPT_SOLVE_EXPERT_PAPER_H_
