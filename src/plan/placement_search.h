#ifndef GOPT_SRC_PLAN_PLACEMENT_SEARCH_H_
#define GOPT_SRC_PLAN_PLACEMENT_SEARCH_H_

#include <cstdint>
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

// Decides every unit, depth first: the unit of the last contradiction if it is open (Lecoutre et
// al., "Reasoning from last conflict(s) in constraint programming", 2009), else the first open one
// of `order`, which lists all units. A device that leads to a contradiction is excluded. kNone is a
// proof that the state has no completion; kLimit: max_steps more domain changes were propagated.
SearchOutcome SearchPlacement(std::span<const int32_t> order, ChooseDevice choose,
                              int64_t max_steps, PlacementDomains* state);

// Units by number of devices left, fewest first, then by number.
std::vector<int32_t> MostConstrainedFirst(const PlacementModel& model,
                                          const PlacementDomains& state);
// All units in a random order.
std::vector<int32_t> RandomOrder(const PlacementModel& model, Random* random);
// A random topological order of the forward edges; on a cycle, lower units first. Without `random`
// the lowest ready unit comes first.
std::vector<int32_t> TopologicalOrder(const PlacementModel& model, Random* random);

// Where searches begin: the model's domains after propagation.
struct PlacementRoots {
  explicit PlacementRoots(const PlacementModel& model);

  std::optional<PlacementDomains> any;         // Empty: there is no legal placement.
  std::optional<PlacementDomains> neighbours;  // Only under triangle_free; empty: none of the kind.
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_PLACEMENT_SEARCH_H_
