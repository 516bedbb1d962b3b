#ifndef GOPT_SRC_PLAN_PLACEMENT_MODEL_H_
#define GOPT_SRC_PLAN_PLACEMENT_MODEL_H_

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/plan/kernels.h"
#include "gopt/plan/problem.h"

namespace gopt {

// What the rules on placements see of a problem: units (kernels and parameters that must share a
// device) with sets of devices, and what relates two units. A set of devices is `words` 64-bit
// words. Rows are compressed as in KernelGraph. Units are numbered by their lowest kernel, which
// follows op order for singletons; units without a kernel come last.
struct PlacementModel {
  // Data from one unit to another. Only forward edges count for the rules on pipelines.
  struct Edge {
    int32_t unit;
    bool forward;
  };
  struct Apart {
    int32_t unit;
    OpId op;  // Members with the same op are copies, which may meet.
  };

  int num_devices = 0;
  int words = 0;
  int num_units = 0;
  bool forward_only = false;
  bool no_skipped = false;
  bool triangle_free = false;
  bool some_route_missing = false;
  bool contradiction = false;  // One unit holds ops that must be kept apart.

  std::vector<int32_t> unit_of_kernel;
  std::vector<int32_t> unit_of_parameter;  // kNone: free; its default home breaks no rule.
  std::vector<int32_t> kernel_begin;       // Kernels of each unit; empty for parameters alone.
  std::vector<KernelId> kernels;
  std::vector<uint64_t> domain;  // [units, words]

  std::vector<int32_t> reader_begin, source_begin;
  std::vector<Edge> readers, sources;

  std::vector<int32_t> apart_begin;  // Members of each keep-apart rule.
  std::vector<Apart> apart;
  std::vector<int32_t> rule_begin;  // Positions in `apart` of each unit.
  std::vector<int32_t> rules;

  std::vector<uint64_t> route_to, route_from;  // [devices, words], each with itself.

  std::vector<int64_t> bytes;     // Per unit: persistent, of its parameters.
  std::vector<int64_t> capacity;  // Per device; empty: memory is not considered.
  std::vector<int32_t> heaviest;  // Units with bytes, most first.

  template <typename T>
  static std::span<const T> Row(const std::vector<T>& values, const std::vector<int32_t>& begin,
                                int32_t i) {
    return {values.data() + begin[i], values.data() + begin[i + 1]};
  }
  std::span<const KernelId> KernelsOf(int32_t unit) const {
    return Row(kernels, kernel_begin, unit);
  }
  std::span<const Edge> Readers(int32_t unit) const { return Row(readers, reader_begin, unit); }
  std::span<const Edge> Sources(int32_t unit) const { return Row(sources, source_begin, unit); }
  bool runs(int32_t unit) const { return kernel_begin[unit] < kernel_begin[unit + 1]; }
  bool has_pipeline_rules() const { return forward_only || no_skipped || triangle_free; }
};

struct PlacementModelOptions {
  bool memory = true;
  bool routes = true;  // Whether a missing route forbids anything.
};

// The kernels must be of the problem's graph. Linear in the graph, but for sorting.
PlacementModel MakePlacementModel(const Problem& problem, const Kernels& kernels,
                                  const PlacementModelOptions& options);

// Sets of devices. Lowest and highest are of a set that is not empty.
DeviceId LowestDevice(std::span<const uint64_t> set);
DeviceId HighestDevice(std::span<const uint64_t> set);

inline bool HasDevice(std::span<const uint64_t> set, DeviceId device) {
  return (set[static_cast<size_t>(device) / 64] >> (device % 64) & 1) != 0;
}
inline void InsertDevice(std::span<uint64_t> set, DeviceId device) {
  set[static_cast<size_t>(device) / 64] |= uint64_t{1} << (device % 64);
}
inline void EraseDevice(std::span<uint64_t> set, DeviceId device) {
  set[static_cast<size_t>(device) / 64] &= ~(uint64_t{1} << (device % 64));
}
// In ascending order. What `visit` does to later words is seen.
template <typename Visit>
void ForEachDevice(std::span<const uint64_t> set, Visit visit) {
  for (size_t w = 0; w < set.size(); ++w) {
    for (uint64_t rest = set[w]; rest != 0; rest &= rest - 1) {
      visit(static_cast<DeviceId>(w * 64) + std::countr_zero(rest));
    }
  }
}

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_PLACEMENT_MODEL_H_
