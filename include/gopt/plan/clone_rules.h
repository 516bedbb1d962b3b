#ifndef GOPT_PLAN_CLONE_RULES_H_
#define GOPT_PLAN_CLONE_RULES_H_

#include <string_view>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/graph/graph.h"

namespace gopt {

// Why the op must run once, in words that go on after its name; empty: it may be in several
// kernels. What an op does to the world, to a parameter or between devices must happen once, and
// random numbers must be drawn once: a second copy would give its readers others. Graphs do not say
// which ops draw, so any whose type, canonical or native, names a random source (dropout,
// bernoulli, rng, ...) is taken to.
GOPT_API std::string_view WhyItRunsOnce(const Graph& graph, OpId op);

}  // namespace gopt

#endif  // GOPT_PLAN_CLONE_RULES_H_
