#include "gopt/machine/presets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/testing/status.h"

namespace gopt {
namespace {

using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::SizeIs;

TEST(PresetsTest, ListsTheMachinesOfThePlanSortedAndEachCanBeMade) {
  std::vector<std::string> names;
  for (const MachinePreset& preset : MachinePresets()) {
    names.push_back(preset.name);
    EXPECT_OK(MachineFromPreset(preset.name));
    EXPECT_FALSE(preset.summary.empty());
  }
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_THAT(names, IsSupersetOf({"p100x2", "p100x4", "p100x8", "v100x4", "v100x8", "a100x2",
                                   "a100x4", "a100x8", "h100x8", "cpu", "cpu+gpu"}));
}

TEST(PresetsTest, SummariesNameTheirSource) {
  for (const MachinePreset& preset : MachinePresets()) {
    EXPECT_THAT(preset.summary, testing::AnyOf(HasSubstr("data sheet"), HasSubstr("et al.")))
        << preset.name;
  }
}

TEST(PresetsTest, P100HasTheNumbersOfItsDataSheet) {
  ASSERT_OK_AND_ASSIGN(const Machine machine, MachineFromPreset("p100x4"));
  ASSERT_EQ(machine.num_devices(), 4);
  EXPECT_EQ(machine.name(), "p100x4");
  const Device& device = machine.device(3);
  EXPECT_EQ(device.name, "p100:3");
  EXPECT_EQ(device.kind, "p100");
  EXPECT_EQ(device.peak_flops, 9.3e12);
  EXPECT_EQ(device.memory_bandwidth, 732e9);
  EXPECT_EQ(device.launch, 5'000);
  EXPECT_EQ(device.memory_bytes, int64_t{16} << 30);
  EXPECT_EQ(machine.route_bandwidth(3, 0), 12e9);
  EXPECT_EQ(machine.route_latency(3, 0), 10'000);
  EXPECT_THAT(machine.route(3, 0), SizeIs(1));
}

TEST(PresetsTest, A100HasTheNumbersOfTheSuite) {
  ASSERT_OK_AND_ASSIGN(const Machine machine, MachineFromPreset("a100x2"));
  EXPECT_EQ(machine.device(0).peak_flops, 156e12);
  EXPECT_EQ(machine.device(0).memory_bandwidth, 1555e9);
  EXPECT_EQ(machine.device(0).launch, 4'000);
  EXPECT_EQ(machine.device(0).memory_bytes, int64_t{40} << 30);
  EXPECT_EQ(machine.route_bandwidth(0, 1), 250e9);
  EXPECT_EQ(machine.route_latency(0, 1), 5'000);
}

TEST(PresetsTest, TakesAnyCountFrom1To1024) {
  for (const std::string family : {"p100", "v100", "a100", "h100", "chiplet_ring"}) {
    EXPECT_OK(MachineFromPreset(family));
    ASSERT_OK_AND_ASSIGN(const Machine machine, MachineFromPreset(family + "x65"));
    EXPECT_EQ(machine.num_devices(), 65);
    EXPECT_THAT(MachineFromPreset(family + "x0"), IsInvalid("count must be within [1, 1024]"));
    EXPECT_THAT(MachineFromPreset(family + "x1025"), IsInvalid("count"));
    EXPECT_THAT(MachineFromPreset(family + "x-1"), IsInvalid("count"));
    EXPECT_THAT(MachineFromPreset(family + "x99999999999999999999"), IsInvalid("count"));
  }
}

TEST(PresetsTest, ChipletRingRoutesOverNeighboursTheShorterWay) {
  ASSERT_OK_AND_ASSIGN(const Machine ring, MachineFromPreset("chiplet_ring"));
  ASSERT_EQ(ring.num_devices(), 36);
  EXPECT_EQ(ring.num_channels(), 72);
  EXPECT_THAT(ring.route(0, 5), SizeIs(5));
  EXPECT_THAT(ring.route(0, 35), SizeIs(1));
  EXPECT_THAT(ring.route(3, 21), SizeIs(18));
  EXPECT_EQ(ring.route_latency(0, 5), 100);
  EXPECT_EQ(ring.route_bandwidth(0, 5), 50e9);
  ASSERT_OK_AND_ASSIGN(const Machine pair, MachineFromPreset("chiplet_ringx2"));
  EXPECT_EQ(pair.num_channels(), 2);
}

TEST(PresetsTest, RingOf1024IsCompact) {
  ASSERT_OK_AND_ASSIGN(const Machine ring, MachineFromPreset("chiplet_ringx1024"));
  EXPECT_THAT(ring.route(0, 512), SizeIs(512));
  EXPECT_EQ(ring.route(0, 1).data(), ring.route(0, 511).data());
}

TEST(PresetsTest, GpusBehindACpuReachEachOtherThroughIt) {
  ASSERT_OK_AND_ASSIGN(const Machine machine, MachineFromPreset("cpu+gpux2"));
  ASSERT_EQ(machine.num_devices(), 3);
  EXPECT_EQ(machine.device(0).kind, "cpu");
  EXPECT_EQ(machine.device(2).kind, "a100");
  EXPECT_LT(machine.device(0).peak_flops, machine.device(1).peak_flops);
  EXPECT_THAT(machine.route(0, 2), SizeIs(1));
  EXPECT_THAT(machine.route(1, 2), SizeIs(2));
  EXPECT_EQ(machine.route_latency(1, 2), 20'000);
}

TEST(PresetsTest, ModifiersChangeMemoryAndLinks) {
  ASSERT_OK_AND_ASSIGN(
      const Machine machine,
      MachineFromPreset("p100x2(memory=12GiB, bandwidth=100e9, latency=7, launch=0)"));
  EXPECT_EQ(machine.device(1).memory_bytes, int64_t{12} << 30);
  EXPECT_EQ(machine.device(1).launch, 0);
  EXPECT_EQ(machine.route_bandwidth(0, 1), 100e9);
  EXPECT_EQ(machine.route_latency(0, 1), 7);
  for (const auto& [text, bytes] : std::vector<std::pair<std::string, int64_t>>{
           {"500MB", 500'000'000}, {"1.5KiB", 1536}, {"17", 17}, {"3B", 3}, {"0", 0}}) {
    ASSERT_OK_AND_ASSIGN(const Machine limited, MachineFromPreset("cpu(memory=" + text + ")"));
    EXPECT_EQ(limited.device(0).memory_bytes, bytes);
  }
}

TEST(PresetsTest, RejectsModifiersThatMeanNothing) {
  for (const std::string memory : {"x", "-1", "nan", "inf", "1e30TiB", "GiB", "12 GiBs"}) {
    EXPECT_THAT(MachineFromPreset("cpu(memory=" + memory + ")"), IsInvalid("memory"));
  }
  EXPECT_THAT(MachineFromPreset("cpu(colour=red)"), IsInvalid("colour"));
  EXPECT_THAT(MachineFromPreset("p100x2(bandwidth=-1)"), IsInvalid("bandwidth"));
  EXPECT_THAT(MachineFromPreset("p100x2(latency=-5)"), IsInvalid("latency"));
  EXPECT_THAT(MachineFromPreset("p100x2(bandwidth=fast)"), IsInvalid("bandwidth"));
}

TEST(PresetsTest, UnknownNamesListTheKnownOnes) {
  for (const std::string name : {"p200", "x4", "p100y4", "xx"}) {
    EXPECT_THAT(MachineFromPreset(name), Fails(absl::StatusCode::kNotFound, "p100x4"));
  }
  EXPECT_FALSE(MachineFromPreset("").ok());
}

}  // namespace
}  // namespace gopt
