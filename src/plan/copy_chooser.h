#ifndef GOPT_SRC_PLAN_COPY_CHOOSER_H_
#define GOPT_SRC_PLAN_COPY_CHOOSER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/plan/kernels.h"

namespace gopt {

// ChooseCopy for many readers of one op: O(copies) to load the op, O(1) for each reader.
class CopyChooser {
 public:
  // device: one per kernel, not negative; may be empty when copies do not depend on devices. Both
  // arguments must outlive this.
  CopyChooser(const Kernels& kernels, std::span<const DeviceId> device);

  // The op whose copies Choose() is about; it must be in a kernel.
  void Load(OpId op);
  KernelId Choose(KernelId reader) const;

 private:
  // The copies among which one kind of reader chooses.
  struct Copies {
    KernelId lowest = kNone;
    std::vector<KernelId> lowest_on_device;
    std::vector<DeviceId> used_devices;
    void Clear();
    void Add(KernelId kernel, DeviceId device);
  };

  DeviceId DeviceOf(KernelId kernel) const { return device_.empty() ? 0 : device_[kernel]; }
  // Of a recomputed op backward kernels read the second kind of copies, all others the first.
  int KindOf(KernelId kernel) const { return recomputed_ && kernels_.is_backward(kernel) ? 1 : 0; }

  const Kernels& kernels_;
  std::span<const DeviceId> device_;
  OpId op_ = kNone;
  KernelId only_ = kNone;    // The copy when there is a single one.
  std::vector<OpId> holds_;  // Per kernel: the last loaded op that it holds.
  Copies copies_[2];         // By kind.
  bool recomputed_ = false;
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_COPY_CHOOSER_H_
