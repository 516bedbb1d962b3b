#ifndef GOPT_SRC_PLAN_DEVICE_FLOW_GRAPH_H_
#define GOPT_SRC_PLAN_DEVICE_FLOW_GRAPH_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/types.h"

namespace gopt {

// Which device sends data to which, kept free of triangles: beside a direct flow from i to j there
// is no longer way from i to j that does not pass i or j in between.
class DeviceFlowGraph {
 public:
  // forward: flows go to higher devices only, which makes questions cheaper.
  DeviceFlowGraph(int num_devices, bool forward);

  bool Has(DeviceId from, DeviceId to) const;
  // False, and no change, if the flow would close a triangle. It must not exist yet.
  bool Add(DeviceId from, DeviceId to);
  void Remove(DeviceId from, DeviceId to);

  // Forward graphs only: the devices that `device` may send to (or receive from) as things are,
  // itself among them. Each alone; two of them together may still close a triangle.
  void AllowedReaders(DeviceId device, std::span<uint64_t> set) const {
    Allow(out_, in_, device, set);
  }
  void AllowedSources(DeviceId device, std::span<uint64_t> set) const {
    Allow(in_, out_, device, set);
  }

 private:
  using Matrix = std::vector<uint64_t>;  // [devices, words]

  std::span<const uint64_t> Row(const Matrix& matrix, DeviceId row) const {
    return {matrix.data() + static_cast<size_t>(row) * words_, words_};
  }
  std::span<uint64_t> Row(Matrix& matrix, DeviceId row) const {
    return {matrix.data() + static_cast<size_t>(row) * words_, words_};
  }
  void Close(const Matrix& edges, std::span<uint64_t> set) const;
  bool ClosesTriangle(DeviceId from, DeviceId to) const;
  bool SomeDetour() const;
  bool HasDetour(DeviceId from, DeviceId to) const;
  void Allow(const Matrix& ahead, const Matrix& back, DeviceId device,
             std::span<uint64_t> set) const;

  int num_devices_;
  size_t words_;
  bool forward_;
  Matrix out_, in_;
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_DEVICE_FLOW_GRAPH_H_
