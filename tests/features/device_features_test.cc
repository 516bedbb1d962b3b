#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "gopt/features/graph_features.h"
#include "gopt/workloads/synthetic.h"
#include "tests/features/feature_cases.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using testing::DeviceColumn;
using ::testing::Each;
using ::testing::FloatNear;
using testing::PlainContext;
using ::testing::Pointwise;

#define EXPECT_COLUMN(values, ...) \
  EXPECT_THAT(values, Pointwise(FloatNear(1e-5f), std::vector<float>{__VA_ARGS__}))

float Log(double x, double mean) {
  return static_cast<float>(std::log2(x / mean + 1.0 / 1024) / 4);
}

// Four devices of which no two are alike; the device that is k-th by nature has the id id[k]. Links
// come in the same order whatever the ids, so that routes are the same.
Machine MixedMachine(const std::vector<DeviceId>& id) {
  const int count = static_cast<int>(id.size());
  std::vector<Device> devices(count);
  std::vector<Link> links;
  for (int k = 0; k < count; ++k) {
    devices[id[k]] = {.name = "d" + std::to_string(k),
                      .kind = k % 2 == 0 ? "even" : "odd",
                      .memory_bytes = 1'000 + 500 * k,
                      .peak_flops = 1e12 * (1 + k),
                      .memory_bandwidth = 1e11 * (4 - k),
                      .launch = 100 * k,
                      .host = k / 3};
    for (int j = 0; j < count; ++j) {
      if (j == k || (k == 3 && j == 0)) continue;  // No link from d3 to d0.
      links.push_back({id[k], id[j], {std::to_string(k * 10 + j), 1e9 * (k + 1) + 1e8 * j, k + 1}});
    }
  }
  return Machine::CreateFromLinks("mixed", std::move(devices), std::move(links)).value();
}

TEST(DeviceFeaturesTest, EqualDevicesAreAllAtTheMean) {
  const Problem problem = testing::TextProblem("a[time=5] -> b[time=5]", 4);
  ASSERT_OK_AND_ASSIGN(const GraphFeatures f, MakeGraphFeatures(problem, PlainContext(problem)));
  for (const char* name : {"compute", "memory_bandwidth", "memory", "graph_time", "out_bandwidth",
                           "in_bandwidth", "best_bandwidth"}) {
    EXPECT_THAT(DeviceColumn(f, name), Each(FloatNear(0, 1e-3f))) << name;
  }
  for (const char* name : {"reach", "same_host", "same_kind", "allowed_ops"}) {
    EXPECT_COLUMN(DeviceColumn(f, name), 1, 1, 1, 1);
  }
  EXPECT_THAT(DeviceColumn(f, "incumbent_load"), Each(0));
}

TEST(DeviceFeaturesTest, RatesByHand) {
  ProblemOptions options;
  options.constraints.memory_limits.push_back({3, 1'000, "test"});
  options.constraints.allowed.push_back({{1}, {0, 1, 2}, "test"});
  const Problem problem =
      Problem::Create(
          ParseGraph("a[time=2,bytes=400] -> b[time=6,bytes=400]; w:parameter[bytes=4000]"
                     " -> c[time=2]; b -> c")
              .value(),
          MixedMachine({0, 1, 2, 3}), std::move(options))
          .value();
  FeatureContext context = PlainContext(problem);
  context.device_kind = {0, 1, 0, 1};
  context.times.push_back(context.times[0]);
  for (Nanoseconds& time : context.times[1]) time *= 3;
  context.incumbent = {{0, 1, 1, 2}, {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}, 1};
  ASSERT_OK_AND_ASSIGN(const GraphFeatures f, MakeGraphFeatures(problem, context));
  EXPECT_COLUMN(DeviceColumn(f, "compute"), Log(1, 2.5), Log(2, 2.5), Log(3, 2.5), Log(4, 2.5));
  EXPECT_COLUMN(DeviceColumn(f, "memory"), Log(4, 5.5), Log(6, 5.5), Log(8, 5.5), Log(4, 5.5));
  EXPECT_COLUMN(DeviceColumn(f, "launch"), Log(0, 1.5), Log(1, 1.5), Log(2, 1.5), Log(3, 1.5));
  EXPECT_COLUMN(DeviceColumn(f, "graph_time"), Log(1, 2), Log(3, 2), Log(1, 2), Log(3, 2));
  EXPECT_COLUMN(DeviceColumn(f, "persistent_share"), .5, .4, 1 / 3.f, .5);
  EXPECT_COLUMN(DeviceColumn(f, "activation_share"), 1 / 6.f, 2 / 17.f, 1 / 11.f, 1 / 6.f);
  EXPECT_COLUMN(DeviceColumn(f, "same_host"), 2 / 3.f, 2 / 3.f, 2 / 3.f, 0);
  EXPECT_COLUMN(DeviceColumn(f, "same_kind"), 1 / 3.f, 1 / 3.f, 1 / 3.f, 1 / 3.f);
  EXPECT_COLUMN(DeviceColumn(f, "allowed_ops"), 1, 1, 1, 2 / 3.f);
  // Routes without a link of their own go over two: d3 reaches d0.
  EXPECT_COLUMN(DeviceColumn(f, "reach"), 1, 1, 1, 1);
}

TEST(DeviceFeaturesTest, RenumberedDevicesRenumberRowsAndNothingElse) {
  const std::vector<DeviceId> new_id = {1, 3, 0, 2};
  const auto graph = MakeRnn({.layers = 3, .steps = 5}).value();
  const Problem problem = Problem::Create(graph, MixedMachine({0, 1, 2, 3})).value();
  const Problem renumbered = Problem::Create(graph, MixedMachine(new_id)).value();
  const FeatureContext context = testing::FullContext(problem, 5);
  const auto renumber = [&](std::vector<DeviceId>* devices) {
    for (DeviceId& d : *devices) d = d == kNone ? kNone : new_id[d];
  };
  FeatureContext other = context;
  for (int k = 0; k < 4; ++k) other.device_kind[new_id[k]] = context.device_kind[k];
  renumber(&other.incumbent.device);
  for (std::vector<DeviceId>& placement : other.placements) renumber(&placement);
  ASSERT_OK_AND_ASSIGN(const GraphFeatures a, MakeGraphFeatures(problem, context));
  ASSERT_OK_AND_ASSIGN(const GraphFeatures b, MakeGraphFeatures(renumbered, other));
  for (int k = 0; k < 4; ++k) {
    EXPECT_TRUE(b.device[new_id[k]].allclose(a.device[k], 1e-5, 1e-6)) << "device " << k;
    EXPECT_FALSE(a.device[k].allclose(a.device[(k + 1) % 4])) << "devices are to differ";
  }
  EXPECT_TRUE(a.node.allclose(b.node, 1e-5, 1e-6));
  EXPECT_TRUE(a.edge.allclose(b.edge, 1e-5, 1e-6));
  EXPECT_TRUE(a.op_type.equal(b.op_type) && a.op_start.equal(b.op_start));
  std::vector<int64_t> device = testing::Longs(a.op_device);
  for (int64_t& d : device) d = d == kNone ? kNone : new_id[d];
  EXPECT_EQ(testing::Longs(b.op_device), device);
}

}  // namespace
}  // namespace gopt
