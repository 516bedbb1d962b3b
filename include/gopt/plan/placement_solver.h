#ifndef GOPT_PLAN_PLACEMENT_SOLVER_H_
#define GOPT_PLAN_PLACEMENT_SOLVER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/random.h"
#include "gopt/base/types.h"
#include "gopt/plan/kernels.h"
#include "gopt/plan/problem.h"

namespace gopt {

// Where everything is: the part of a plan that the rules on placements are about.
struct Placement {
  std::vector<DeviceId> device;          // One per kernel.
  std::vector<DeviceId> parameter_home;  // One per Graph::parameters(); kNone: the default rule.

  bool operator==(const Placement&) const = default;
};

struct PlacementSolverOptions {
  // Whether each device must hold the persistent bytes of the parameters at home there. Necessary
  // for a plan to fit, not sufficient: activations come on top.
  bool memory = true;
  // Whether Create names the smallest conflicting set of rules, which takes many searches.
  bool explain = true;
  // Limit of one search, in domain changes that were propagated. More proves or finds more.
  int64_t max_steps = 200'000;
};

// Legal placements by constraint propagation, for given kernels: pins, allowed devices, colocation,
// keep-apart, forward-only, no-skipped and triangle-free devices, missing routes, and the memory of
// parameters. SAMPLE and FIX after Xie et al., "A Transferable Approach for Partitioning Machine
// Learning Models on Multi-Chip-Modules", MLSys 2022, section 4. Knows nothing of cost.
//
// Each unit (kernels and parameters that must share a device) has a set of possible devices, which
// rules shrink until nothing changes. Under triangle_free_devices some searches keep to flows
// between neighbours, device i to i + 1, where propagation alone is complete. Where kernels are
// cloned, a reader counts as reading the lowest copy that it may read unless it holds one, so some
// legal placements are not drawn. Immutable; const calls are thread-safe.
class GOPT_API PlacementSolver {
 public:
  // FailedPrecondition with the conflicting rules where propagation or search proves that there is
  // no legal placement; ResourceExhausted where none was found within max_steps and none was
  // proven impossible. The kernels must be of the problem's graph.
  static absl::StatusOr<PlacementSolver> Create(const Problem& problem,
                                                std::shared_ptr<const Kernels> kernels,
                                                PlacementSolverOptions options = {});
  ~PlacementSolver();
  PlacementSolver(PlacementSolver&&) noexcept;
  PlacementSolver& operator=(PlacementSolver&&) noexcept;

  // A legal placement drawn unit by unit, in random order (under triangle_free_devices the largest
  // connected part first; small graphs at times in topological order), from what is possible: in
  // proportion to the unit's probability there (the product over its kernels), or uniformly where
  // all that is possible has probability 0 or is not a number. probabilities: [kernels, devices],
  // row by row; rows need not add up to 1. The same stream gives the same draw. InvalidArgument
  // for a wrong size.
  absl::StatusOr<Placement> Sample(std::span<const float> probabilities, Random* random) const;

  // A legal placement near the given one, and the given one itself where it is legal. Units whose
  // device breaks no rule with another's are kept first, then units by the number of rules they
  // break; a unit that cannot stay goes to the possible device that holds most of its neighbours,
  // ties by distance in device id, then lower id. No single unit of the result can be moved back
  // to its given device: a local optimum of the number of units moved, not always the global one.
  // devices: one per kernel, kNone without a wish; homes: empty, or one per parameter, kNone for
  // the default rule. InvalidArgument for a wrong size or a device that does not exist.
  absl::StatusOr<Placement> Fix(std::span<const DeviceId> devices,
                                std::span<const DeviceId> homes = {}) const;

  // Whether Fix would return this placement unchanged. Linear in the graph.
  bool IsLegal(std::span<const DeviceId> devices, std::span<const DeviceId> homes = {}) const;

  const Kernels& kernels() const;
  int num_devices() const;
  // Kernels and parameters that move together count once.
  int num_units() const;

 private:
  struct Impl;
  explicit PlacementSolver(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace gopt

#endif  // GOPT_PLAN_PLACEMENT_SOLVER_H_
