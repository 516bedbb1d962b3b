#ifndef GOPT_SRC_SOLVE_FUSION_MOVES_H_
#define GOPT_SRC_SOLVE_FUSION_MOVES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/random.h"
#include "gopt/base/types.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/plan/fusion_groups.h"
#include "gopt/plan/problem.h"
#include "src/solve/critical_picks.h"
#include "src/solve/groups.h"
#include "src/solve/search_state.h"
#include "src/solve/signatures.h"

namespace gopt {

// Random changes of the kernels of a SearchState, always to legal ones. A training step repeats the
// same few structures hundreds of times, so most changes are made wherever a pattern occurs. Each
// returns whether it changed anything; if not, the state is as it was. With placement open, kernels
// on different devices may merge: one of them moves.
class GOPT_API FusionMoves {
 public:
  // critical_share: as in Moves. What is referred to must outlive this.
  FusionMoves(const Problem& problem, const OpCostModel& costs, double critical_share,
              Random* random);

  // The chain that picks prefer from now on, kernels of the states to come; empty: none.
  void SetCriticalChain(std::span<const KernelId> chain) { picks_.SetChain(chain); }

  // Two neighbours merge, a kernel is split, or an op goes over to a neighbour; the same again
  // elsewhere with probability 1/2.
  bool Single(SearchState* state);
  // One of these for a kernel (or a pair) and all like it: in the whole graph, on its device, or in
  // its group of one of the groupings. Alike: the same types and shapes of ops in the same order.
  bool Pattern(std::span<const Grouping> groupings, SearchState* state);
  // A group, a device or the whole graph is fused anew in GO's order (Zhou et al., NeurIPS 2020) by
  // a priority drawn for each type and shape of ops.
  bool Region(std::span<const Grouping> groupings, SearchState* state);
  // Where `takes` names a kernel, its ops are fused as in `other`, as far as that is legal and
  // keeps to devices.
  bool Inherit(const Kernels& other, const std::function<bool(KernelId)>& takes,
               SearchState* state);
  // 30 % Single, 60 % Pattern, 10 % Region.
  bool Any(std::span<const Grouping> groupings, SearchState* state);

 private:
  using Scope = std::function<bool(KernelId)>;
  // Which ops leave a kernel: positions among its ops.
  struct Cut {
    bool all = false;  // Each op by itself.
    size_t begin = 0, end = 0;
  };

  bool Follow(const SearchState& state);
  bool Install(SearchState* state);

  Scope PickScope(std::span<const Grouping> groupings, KernelId kernel, const SearchState& state);
  Cut PickCut(size_t num_ops);

  void SingleStep(SearchState* state);
  void MergePattern(KernelId kernel, const Scope& scope, SearchState* state);
  void SplitPattern(KernelId kernel, const Scope& scope, const SearchState& state);
  void ShiftPattern(KernelId kernel, const Scope& scope, SearchState* state);
  void FuseAnew(std::span<const OpId> ops, SearchState* state);

  OpId GroupOf(const SearchState& state, KernelId kernel) const;
  bool Merge(OpId a, OpId b, bool may_move, SearchState* state);
  bool Gather(OpId group, DeviceId device, SearchState* state);
  void Apply(const Cut& cut, KernelId kernel, const SearchState& state);
  void ShiftOne(KernelId kernel, size_t position, KernelId neighbour, SearchState* state);

  const Problem& problem_;
  const OpCostModel& costs_;
  Random* const random_;
  CriticalPicks picks_;
  const bool may_place_;
  FusionGroups groups_;
  std::shared_ptr<const Kernels> kept_;  // Which groups_ is, but for what can be undone,
  std::shared_ptr<const Kernels> made_;  // and which it is with that.
  Signatures signatures_;
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_FUSION_MOVES_H_
