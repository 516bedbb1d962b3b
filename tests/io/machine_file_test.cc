#include "gopt/io/machine_file.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gopt/v1/machine.pb.h"
#include "gtest/gtest.h"
#include "src/io/container.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kTwoDevices = R"(
  name: "pair"
  devices { name: "big" kind: "gpu" memory_bytes: 16000 peak_flops: 1e12 memory_bandwidth: 1e11
            launch_ns: 5000 host: 1
            efficiency { op_class: CONTRACTION flops: 0.5 }
            efficiency { op_type: "softmax" bytes: 0.25 } }
  devices { kind: "cpu" memory_bytes: 64000 peak_flops: 1e10 memory_bandwidth: 1e10 }
  channels { name: "up" bandwidth: 1e9 latency_ns: 700 }
  channels { bandwidth: 2e9 }
  routes { from: 0 to: 1 channels: [0, 1] }
)";

std::string Fault(std::string_view text) {
  return std::string(MachineFromText(text, "m.txtpb").status().message());
}

TEST(MachineFileTest, ReadsWhatPeopleWriteAndFillsInNames) {
  const auto machine = MachineFromText(kTwoDevices);
  ASSERT_TRUE(machine.ok()) << machine.status();
  EXPECT_EQ(machine->name(), "pair");
  EXPECT_EQ(machine->device(0).launch, 5000);
  EXPECT_EQ(machine->device(0).efficiency[0].flops, 0.5);
  EXPECT_EQ(machine->device(0).efficiency[0].bytes, 1.0);
  EXPECT_EQ(machine->device(0).efficiency[1].op_type, "softmax");
  EXPECT_EQ(machine->device(1).name, "cpu:1");
  EXPECT_EQ(machine->channel(1).name, "channel:1");
  EXPECT_THAT(machine->route(0, 1), ElementsAre(0, 1));
  EXPECT_FALSE(machine->has_route(1, 0));
}

TEST(MachineFileTest, AllPairsLinksWhatHasNoRouteYet) {
  const auto machine =
      MachineFromText(std::string(kTwoDevices) + "all_pairs { bandwidth: 5e8 latency_ns: 9 }");
  ASSERT_TRUE(machine.ok()) << machine.status();
  EXPECT_THAT(machine->route(0, 1), ElementsAre(0, 1));
  ASSERT_THAT(machine->route(1, 0), ElementsAre(2));
  EXPECT_EQ(machine->channel(2).name, "cpu:1->big");
  EXPECT_EQ(machine->channel(2).bandwidth, 5e8);
  EXPECT_EQ(machine->channel(2).latency, 9);
}

TEST(MachineFileTest, KeepsEverythingInTextAndInBytes) {
  const auto machine = MachineFromText(kTwoDevices);
  ASSERT_TRUE(machine.ok()) << machine.status();
  const std::string text = MachineToText(*machine);
  const auto from_text = MachineFromText(text);
  ASSERT_TRUE(from_text.ok()) << from_text.status();
  EXPECT_EQ(MachineToText(*from_text), text);
  const auto from_bytes = DeserializeMachine(SerializeMachine(*machine));
  ASSERT_TRUE(from_bytes.ok()) << from_bytes.status();
  EXPECT_EQ(MachineToText(*from_bytes), text);
}

TEST(MachineFileTest, ChoosesTheFormByTheNameOfTheFile) {
  const auto machine = MachineFromText(kTwoDevices);
  ASSERT_TRUE(machine.ok());
  const std::string base = ::testing::TempDir() + "machine_file_test";
  for (const std::string& path : {base + ".gopt", base + ".txtpb"}) {
    ASSERT_TRUE(WriteMachineFile(*machine, path).ok());
    const auto back = ReadMachineFile(path);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(MachineToText(*back), MachineToText(*machine));
    std::remove(path.c_str());
  }
}

TEST(MachineFileTest, ErrorsNameTheLineTheDeviceAndTheField) {
  EXPECT_THAT(Fault("name: \"x\"\ndevices { bandwith: 3 }"), HasSubstr("m.txtpb:2:"));
  EXPECT_THAT(Fault("devices { bandwith: 3 }"), HasSubstr("bandwith"));
  EXPECT_EQ(Fault("devices { name: \"d\" peak_flops: 1 memory_bandwidth: 1 }"),
            "m.txtpb: device 0 'd': memory_bytes is missing");
  EXPECT_EQ(Fault(R"(devices { memory_bytes: 1 peak_flops: 1 memory_bandwidth: 1 }
                     channels { name: "c" })"),
            "m.txtpb: channel 0 'c': bandwidth is missing");
  EXPECT_EQ(Fault(R"(devices { memory_bytes: 1 peak_flops: 1 memory_bandwidth: 1 }
                     routes { from: 0 channels: 0 })"),
            "m.txtpb: route 0: to is missing");
  EXPECT_THAT(Fault(""), HasSubstr("0 devices; expected 1 to 1024"));
}

TEST(MachineFileTest, RefusesNumbersThatMeanNothing) {
  for (const char* field : {"memory_bytes: -1 peak_flops: 1 memory_bandwidth: 1",
                            "memory_bytes: 1 peak_flops: nan memory_bandwidth: 1",
                            "memory_bytes: 1 peak_flops: 1 memory_bandwidth: 0",
                            "memory_bytes: 1 peak_flops: inf memory_bandwidth: 1",
                            "memory_bytes: 1 peak_flops: 1 memory_bandwidth: 1 launch_ns: -5"}) {
    EXPECT_THAT(Fault("devices { " + std::string(field) + " }"), HasSubstr("m.txtpb: ")) << field;
  }
  const std::string device = "devices { memory_bytes: 1 peak_flops: 1 memory_bandwidth: 1 } ";
  EXPECT_FALSE(MachineFromText(device + "routes { from: 0 to: 7 channels: 0 }").ok());
  EXPECT_FALSE(MachineFromText(device + device + "all_pairs { bandwidth: -1 }").ok());
}

TEST(MachineFileTest, Takes1024DevicesAndNoMore) {
  std::string text;
  for (int i = 0; i < 1024; ++i) {
    text += "devices { memory_bytes: 1 peak_flops: 1 memory_bandwidth: 1 }\n";
  }
  EXPECT_TRUE(MachineFromText(text).ok());
  text += "devices { memory_bytes: 1 peak_flops: 1 memory_bandwidth: 1 }\n";
  EXPECT_THAT(Fault(text), HasSubstr("1025 devices"));
}

TEST(MachineFileTest, RefusesLongNamesNulAndInvalidUtf8) {
  const std::string rest = "memory_bytes: 1 peak_flops: 1 memory_bandwidth: 1 }";
  EXPECT_THAT(Fault("devices { name: \"" + std::string(5000, 'x') + "\" " + rest),
              HasSubstr("5000 bytes exceed"));
  EXPECT_THAT(Fault("devices { name: \"a\\0b\" " + rest), HasSubstr("NUL"));
  EXPECT_FALSE(MachineFromText("devices { name: \"\\xff\" " + rest).ok());
  v1::MachineProto proto;
  proto.set_name("ascii");
  std::string payload = proto.SerializeAsString();
  payload[payload.find("ascii")] = '\xff';
  const auto machine =
      DeserializeMachine(WrapInContainer(ContainerKind::kMachine, payload), "m.gopt");
  EXPECT_THAT(std::string(machine.status().message()),
              HasSubstr("MachineProto.name: '\\xffscii' is not valid UTF-8"));
}

TEST(MachineFileTest, RefusesAnotherMajorVersionAndWarnsOfANewerMinorOne) {
  EXPECT_THAT(Fault("schema_major: 2 " + std::string(kTwoDevices)), HasSubstr("version 2.0"));
  v1::MachineProto proto;
  proto.set_schema_major(1);
  proto.set_schema_minor(3);
  v1::DeviceProto* device = proto.add_devices();
  device->set_memory_bytes(1);
  device->set_peak_flops(1);
  device->set_memory_bandwidth(1);
  device->GetReflection()->MutableUnknownFields(device)->AddVarint(99, 1);
  std::vector<std::string> warnings;
  const auto machine = DeserializeMachine(
      WrapInContainer(ContainerKind::kMachine, proto.SerializeAsString()), "m.gopt", &warnings);
  ASSERT_TRUE(machine.ok()) << machine.status();
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("field 99 of DeviceProto is unknown"),
                                    HasSubstr("schema version 1.3 is newer")));
}

TEST(MachineFileTest, RefusesAFloodOfEmptyMessages) {
  std::string flood;
  for (int i = 0; i < (5 << 20); ++i) flood += std::string("\x22\x00", 2);  // devices {}
  EXPECT_THAT(
      std::string(
          DeserializeMachine(WrapInContainer(ContainerKind::kMachine, flood)).status().message()),
      HasSubstr("too many empty messages"));
}

TEST(MachineFileTest, RefusesAFileOfAnotherKindAndFloodsOfUnknownFields) {
  const auto wrong = DeserializeMachine(WrapInContainer(ContainerKind::kGraph, ""), "g.gopt");
  EXPECT_THAT(std::string(wrong.status().message()), HasSubstr("holds a graph, not a machine"));
  std::string unknown;
  for (int i = 0; i < 2000; ++i) unknown += std::string("\xc2\x3e\x00", 3);
  EXPECT_THAT(
      std::string(
          DeserializeMachine(WrapInContainer(ContainerKind::kMachine, unknown)).status().message()),
      HasSubstr("unknown fields"));
}

}  // namespace
}  // namespace gopt
