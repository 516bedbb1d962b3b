#include "gopt/machine/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/testing/status.h"

namespace gopt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Device SomeDevice(std::string name) {
  return {.name = std::move(name),
          .kind = "device",
          .memory_bytes = 1000,
          .peak_flops = 1e12,
          .memory_bandwidth = 1e11,
          .launch = 5,
          .host = 0,
          .efficiency = {}};
}

std::vector<Device> SomeDevices(int count) {
  std::vector<Device> devices;
  for (int i = 0; i < count; ++i) devices.push_back(SomeDevice("d" + std::to_string(i)));
  return devices;
}

const std::vector<Channel> kTwoChannels = {{"a", 2e9, 10}, {"b", 1e9, 5}};

TEST(MachineTest, RouteOverSeveralChannelsHasTheSmallestBandwidthAndAllLatencies) {
  ASSERT_OK_AND_ASSIGN(const Machine machine,
                       Machine::Create("line", SomeDevices(3), kTwoChannels,
                                       {{0, 1, {0}}, {1, 2, {1}}, {0, 2, {0, 1}}}));
  EXPECT_THAT(machine.route(0, 2), ElementsAre(0, 1));
  EXPECT_EQ(machine.route_bandwidth(0, 2), 1e9);
  EXPECT_EQ(machine.route_latency(0, 2), 15);
  EXPECT_THAT(machine.route(2, 0), IsEmpty());
  EXPECT_THAT(machine.route(1, 1), IsEmpty());
  EXPECT_FALSE(machine.has_route(2, 0));
  EXPECT_EQ(machine.route_bandwidth(2, 0), 0.0);
  EXPECT_EQ(machine.route_latency(2, 0), 0);
}

TEST(MachineTest, TransferDurationRoundsUpAndSaturates) {
  ASSERT_OK_AND_ASSIGN(const Machine machine,
                       Machine::Create("m", SomeDevices(2), {{"a", 3e9, 7}}, {{0, 1, {0}}}));
  EXPECT_EQ(machine.TransferDuration(0, 0, 1), 0);
  EXPECT_EQ(machine.TransferDuration(3, 0, 1), 1);
  EXPECT_EQ(machine.TransferDuration(4, 0, 1), 2);
  EXPECT_EQ(machine.TransferDuration(10, 0, 1),
            static_cast<int64_t>(std::ceil((10.0 * 1e9) / 3e9)));
  EXPECT_EQ(machine.TransferDuration(10, 1, 0), kSaturated);  // No route.
  EXPECT_EQ(machine.TransferDuration(10, 1, 1), 0);
  ASSERT_OK_AND_ASSIGN(const Machine slow,
                       Machine::Create("m", SomeDevices(2), {{"a", 1e-30, 7}}, {{0, 1, {0}}}));
  EXPECT_EQ(slow.TransferDuration(kSaturated, 0, 1), kSaturated);
}

TEST(MachineTest, LatenciesSaturate) {
  const std::vector<Channel> channels = {{"a", 1, kSaturated}, {"b", 1, kSaturated}};
  ASSERT_OK_AND_ASSIGN(const Machine machine,
                       Machine::Create("m", SomeDevices(2), channels, {{0, 1, {0, 1}}}));
  EXPECT_EQ(machine.route_latency(0, 1), kSaturated);
}

TEST(MachineTest, Has1To1024Devices) {
  EXPECT_THAT(Machine::Create("m", {}, {}, {}), IsInvalid("1 to 1024 devices, not 0"));
  EXPECT_THAT(Machine::Create("m", SomeDevices(1025), {}, {}), IsInvalid("not 1025"));
  for (const int count : {1, 64, 65, 1024}) {
    ASSERT_OK_AND_ASSIGN(const Machine machine, UniformMachine({.count = count}));
    EXPECT_EQ(machine.num_devices(), count);
    EXPECT_EQ(machine.num_channels(), count * (count - 1));
    EXPECT_EQ(machine.has_route(count - 1, 0), count > 1);
  }
  EXPECT_THAT(UniformMachine({.count = 0}), IsInvalid("not 0"));
  EXPECT_THAT(UniformMachine({.count = 1025}), IsInvalid("not 1025"));
}

TEST(MachineTest, RejectsRatesThatAreNoRates) {
  for (const double rate :
       {0.0, -1.0, 1e308, 4.9e-324, std::numeric_limits<double>::quiet_NaN(),
        std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()}) {
    std::vector<Device> devices = SomeDevices(2);
    devices[1].peak_flops = rate;
    EXPECT_THAT(Machine::Create("m", devices, {}, {}), IsInvalid("device 1 'd1': peak_flops"));
    devices = SomeDevices(2);
    devices[0].memory_bandwidth = rate;
    EXPECT_THAT(Machine::Create("m", devices, {}, {}),
                IsInvalid("device 0 'd0': memory_bandwidth"));
    EXPECT_THAT(Machine::Create("m", SomeDevices(2), {{"pcie", rate, 0}}, {}),
                IsInvalid("channel 0 'pcie': bandwidth"));
  }
}

TEST(MachineTest, RejectsNegativeAmounts) {
  std::vector<Device> devices = SomeDevices(1);
  devices[0].memory_bytes = -1;
  EXPECT_THAT(Machine::Create("m", devices, {}, {}), IsInvalid("memory_bytes is -1"));
  devices = SomeDevices(1);
  devices[0].launch = -5;
  EXPECT_THAT(Machine::Create("m", devices, {}, {}), IsInvalid("launch is -5"));
  EXPECT_THAT(Machine::Create("m", SomeDevices(1), {{"c", 1e9, -1}}, {}),
              IsInvalid("channel 0 'c': latency is -1"));
  devices[0].launch = kSaturated + 1;
  EXPECT_THAT(Machine::Create("m", devices, {}, {}), IsInvalid("launch"));
}

TEST(MachineTest, RejectsNamesThatAreEmptyOrTaken) {
  EXPECT_THAT(Machine::Create("m", {SomeDevice("a"), SomeDevice("a")}, {}, {}),
              IsInvalid("device 1 'a': name is taken"));
  EXPECT_THAT(Machine::Create("m", {SomeDevice("")}, {}, {}), IsInvalid("device 0 '': name"));
  EXPECT_THAT(Machine::Create("m", {SomeDevice(std::string(5000, 'x'))}, {}, {}),
              IsInvalid("name is over 4096 bytes"));
  EXPECT_THAT(Machine::Create("m", {SomeDevice("\xff")}, {}, {}), IsInvalid("UTF-8"));
}

TEST(MachineTest, RejectsEfficienciesBeyondOneOrRepeated) {
  const auto create = [](std::vector<Efficiency> efficiency) {
    std::vector<Device> devices = SomeDevices(1);
    devices[0].efficiency = std::move(efficiency);
    return Machine::Create("m", std::move(devices), {}, {});
  };
  const FusionClass contraction = FusionClass::kContraction;
  EXPECT_OK(create({{"", contraction, .5, .5}, {"matmul", contraction, 1.0, 1e-6}}));
  EXPECT_THAT(create({{"", contraction, 1.5, 1}}), IsInvalid("efficiency 0: flops is 1.5"));
  EXPECT_THAT(create({{"", contraction, 1, 0}}), IsInvalid("efficiency 0: bytes is 0"));
  EXPECT_THAT(create({{"", contraction, std::nan(""), 1}}), IsInvalid("flops is nan"));
  EXPECT_THAT(create({{"", contraction, 1, 1}, {"", contraction, 1, 1}}), IsInvalid("is repeated"));
  EXPECT_THAT(create({{"mm", contraction, 1, 1}, {"mm", contraction, 1, 1}}), IsInvalid("twice"));
  EXPECT_THAT(create({{"", FusionClass::kUnspecified, 1, 1}}), IsInvalid("op_class"));
}

TEST(MachineTest, RejectsRoutesThatLeadNowhere) {
  const auto create = [](std::vector<Machine::Route> routes) {
    return Machine::Create("m", SomeDevices(3), kTwoChannels, std::move(routes));
  };
  EXPECT_THAT(create({{0, 3, {0}}}), IsInvalid("route 0 -> 3: the device does not exist"));
  EXPECT_THAT(create({{-1, 0, {0}}}), IsInvalid("route -1 -> 0"));
  EXPECT_THAT(create({{1, 1, {0}}}), IsInvalid("route 1 -> 1"));
  EXPECT_THAT(create({{0, 1, {}}}), IsInvalid("route 0 -> 1: has no channel"));
  EXPECT_THAT(create({{0, 1, {2}}}), IsInvalid("route 0 -> 1: channel 2 does not exist"));
  EXPECT_THAT(create({{0, 1, {-1}}}), IsInvalid("channel -1 does not exist"));
  EXPECT_THAT(create({{0, 1, {0, 0}}}), IsInvalid("passes channel 0 twice"));
  EXPECT_THAT(create({{0, 1, {0}}, {0, 1, {1}}}), IsInvalid("route 0 -> 1: is given twice"));
}

TEST(MachineTest, RoutesAreGivenBackByPair) {
  const std::vector<Channel> channels = {{"a", 1, 0}, {"b", 1, 0}, {"c", 1, 0}};
  ASSERT_OK_AND_ASSIGN(const Machine machine,
                       Machine::Create("m", SomeDevices(4), channels,
                                       {{2, 0, {2}}, {0, 1, {0}}, {0, 3, {0, 1, 2}}, {0, 2, {1}}}));
  const std::vector<Machine::Route> routes = machine.Routes();
  ASSERT_EQ(routes.size(), 4u);
  EXPECT_THAT(routes[0].channels, ElementsAre(0));
  EXPECT_THAT(routes[1].channels, ElementsAre(1));
  EXPECT_THAT(routes[2].channels, ElementsAre(0, 1, 2));
  EXPECT_EQ(routes[3].from, 2);
  EXPECT_EQ(machine.FindDevice("d2"), 2);
  EXPECT_EQ(machine.FindDevice("nobody"), kNone);
}

TEST(MachineTest, LinksGiveShortestRoutes) {
  // 0 - 1 - 2 - 3 - 0, a ring both ways, and 4 that can only be reached.
  std::vector<Link> links;
  for (int i = 0; i < 4; ++i) {
    links.push_back({i, (i + 1) % 4, {"", 1e9 + i, 1}});
    links.push_back({(i + 1) % 4, i, {"", 1e9 + i, 10}});
  }
  links.push_back({2, 4, {"", 5e8, 100}});
  ASSERT_OK_AND_ASSIGN(const Machine machine,
                       Machine::CreateFromLinks("ring", SomeDevices(5), links));
  EXPECT_THAT(machine.route(0, 1), ElementsAre(0));
  EXPECT_THAT(machine.route(1, 0), ElementsAre(1));
  EXPECT_THAT(machine.route(0, 3), ElementsAre(7));
  EXPECT_THAT(machine.route(0, 2), ElementsAre(0, 2));
  EXPECT_THAT(machine.route(1, 4), ElementsAre(2, 8));
  EXPECT_EQ(machine.route_bandwidth(1, 4), 5e8);
  EXPECT_EQ(machine.route_latency(1, 4), 101);
  EXPECT_FALSE(machine.has_route(4, 0));
}

TEST(MachineTest, RejectsTwoLinksBetweenADirectedPair) {
  const Link link = {0, 1, {"", 1e9, 0}};
  EXPECT_THAT(Machine::CreateFromLinks("m", SomeDevices(2), {link, link}),
              IsInvalid("route 0 -> 1: has two links"));
  EXPECT_THAT(Machine::CreateFromLinks("m", SomeDevices(2), {{0, 2, {"", 1e9, 0}}}),
              IsInvalid("does not exist"));
}

TEST(MachineTest, RoutesThatBeginAlikeShareTheirChannels) {
  // Written-out routes of a one-way ring, in any order, take no more room than the longest of each
  // source.
  constexpr int kCount = 64;
  std::vector<Channel> channels(kCount, Channel{"", 1e9, 1});
  std::vector<Machine::Route> routes;
  for (int from = 0; from < kCount; ++from) {
    for (int hops = 1; hops < kCount; ++hops) {
      Machine::Route route = {from, (from + hops) % kCount, {}};
      for (int hop = 0; hop < hops; ++hop) route.channels.push_back((from + hop) % kCount);
      routes.push_back(route);
    }
  }
  ASSERT_OK_AND_ASSIGN(const Machine machine,
                       Machine::Create("ring", SomeDevices(kCount), channels, routes));
  EXPECT_EQ(machine.route(5, 6).data(), machine.route(5, 4).data());
  EXPECT_EQ(machine.route(5, 4).size(), 63u);
  EXPECT_EQ(machine.route(5, 4).back(), 3);
  EXPECT_EQ(machine.route_latency(5, 4), 63);
}

TEST(MachineTest, MemoryLimitsReplaceTheDevices) {
  ASSERT_OK_AND_ASSIGN(const Machine machine, UniformMachine({.count = 3}));
  const Machine all = machine.WithMemoryLimit(7);
  EXPECT_EQ(all.device(0).memory_bytes, 7);
  EXPECT_EQ(all.device(2).memory_bytes, 7);
  const Machine one = machine.WithMemoryLimit(1, 9);
  EXPECT_EQ(one.device(1).memory_bytes, 9);
  EXPECT_EQ(one.device(0).memory_bytes, machine.device(0).memory_bytes);
  EXPECT_EQ(machine.WithMemoryLimit(-1).device(0).memory_bytes, 0);
}

}  // namespace
}  // namespace gopt
