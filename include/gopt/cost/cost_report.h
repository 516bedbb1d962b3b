#ifndef GOPT_COST_COST_REPORT_H_
#define GOPT_COST_COST_REPORT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"

namespace gopt {

enum class Outcome : uint8_t {
  kOk = 1,
  kInfeasible = 2,  // Illegal, or over a memory limit: the reason says which.
  kFailed = 3,      // The backend could not tell.
};
GOPT_API std::string_view ToString(Outcome outcome);  // "OK", "INFEASIBLE", "FAILED"

struct KernelSpan {
  KernelId kernel;
  DeviceId device;
  Nanoseconds start;
  Nanoseconds end;
};

struct TransferSpan {
  PortId port;
  KernelId producer;  // kNone: a parameter.
  DeviceId from;
  DeviceId to;
  int64_t bytes;
  Nanoseconds request;  // When it was asked for.
  Nanoseconds start;    // Occupies the channels of its route from here
  Nanoseconds end;      // to here,
  Nanoseconds arrival;  // and is there after the latencies.
};

struct MemorySample {
  Nanoseconds time;
  int64_t bytes;  // Live from `time` to the next sample.
};

// One link of the critical chain, from the start of the step to its end.
struct CriticalStep {
  enum class Reason : uint8_t { kStart, kDependency, kTransfer, kDevice };
  KernelId kernel;
  Reason reason;  // What its start waited for: nothing, an input, a transfer, the kernel before it.
  KernelId cause;  // The kernel behind the reason; kNone for kStart and for parameter transfers.
};

struct EvaluateOptions {
  bool start_order = false;     // Fill CostReport::start_order.
  bool timeline = false;        // Fill kernel_spans, transfer_spans and memory_samples.
  bool critical_chain = false;  // Fill critical_chain.
};

// What a plan is worth. Reused between evaluations: Evaluate overwrites every field.
struct CostReport {
  Outcome outcome = Outcome::kFailed;
  std::string reason;  // Empty when OK.
  // Makespan of one step. Also filled for plans that only exceed memory.
  Nanoseconds step_time = 0;
  std::vector<Nanoseconds> samples;  // Measuring backends: one per repetition.
  std::vector<Nanoseconds> busy;     // Per device.
  std::vector<int64_t> peak_bytes;   // Per device.
  int64_t bytes_over_limit = 0;      // Sum over devices of peak beyond the limit.
  int64_t transfers = 0;
  int64_t transfer_bytes = 0;
  int32_t unknown_flops_ops = 0;       // Priced with flops 0.
  int32_t unmodelled_collectives = 0;  // Priced as data movement.

  // On request.
  std::vector<KernelId> start_order;                      // By start time, then device.
  std::vector<KernelSpan> kernel_spans;                   // By kernel.
  std::vector<TransferSpan> transfer_spans;               // In booking order.
  std::vector<std::vector<MemorySample>> memory_samples;  // Per device, by time.
  std::vector<CriticalStep> critical_chain;               // From the start to the last finish.

  bool ok() const { return outcome == Outcome::kOk; }
};

}  // namespace gopt

#endif  // GOPT_COST_COST_REPORT_H_
