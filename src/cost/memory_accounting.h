#ifndef SRC_COST_MEMORY_ACCOUNTING_H_
#define SRC_COST_MEMORY_ACCOUNTING_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/cost/cost_report.h"
#include "gopt/plan/problem.h"
#include "src/cost/compiled_kernels.h"
#include "src/cost/memory_reason.h"
#include "src/cost/simulation.h"

namespace gopt {

// Peak bytes of every device after a run, by docs/simulator.md, "Memory of a device". What kernels
// take and give back lies in order of time already; only starts and ends of transfers are sorted.
// Keeps its memory between runs.
class MemoryAccounting {
 public:
  explicit MemoryAccounting(const Problem& problem) : problem_(problem) {}

  // Fills peak_bytes and, if asked for, memory_samples. The run recorded its transfers.
  void Run(const CompiledKernels& kernels, const Simulation& simulation, const Plan& plan,
           std::span<const DeviceId> homes, bool samples, CostReport* report);

  // When the device first reached its peak.
  Nanoseconds peak_time(DeviceId device) const { return peak_time_[device]; }
  // What lay in its memory then. Slow; after Run.
  std::vector<LiveTensor> LiveAtPeak(DeviceId device);

 private:
  struct Change {
    Nanoseconds time;
    int64_t bytes;
  };
  class Collector;
  class Finder;

  template <typename Visitor>
  void VisitTensors(Visitor& visitor);
  template <typename Visitor>
  void VisitOutputs(KernelId kernel, Visitor& visitor);
  template <typename Visitor>
  void VisitParameters(Visitor& visitor);
  void SortChanges(std::vector<Change>* changes);
  void SplitByDevice();
  template <typename Sum>
  void Sweep(DeviceId device, bool samples, CostReport* report);

  const Problem problem_;
  const CompiledKernels* kernels_ = nullptr;
  const Simulation* simulation_ = nullptr;
  std::span<const DeviceId> device_, homes_;

  // Bytes may exceed 2^62: then every change is sorted, and summed in 128 bits.
  bool wide_ = false;
  std::vector<int64_t> end_bytes_;              // Per kernel: given back when it ends.
  std::vector<std::vector<Change>> changes_;    // Per device: those that no kernel makes.
  std::vector<std::vector<KernelId>> started_;  // Per device, in order; empty if wide.
  std::vector<Nanoseconds> peak_time_;

  // A last use, while it is looked for.
  struct LastUse {
    Nanoseconds time = -1;
    KernelId kernel = kNone;  // That ends then; kNone: a transfer.
  };
  std::vector<LastUse> storage_use_;  // Of one kernel's storages.
  std::vector<LastUse> device_use_;   // Per device, of one port.
  std::vector<LastUse> pair_use_;     // Per transfer of a parameter.
  std::vector<Change> sorted_;
  std::vector<int32_t> bucket_;
};

}  // namespace gopt

#endif  // SRC_COST_MEMORY_ACCOUNTING_H_
