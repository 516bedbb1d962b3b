#include "src/rl/device_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/random.h"
#include "gopt/cost/simulator.h"
#include "gopt/rl/policy_problem.h"
#include "gopt/workloads/synthetic.h"
#include "tests/testing/policy_cases.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;

std::vector<DeviceId> InOrder(int devices) {
  std::vector<DeviceId> order(devices);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

std::vector<DeviceId> Shuffled(int devices, Random& random) {
  std::vector<DeviceId> order = InOrder(devices);
  for (int i = devices - 1; i > 0; --i) std::swap(order[i], order[random.Below(i + 1)]);
  return order;
}

std::shared_ptr<const Graph> SomeGraph() {
  return *MakeLayered({.ops = 60, .width = 6, .time = {.seed = 1}});
}

Device Chip(const std::string& name, const std::string& kind = "chip") {
  return {.name = name,
          .kind = kind,
          .memory_bytes = int64_t{1} << 34,
          .peak_flops = 1e12,
          .memory_bandwidth = 1e11};
}

// Equal devices, neighbours linked.
Machine Ring(int count) {
  std::vector<Device> devices;
  std::vector<Link> links;
  for (int d = 0; d < count; ++d) {
    devices.push_back(Chip(absl::StrCat("d", d)));
    for (const int to : {(d + 1) % count, (d + count - 1) % count}) {
      links.push_back({d, to, {absl::StrCat(d, "->", to), 1e9, 1'000}});
    }
  }
  return *Machine::CreateFromLinks("ring", devices, links);
}

// Equal devices, two of two hosts, with faster channels inside a host; and another kind.
Machine Hosts() {
  std::vector<Device> devices;
  std::vector<Link> links;
  for (int d = 0; d < 6; ++d) devices.push_back(Chip(absl::StrCat("d", d), d < 4 ? "chip" : "old"));
  for (int from = 0; from < 6; ++from) {
    for (int to = 0; to < 6; ++to) {
      const bool near = from / 2 == to / 2;
      if (from == to) continue;
      links.push_back({from, to, {absl::StrCat(from, "->", to), near ? 1e10 : 1e9, 1'000}});
    }
  }
  return *Machine::CreateFromLinks("hosts", devices, links);
}

// What is left of a machine without names and numbers of channels.
std::string Shape(const Problem& problem) {
  const Machine& machine = problem.machine();
  std::string text;
  for (DeviceId a = 0; a < machine.num_devices(); ++a) {
    absl::StrAppend(&text, machine.device(a).kind, " ", problem.memory_limit(a), ":");
    for (DeviceId b = 0; b < machine.num_devices(); ++b) {
      absl::StrAppend(&text, " ", machine.route_bandwidth(a, b), "/", machine.route_latency(a, b));
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

TEST(DeviceOrderTest, NumbersThatGoFromNeighbourToNeighbourStay) {
  for (const Machine& machine : {Ring(7), Hosts(), *UniformMachine({.count = 5})}) {
    EXPECT_EQ(DeviceOrder(*Problem::Create(SomeGraph(), machine)), InOrder(machine.num_devices()));
  }
}

TEST(DeviceOrderTest, HoweverDevicesAreNumberedTheMachineIsTheSame) {
  Random random(3);
  std::vector<Machine> machines = {Ring(7), Hosts(), testing::UnevenMachine({0, 1, 2}),
                                   Ring(6).WithMemoryLimit(2, 1'000'000)};
  for (const Machine& machine : machines) {
    ASSERT_OK_AND_ASSIGN(const Problem problem, Problem::Create(SomeGraph(), machine));
    ASSERT_OK_AND_ASSIGN(const Problem ordered, WithDevicesInOrder(problem, DeviceOrder(problem)));
    for (int i = 0; i < 10; ++i) {
      ASSERT_OK_AND_ASSIGN(const Problem other,
                           WithDevicesInOrder(problem, Shuffled(machine.num_devices(), random)));
      ASSERT_OK_AND_ASSIGN(const Problem again, WithDevicesInOrder(other, DeviceOrder(other)));
      EXPECT_EQ(Shape(again), Shape(ordered));
    }
  }
}

TEST(DeviceOrderTest, WhatNamesDevicesIsRenumberedToo) {
  ProblemOptions options;
  options.constraints.pins = {{3, 1, "pin"}};
  options.constraints.allowed = {{{4, 5}, {1, 2}, "allowed"}};
  options.constraints.memory_limits = {{2, 1'000'000'000, "limit"}};
  ASSERT_OK_AND_ASSIGN(const Problem problem,
                       Problem::Create(SomeGraph(), *UniformMachine({.count = 3}), options));
  const std::vector<DeviceId> order = {2, 0, 1};  // 0 is now 1, 1 is 2, 2 is 0.
  ASSERT_OK_AND_ASSIGN(const Problem other, WithDevicesInOrder(problem, order));
  EXPECT_THAT(other.allowed_devices(3), ElementsAre(2));
  EXPECT_THAT(other.allowed_devices(4), ElementsAre(0, 2));
  EXPECT_EQ(other.memory_limit(0), 1'000'000'000);
  // They tell devices apart.
  ASSERT_OK_AND_ASSIGN(const Problem a, WithDevicesInOrder(problem, DeviceOrder(problem)));
  ASSERT_OK_AND_ASSIGN(const Problem b, WithDevicesInOrder(other, DeviceOrder(other)));
  EXPECT_EQ(Shape(a), Shape(b));
  for (const OpId op : {3, 4, 5}) {
    EXPECT_THAT(a.allowed_devices(op), ::testing::ElementsAreArray(b.allowed_devices(op)));
  }
}

TEST(DeviceOrderTest, NumbersThatMeanSomethingStay) {
  ProblemOptions options;
  options.constraints.no_skipped_devices = true;
  ASSERT_OK_AND_ASSIGN(const Problem problem,
                       Problem::Create(SomeGraph(), testing::UnevenMachine({2, 0, 1}), options));
  EXPECT_EQ(DeviceOrder(problem), InOrder(3));
}

// Whether the quick placements have the two ends of each edge together.
std::vector<bool> Together(const Problem& problem) {
  const auto backend = *Simulator::Create({});
  const ReferencePlan reference = *PolicyProblem::FindReference(problem, *backend, "heft");
  const FeatureContext context =
      *MakeFeatureContext(problem, reference, RooflineCostModel(problem));
  std::vector<bool> together;
  for (const std::vector<DeviceId>& device : context.placements) {
    for (size_t a = 0; a < device.size(); ++a) {
      for (size_t b = 0; b < a; ++b) together.push_back(device[a] == device[b]);
    }
  }
  return together;
}

TEST(DeviceOrderTest, QuickPlacementsDoNotDependOnTheNumbersOfDevices) {
  Random random(5);
  // No even ring: opposite devices have two ways there, of which the machine's maker takes one.
  for (const Machine& machine : {Ring(5), Hosts()}) {
    ASSERT_OK_AND_ASSIGN(const Problem problem, Problem::Create(SomeGraph(), machine));
    const std::vector<bool> expected = Together(problem);
    EXPECT_FALSE(expected.empty());
    for (int i = 0; i < 4; ++i) {
      ASSERT_OK_AND_ASSIGN(const Problem other,
                           WithDevicesInOrder(problem, Shuffled(machine.num_devices(), random)));
      EXPECT_EQ(Together(other), expected);
    }
  }
}

}  // namespace
}  // namespace gopt
