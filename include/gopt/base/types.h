#ifndef GOPT_BASE_TYPES_H_
#define GOPT_BASE_TYPES_H_

#include <cmath>
#include <cstdint>

namespace gopt {

// Dense indices from 0; -1 means "none" wherever a field allows it.
using OpId = int32_t;
using PortId = int32_t;
using StorageId = int32_t;
using DeviceId = int32_t;
using ChannelId = int32_t;
using KernelId = int32_t;

inline constexpr int32_t kNone = -1;

// All simulated time is integer nanoseconds from 0, so results are equal to the bit everywhere.
using Nanoseconds = int64_t;

// Times and byte sums saturate here instead of overflowing: 2^62.
inline constexpr int64_t kSaturated = int64_t{1} << 62;

// Sum of two values in [0, 2^62], at most 2^62.
constexpr int64_t SaturatingAdd(int64_t a, int64_t b) {
  return a >= kSaturated - b ? kSaturated : a + b;
}

// Rounds a non-negative real up to an integer, saturating at 2^62. NaN saturates too.
inline int64_t SaturatingCeil(double value) {
  if (!(value < static_cast<double>(kSaturated))) return kSaturated;
  return static_cast<int64_t>(std::ceil(value));
}

// Rounds a non-negative real down to an integer, saturating at 2^62. NaN saturates too.
inline int64_t SaturatingFloor(double value) {
  if (!(value < static_cast<double>(kSaturated))) return kSaturated;
  return static_cast<int64_t>(std::floor(value));
}

}  // namespace gopt

#endif  // GOPT_BASE_TYPES_H_
