#include "src/workloads/timed_ops.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "src/workloads/draw.h"

namespace gopt {
namespace {

constexpr double kFlopsPerNanosecond = 9.3e3;  // Of a P100.

}  // namespace

absl::Status CheckTimeOptions(std::string_view family, const TimeOptions& options) {
  GOPT_RETURN_IF_ERROR(
      CheckRange(family, "mean_time", static_cast<double>(options.mean_time), 1.0, kMaxMeanTime));
  GOPT_RETURN_IF_ERROR(CheckRange(family, "spread", options.spread, 0.0, kMaxSpread));
  GOPT_RETURN_IF_ERROR(CheckRange(family, "ccr", options.ccr, 0.0, kMaxCcr));
  return CheckRange(family, "bandwidth", options.bandwidth, 1.0, kMaxBandwidth);
}

std::vector<Nanoseconds> TimedOps::DrawTimes(const TimeOptions& options, Random& random) {
  std::vector<double> factor(num_ops());
  double sum = 0.0;
  for (double& f : factor) sum += f = RandomFactor(random, options.spread);
  const double scale = static_cast<double>(options.mean_time) * num_ops() / sum;
  std::vector<Nanoseconds> time(num_ops());
  for (OpId op = 0; op < num_ops(); ++op) {
    time[op] = std::max<Nanoseconds>(1, std::llround(factor[op] * scale));
    writer_.SetFlops(op, static_cast<double>(time[op]) * kFlopsPerNanosecond);
  }
  return time;
}

// Tensors that nobody reads have bytes like the others, but do not count for the ratio.
void TimedOps::DrawBytes(const TimeOptions& options, double work, Random& random) {
  std::vector<uint8_t> is_read(num_ops(), 0);
  for (const PortId port : writer_.columns().operand_port) is_read[port] = 1;
  std::vector<double> factor(num_ops());
  double sum = 0.0;
  for (OpId op = 0; op < num_ops(); ++op) {
    factor[op] = RandomFactor(random, options.spread);
    sum += is_read[op] != 0 ? factor[op] : 0.0;
  }
  const double total = options.ccr * work * 1e-9 * options.bandwidth;
  for (OpId op = 0; op < num_ops(); ++op) {
    writer_.SetPortBytes(op, sum > 0.0 ? SaturatingFloor(factor[op] / sum * total + 0.5) : 0);
  }
}

absl::StatusOr<std::shared_ptr<const Graph>> TimedOps::Finish(const TimeOptions& options) && {
  Random random(options.seed);
  std::vector<Nanoseconds> time = DrawTimes(options, random);
  double work = 0.0;
  for (const Nanoseconds t : time) work += static_cast<double>(t);
  DrawBytes(options, work, random);
  return std::move(writer_).Finish(std::move(time));
}

}  // namespace gopt
