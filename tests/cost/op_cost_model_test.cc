#include "gopt/cost/op_cost_model.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "gopt/graph/graph_text.h"
#include "gopt/plan/problem.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/reference_costs.h"

namespace gopt::testing {
namespace {

TEST(RooflineCostModelTest, EqualsThePlainFormulaOnRandomKernels) {
  for (uint64_t seed = 0; seed < 2'000; ++seed) {
    Random random(seed);
    const RandomCase random_case = MakeRandomCase(random);
    const Kernels& kernels = *random_case.plan.kernels;
    const Reads reads = ResolveReads(kernels, random_case.plan.device);
    const RooflineCostModel costs(random_case.problem);
    for (KernelId kernel = 0; kernel < kernels.size(); ++kernel) {
      std::vector<PortId> outputs;
      for (const auto& [port, readers] : reads.readers[kernel]) outputs.push_back(port);
      for (DeviceId d = 0; d < random_case.problem.machine().num_devices(); ++d) {
        ASSERT_EQ(costs.KernelTime(kernels.ops(kernel), outputs, d),
                  ReferenceKernelTime(random_case.problem, kernels, reads, kernel, d))
            << "seed " << seed << ", kernel " << kernel << ", device " << d;
      }
    }
  }
}

TEST(RooflineCostModelTest, DevicesThatPriceAlikeShareAClass) {
  const auto graph = *ParseGraph("a -> b");
  const RooflineCostModel costs(*Problem::Create(graph, *UniformMachine({.count = 5})));
  EXPECT_EQ(costs.num_device_classes(), 1);
  EXPECT_EQ(costs.device_class(4), 0);
}

TEST(RooflineCostModelTest, TransfersNeedARoute) {
  const auto graph = *ParseGraph("a -> b");
  const Machine two = *UniformMachine({.count = 2, .bandwidth = 2e9});
  const RooflineCostModel costs(*Problem::Create(graph, two));
  EXPECT_EQ(costs.TransferTime(9, 0, 1), 5);
  EXPECT_EQ(costs.TransferTime(9, 1, 1), 0);
  const Machine islands = *Machine::Create("islands", {two.device(0), two.device(1)}, {}, {});
  EXPECT_EQ(RooflineCostModel(*Problem::Create(graph, islands)).TransferTime(9, 0, 1), kSaturated);
}

}  // namespace
}  // namespace gopt::testing
