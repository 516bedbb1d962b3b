#include "src/solve/exact_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/cost/op_cost_model.h"
#include "src/solve/exact_symmetry.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/scale.h"

namespace gopt {
namespace {

constexpr int64_t kMostNodes = 50'000;

// The least makespan, or nothing where the search did not get there.
std::optional<Nanoseconds> Least(const ExactInstance& instance, const std::vector<Bits>& same,
                                 bool memo) {
  ExactSearch search(instance, same, {.relaxed = true, .memo = memo},
                     [](int64_t nodes) { return nodes > kMostNodes; });
  Nanoseconds least = kSaturated;
  const bool done = search.Run(kSaturated - 1, [&](const ExactState& state, const Trail&) {
    least = std::min(least, state.makespan);
    return least - 1;
  });
  if (!done) return std::nullopt;
  return least;
}

TEST(ExactSearchTest, ShortcutsLoseNothing) {
  int compared = 0;
  for (int seed = 0; seed < testing::Scaled(150); ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const testing::RandomCase c = testing::MakeRandomCase(
        random, {.max_compute_ops = 9, .max_devices = 4, .fusion = false, .clones = false});
    const RooflineCostModel costs(c.problem);
    const TaskGraph tasks = *TaskGraph::Create(c.problem, c.problem.base_kernels(), costs);
    if (tasks.num_devices() > 4) continue;
    const ExactInstance instance(tasks, seed % 3 != 0);
    std::vector<Bits> alone;
    for (DeviceId d = 0; d < instance.num_devices; ++d) alone.push_back(Bit(d));
    const auto plain = Least(instance, alone, false);
    const auto quick = Least(instance, InterchangeableDevices(instance, false), true);
    if (!plain.has_value()) continue;
    ++compared;
    EXPECT_TRUE(quick.has_value());
    EXPECT_EQ(quick, plain);
  }
  EXPECT_GE(compared, testing::Scaled(150) / 3);
}

}  // namespace
}  // namespace gopt
