#ifndef GOPT_SRC_WORKLOADS_DRAW_H_
#define GOPT_SRC_WORKLOADS_DRAW_H_

#include <cmath>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "gopt/base/random.h"

namespace gopt {

// 2^x, straight between whole x: unlike std::exp2 the same bits on every platform.
inline double PowerOfTwo(double x) {
  const double whole = std::floor(x);
  return std::ldexp(1.0 + (x - whole), static_cast<int>(whole));
}

// About lognormal: 2^x, where x has mean 0 and the standard deviation `spread`.
inline double RandomFactor(Random& random, double spread) {
  double x = -2.0;  // Of the sum of four uniform numbers, whose variance is a third.
  for (int i = 0; i < 4; ++i) x += random.Uniform();
  return PowerOfTwo(spread * 1.7320508075688772 * x);
}

// InvalidArgument "rnn: layers is 0, expected 1 to 100" unless low <= value <= high.
absl::Status CheckRange(std::string_view family, std::string_view option, double value, double low,
                        double high);

// Of ranges that hold everywhere.
inline constexpr double kMaxOps = 2'000'000;  // As GraphLimits::max_ops.
inline constexpr double kMaxWidth = 1 << 16;  // Batch too: products of three and bytes fit int64.
inline constexpr double kMaxVocabulary = 1 << 20;
inline constexpr double kMaxSpread = 4.0;
inline constexpr double kMaxBandwidth = 1e15;
inline constexpr double kMaxCcr = 1e4;
inline constexpr double kMaxMeanTime = 1e9;

}  // namespace gopt

#endif  // GOPT_SRC_WORKLOADS_DRAW_H_
