#ifndef TESTS_TESTING_RANDOM_PROBLEM_H_
#define TESTS_TESTING_RANDOM_PROBLEM_H_

#include <cstdint>
#include <memory>

#include "gopt/base/random.h"
#include "gopt/graph/graph.h"
#include "gopt/machine/machine.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt::testing {

// What random cases may contain. Numbers are small on purpose, so that ties and zeros are common.
struct RandomCaseOptions {
  int max_compute_ops = 24;
  int max_devices = 5;
  bool parameters = true;
  bool controls = true;
  bool fusion = true;
  bool clones = true;
  bool tight_memory = true;  // Limits that some plans exceed.
  bool distinct_ranks = false;
};

std::shared_ptr<const Graph> RandomGraph(Random& random, const RandomCaseOptions& options = {});

// One channel per pair, a shared bus, a ring with routes over several channels, or any mixture.
// Every pair of devices has a route.
Machine RandomMachine(Random& random, const RandomCaseOptions& options = {});

// Kernels (random groups, some ops cloned or recomputed), devices, ranks, homes and dispatch;
// always legal for the simulator, though not always by the fusion limits.
Plan RandomPlan(Random& random, const Problem& problem, const RandomCaseOptions& options = {});

struct RandomCase {
  Problem problem;
  Plan plan;
};
RandomCase MakeRandomCase(Random& random, const RandomCaseOptions& options = {});

// A large graph with two operands per op, mostly from ops not far back, and measured times for
// UniformMachine's devices; edges / ops is 2 but for the first few.
struct LargeGraphOptions {
  int ops = 80'000;
  int window = 1'000;        // Operands come from this many ops back.
  double chain = 0.0;        // How often one operand comes from the op just before.
  bool elementwise = false;  // Chains that may fuse: every op elementwise with equal shapes.
  uint64_t seed = 1;
};
std::shared_ptr<const Graph> LargeGraph(const LargeGraphOptions& options);

// Random devices, ranks in op order.
Plan LargePlan(std::shared_ptr<const Kernels> kernels, int num_devices, uint64_t seed);

// Groups of about `ops_per_kernel` neighbours in op order.
std::shared_ptr<const Kernels> ConsecutiveKernels(std::shared_ptr<const Graph> graph,
                                                  int ops_per_kernel);

}  // namespace gopt::testing

#endif  // TESTS_TESTING_RANDOM_PROBLEM_H_
