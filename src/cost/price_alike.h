#ifndef GOPT_SRC_COST_PRICE_ALIKE_H_
#define GOPT_SRC_COST_PRICE_ALIKE_H_

#include "gopt/machine/machine.h"

namespace gopt {

// Every op takes the same time on both.
inline bool PriceAlike(const Device& a, const Device& b) {
  return a.kind == b.kind && a.peak_flops == b.peak_flops &&
         a.memory_bandwidth == b.memory_bandwidth && a.launch == b.launch &&
         a.efficiency == b.efficiency;
}

}  // namespace gopt

#endif  // GOPT_SRC_COST_PRICE_ALIKE_H_
