#ifndef SRC_COST_COMPILED_CACHE_H_
#define SRC_COST_COMPILED_CACHE_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/types.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"
#include "src/cost/compiled_kernels.h"

namespace gopt {

// The kernels that were compiled last. Searches in fusion go back and forth between a few, and
// those of a population between as many as it has individuals.
class CompiledCache {
 public:
  // Both must outlive this.
  CompiledCache(const Problem& problem, const RooflineCostModel& costs)
      : problem_(problem), costs_(costs) {}

  // The plan's, compiled anew where they are not at hand; where who reads which copy depends on
  // devices, for its placement. Valid until the next call. Errors as CompiledKernels::Create.
  absl::StatusOr<const CompiledKernels*> Get(const Plan& plan);

 private:
  struct Entry {
    CompiledKernels compiled;
    std::vector<DeviceId> device;  // Where copies depend on them.
  };

  static bool Fits(const Entry& entry, const Plan& plan);
  void MakeRoom(int num_kernels);

  const Problem& problem_;
  const RooflineCostModel& costs_;
  std::vector<std::unique_ptr<Entry>> entries_;  // Last used first.
};

}  // namespace gopt

#endif  // SRC_COST_COMPILED_CACHE_H_
