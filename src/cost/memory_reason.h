#ifndef SRC_COST_MEMORY_REASON_H_
#define SRC_COST_MEMORY_REASON_H_

#include <cstdint>
#include <string>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/graph/graph.h"

namespace gopt {

// Something that takes memory of a device at its peak. The order of the members breaks ties.
struct LiveTensor {
  enum class Kind : uint8_t { kParameter, kTensor, kReceived, kScratch };
  int64_t bytes = 0;
  Kind kind = Kind::kTensor;
  PortId port = kNone;  // A port of the storage; kNone for scratch.
  OpId op = kNone;      // Its producer.
  KernelId kernel = kNone;
};

// "out of memory: device 1 'gpu1' needs 150 bytes, 50 over its limit of 100; largest live tensors:
// 'w' 80 (parameter), 'a' 60". At most five tensors are named, largest first.
GOPT_API std::string DescribeOutOfMemory(const Graph& graph, DeviceId device,
                                         const std::string& device_name, int64_t peak,
                                         int64_t limit, std::vector<LiveTensor> live);

}  // namespace gopt

#endif  // SRC_COST_MEMORY_REASON_H_
