#ifndef GOPT_RL_REGISTER_H_
#define GOPT_RL_REGISTER_H_

#include "gopt/base/export.h"

namespace gopt {

// Adds to the registries what libgopt has beyond libgopt_core: the solvers "policy" and "gopt".
// Once is enough; more calls do nothing. Thread-safe.
GOPT_API void RegisterAll();

}  // namespace gopt

#endif  // GOPT_RL_REGISTER_H_
