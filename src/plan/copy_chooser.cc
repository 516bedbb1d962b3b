#include "src/plan/copy_chooser.h"

#include <algorithm>

namespace gopt {

void CopyChooser::Copies::Clear() {
  for (const DeviceId device : used_devices) lowest_on_device[device] = kNone;
  used_devices.clear();
  lowest = kNone;
}

// Kernels come in ascending order, so the first on each device is the lowest.
void CopyChooser::Copies::Add(KernelId kernel, DeviceId device) {
  if (lowest == kNone) lowest = kernel;
  if (lowest_on_device[device] != kNone) return;
  lowest_on_device[device] = kernel;
  used_devices.push_back(device);
}

CopyChooser::CopyChooser(const Kernels& kernels, std::span<const DeviceId> device)
    : kernels_(kernels), device_(device) {
  if (!kernels.has_clones()) return;
  holds_.assign(kernels.size(), kNone);
  const DeviceId last = device.empty() ? 0 : *std::max_element(device.begin(), device.end());
  for (Copies& copies : copies_) copies.lowest_on_device.assign(last + 1, kNone);
}

void CopyChooser::Load(OpId op) {
  if (op == op_) return;
  op_ = op;
  const std::span<const KernelId> copies = kernels_.kernels_of(op);
  only_ = copies.size() == 1 ? copies.front() : kNone;
  if (only_ != kNone) return;
  recomputed_ = kernels_.is_recomputed(op);
  for (Copies& kind : copies_) kind.Clear();
  for (const KernelId kernel : copies) {
    holds_[kernel] = op;
    copies_[KindOf(kernel)].Add(kernel, DeviceOf(kernel));
  }
}

KernelId CopyChooser::Choose(KernelId reader) const {
  if (only_ != kNone) return only_;
  if (holds_[reader] == op_) return reader;
  const int kind = KindOf(reader);
  const Copies& copies = copies_[copies_[kind].lowest != kNone ? kind : 1 - kind];
  const KernelId near = copies.lowest_on_device[DeviceOf(reader)];
  return near != kNone ? near : copies.lowest;
}

}  // namespace gopt
