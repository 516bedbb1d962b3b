#ifndef GOPT_SRC_SOLVE_LINK_MODEL_H_
#define GOPT_SRC_SOLVE_LINK_MODEL_H_

#include <cstdint>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/machine/machine.h"

namespace gopt {

// When the routes of a machine are free, as rows of doubles over destinations: entry [from, to] is
// at from * width + to, infinite latency where there is no route. Routes may share channels.
class LinkModel {
 public:
  LinkModel(const Machine& machine, int width);

  // All routes are free from time 0.
  void Reset();

  const double* free(DeviceId from) const { return &free_[Row(from)]; }
  const double* latency(DeviceId from) const { return &latency_[Row(from)]; }
  // Nanoseconds per byte.
  const double* inverse_bandwidth(DeviceId from) const { return &inverse_bandwidth_[Row(from)]; }

  // Occupies the route for the tensor, not before `request` and after all that was booked before on
  // any of its channels. Returns the arrival.
  double Book(DeviceId from, DeviceId to, double request, double bytes);

 private:
  size_t Row(DeviceId from) const { return static_cast<size_t>(from) * width_; }

  const int width_;
  std::vector<double> free_, latency_, inverse_bandwidth_;
  // Routes that share a channel with the route, itself included; empty: itself only.
  std::vector<int32_t> sharing_begin_;  // Per [from, to].
  std::vector<int32_t> sharing_;        // Indices [from, to].
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_LINK_MODEL_H_
