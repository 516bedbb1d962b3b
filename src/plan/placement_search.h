#ifndef GOPT_SRC_PLAN_PLACEMENT_SEARCH_H_
#define GOPT_SRC_PLAN_PLACEMENT_SEARCH_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "gopt/base/random.h"
#include "src/plan/placement_domains.h"
#include "src/plan/placement_model.h"

namespace gopt {

enum class SearchOutcome : uint8_t { kFound, kNone, kLimit };

// Picks a device of a set that is not empty.
using ChooseDevice = absl::FunctionRef<DeviceId(int32_t unit, std::span<const uint64_t> possible)>;

// What a search may do before it ends in kLimit.
struct SearchLimits {
  int64_t steps;  // Domain changes propagated.
  int64_t contradictions = std::numeric_limits<int64_t>::max();
};

enum class NextUnit : uint8_t {
  kInOrder,
  // The unit of the last contradiction while it is open (Lecoutre et al., "Reasoning from last
  // conflict(s) in constraint programming", 2009), else in order.
  kConflictFirst,
};

// Decides every unit, depth first; `order` lists all units. A device that leads to a contradiction
// is excluded. kNone is a proof that the state has no completion.
SearchOutcome SearchPlacement(std::span<const int32_t> order, NextUnit next, ChooseDevice choose,
                              const SearchLimits& limits, PlacementDomains* state);

// Continues a search that ended at its limit in a state that keeps its lowest devices legal: all
// that is left goes to the lowest device left, which meets no contradiction. Other states: kLimit.
SearchOutcome TakeLowest(std::span<const int32_t> order, const SearchLimits& limits,
                         PlacementDomains* state);

// Limits for searches that hardly meet a contradiction: several times the steps of one that meets
// none. One beyond them is at a dead end, and better begun anew.
SearchLimits FewSteps(const PlacementModel& model, int64_t max_steps);

// Units by number of devices left, fewest first, then by number.
std::vector<int32_t> MostConstrainedFirst(const PlacementModel& model,
                                          const PlacementDomains& state);
// All units in a random order.
std::vector<int32_t> RandomOrder(const PlacementModel& model, Random* random);
// Per unit: the rank of its part of the graph, where parts that no forward edge joins are ranked by
// number of units, most first; ties: the one with the lowest unit.
std::vector<int32_t> RankParts(const PlacementModel& model);
// A random topological order of the forward edges; on a cycle, lower units first. Without `random`
// the lowest ready unit comes first.
std::vector<int32_t> TopologicalOrder(const PlacementModel& model, Random* random);

// Where searches begin: the model's domains after propagation.
struct PlacementRoots {
  explicit PlacementRoots(const PlacementModel& model);

  std::optional<PlacementDomains> any;  // Empty: there is no legal placement.
  // Only under triangle_free. Empty: none of the kind.
  std::optional<PlacementDomains> neighbours;
  std::optional<PlacementDomains> lowest_legal;  // Of neighbours: KeepLowestLegal().
  std::vector<int32_t> part_rank;                // RankParts().
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_PLACEMENT_SEARCH_H_
