#ifndef GOPT_SRC_SOLVE_EXACT_SYMMETRY_H_
#define GOPT_SRC_SOLVE_EXACT_SYMMETRY_H_

#include <vector>

#include "gopt/base/export.h"
#include "src/solve/exact_instance.h"

namespace gopt {

// Per device: those, itself included, that may trade places with it in any plan without a change of
// its makespan: every task takes as long on either and may use both or none, and the routes of the
// whole machine are the same under other names of the channels. memory: of its feasibility too.
GOPT_API std::vector<Bits> InterchangeableDevices(const ExactInstance& instance, bool memory);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_EXACT_SYMMETRY_H_
