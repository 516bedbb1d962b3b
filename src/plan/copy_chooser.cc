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
  all_.lowest_on_device.assign(last + 1, kNone);
  backward_.lowest_on_device.assign(last + 1, kNone);
}

void CopyChooser::Load(OpId op) {
  if (op == op_) return;
  op_ = op;
  const std::span<const KernelId> copies = kernels_.kernels_of(op);
  only_ = copies.size() == 1 ? copies.front() : kNone;
  if (only_ != kNone) return;
  recomputed_ = kernels_.is_recomputed(op);
  all_.Clear();
  backward_.Clear();
  for (const KernelId kernel : copies) {
    holds_[kernel] = op;
    all_.Add(kernel, device_[kernel]);
    if (recomputed_ && kernels_.is_backward(kernel)) backward_.Add(kernel, device_[kernel]);
  }
}

KernelId CopyChooser::Choose(KernelId reader) const {
  if (only_ != kNone) return only_;
  if (holds_[reader] == op_) return reader;
  const Copies& copies = recomputed_ && kernels_.is_backward(reader) ? backward_ : all_;
  const KernelId near = copies.lowest_on_device[device_[reader]];
  return near != kNone ? near : copies.lowest;
}

}  // namespace gopt
