#ifndef GOPT_FEATURES_SCALE_H_
#define GOPT_FEATURES_SCALE_H_

#include <algorithm>
#include <cmath>

namespace gopt {

// How quantities of any unit become numbers of about unit size. All are finite for finite,
// non-negative arguments.

// log2(x / mean + 2^-10) / 4 with x / mean cut at 1023: about 0 at the mean, in [-2.5, 2.5]. 0 if
// the mean is 0.
inline float RelativeLog(double x, double mean) {
  if (!(mean > 0.0)) return 0.0f;
  const float ratio = static_cast<float>(std::min(x / mean, 1023.0));
  return std::log2(ratio + 0x1p-10f) * 0.25f;
}

// log2(1 + x) * scale.
inline float LogCount(double x, float scale) {
  return std::log2(static_cast<float>(1.0 + x)) * scale;
}

// part / whole in [0, 1]; 0 if the whole is 0.
inline float PartOf(double part, double whole) {
  return whole > 0.0 ? static_cast<float>(std::clamp(part / whole, 0.0, 1.0)) : 0.0f;
}

// a / (a + b) in [0, 1]; 0 if both are 0.
inline float Against(double a, double b) { return PartOf(a, a + b); }

// Sum / count; 0 of nothing.
inline double MeanOf(double sum, double count) { return count > 0.0 ? sum / count : 0.0; }

}  // namespace gopt

#endif  // GOPT_FEATURES_SCALE_H_
