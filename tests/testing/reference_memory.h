#ifndef TESTS_TESTING_REFERENCE_MEMORY_H_
#define TESTS_TESTING_REFERENCE_MEMORY_H_

#include <span>
#include <vector>

#include "gopt/cost/cost_report.h"
#include "src/cost/memory_reason.h"
#include "tests/testing/reference_run.h"

namespace gopt::testing {

// Something in a device's memory during [start, end).
struct MemoryInterval {
  Nanoseconds start;
  Nanoseconds end;
  LiveTensor tensor;
};

// All of them, per device, by docs/simulator.md, "Memory of a device".
std::vector<std::vector<MemoryInterval>> MemoryIntervals(const Problem& problem, const Plan& plan,
                                                         const Reads& reads,
                                                         std::span<const DeviceId> homes,
                                                         const ReferenceRun& run);

// A sweep over the intervals of one device: the first sample is at 0, the others wherever the live
// bytes change.
std::vector<MemorySample> SweepMemory(std::span<const MemoryInterval> intervals);

}  // namespace gopt::testing

#endif  // TESTS_TESTING_REFERENCE_MEMORY_H_
