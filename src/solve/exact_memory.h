#ifndef GOPT_SRC_SOLVE_EXACT_MEMORY_H_
#define GOPT_SRC_SOLVE_EXACT_MEMORY_H_

#include <cstdint>
#include <vector>

#include "gopt/base/types.h"
#include "src/solve/exact_instance.h"
#include "src/solve/exact_state.h"

namespace gopt {

// Whether a state already needs more memory than there is: counts what is certainly alive now. What
// it lets pass may still not fit; the price of the plan tells.
class ExactMemory {
 public:
  // byte_limit: lowers every device's limit.
  ExactMemory(const ExactInstance& instance, int64_t byte_limit);

  bool Overflows(const ExactState& state);

 private:
  struct Storage {
    int64_t bytes;
    Bits readers;
    bool is_output;
  };

  void AddStorages(KernelId k);
  void CountParameters(const ExactState& state);
  void CountLocal(const ExactState& state, KernelId k);
  void CountReceived(const ExactState& state, int32_t output);
  bool EndsLater(const ExactState& state, KernelId k) const;
  bool HasInputs(const ExactState& state, KernelId k) const;
  void Count(DeviceId d, int64_t bytes) { live_[d] = SaturatingAdd(live_[d], bytes); }

  const ExactInstance& instance_;
  std::vector<int64_t> limit_;                  // Per device.
  std::vector<std::vector<Storage>> storages_;  // Per task: that outlive it.
  std::vector<int64_t> run_bytes_;              // Per task: only while it runs.
  std::vector<int64_t> output_bytes_;           // Per output.
  std::vector<int64_t> live_;                   // Per device.
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_EXACT_MEMORY_H_
