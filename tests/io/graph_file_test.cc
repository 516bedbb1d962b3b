#include "gopt/io/graph_file.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gopt/base/random.h"
#include "gopt/graph/graph_builder.h"
#include "gopt/graph/graph_text.h"
#include "gopt/v1/graph.pb.h"
#include "gtest/gtest.h"
#include "src/io/container.h"
#include "tests/io/peak_memory.h"
#include "tests/testing/scale.h"
#include "tests/testing/thread_clock.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Something of everything that the format stores.
std::shared_ptr<const Graph> FullGraph() {
  GraphBuilder builder("full", "a test");
  const OpId w = builder.AddOp({.name = "w", .type = "parameter", .kind = OpKind::kParameter});
  const PortId weights =
      builder.AddPort(w, {.bytes = 64, .dims = {4, 4}, .persistent = true, .optimizer_copies = 2});
  const OpId a = builder.AddOp({.name = "a/../ü",
                                .type = "matmul",
                                .native = "aten::mm.default",
                                .scope = "enc.0",
                                .fusion_class = FusionClass::kContraction,
                                .colocation = 3,
                                .flops = 1e9,
                                .bytes_read = 7,
                                .bytes_written = 8,
                                .scratch_bytes = 9,
                                .side_effect = true});
  const PortId whole = builder.AddPort(a, {.bytes = 32, .dtype = DType::kBFloat16, .dims = {}});
  const PortId slice = builder.AddPort(a, {.bytes = 8, .dims = {2}, .share_storage_with = whole});
  const OpId b =
      builder.AddOp({.name = "b", .type = "add", .phase = Phase::kBackward, .forward_twin = a});
  builder.AddPort(b, {.bytes = int64_t{1} << 61});
  builder.AddOperands(a, std::vector<PortId>{weights, weights});
  builder.AddOperands(b, std::vector<PortId>{slice});
  builder.AddControls(b, std::vector<OpId>{w});
  builder.AddCostTable("profile:torch", "gpu", {-1, 120, 0});
  builder.SetMetadata("key", "value\nline");
  builder.SetUngroup(a, {"fx_1", "fx_2"});
  builder.SetAttributes(std::string("\0\1bytes", 7));
  auto graph = builder.Build();
  EXPECT_TRUE(graph.ok()) << graph.status();
  return *graph;
}

v1::GraphProto FullProto() {
  const std::string bytes = SerializeGraph(*FullGraph());
  std::string buffer;
  v1::GraphProto proto;
  EXPECT_TRUE(proto.ParseFromString(
      std::string(*UnwrapContainer(bytes, ContainerKind::kGraph, "", int64_t{1} << 30, &buffer))));
  return proto;
}

absl::StatusOr<std::shared_ptr<const Graph>> FromPayload(
    const std::string& payload, std::vector<std::string>* warnings = nullptr,
    const GraphLimits& limits = {}) {
  return DeserializeGraph(WrapInContainer(ContainerKind::kGraph, payload), "g.gopt", limits,
                          warnings);
}

std::string Fault(const std::string& payload) {
  return std::string(FromPayload(payload).status().message());
}

void ExpectSameGraph(const Graph& a, const Graph& b) {
  EXPECT_EQ(GraphToTextProto(a), GraphToTextProto(b));
  EXPECT_EQ(a.fingerprint(), b.fingerprint());
  EXPECT_EQ(a.columns().attributes, b.columns().attributes);
}

TEST(GraphFileTest, KeepsEverythingInBytes) {
  const auto graph = FullGraph();
  const auto back = DeserializeGraph(SerializeGraph(*graph));
  ASSERT_TRUE(back.ok()) << back.status();
  ExpectSameGraph(*graph, **back);
  EXPECT_EQ((*back)->columns().op_flops, graph->columns().op_flops);
  EXPECT_THAT((*back)->columns().ungroup_names, ElementsAre("fx_1", "fx_2"));
  EXPECT_EQ((*back)->columns().ungroup_begin, graph->columns().ungroup_begin);
}

TEST(GraphFileTest, KeepsEverythingInText) {
  const auto graph = FullGraph();
  const auto back = GraphFromTextProto(GraphToTextProto(*graph));
  ASSERT_TRUE(back.ok()) << back.status();
  ExpectSameGraph(*graph, **back);
}

TEST(GraphFileTest, KeepsTheEmptyGraph) {
  const auto graph = GraphBuilder("nothing").Build();
  ASSERT_TRUE(graph.ok()) << graph.status();
  const auto back = DeserializeGraph(SerializeGraph(**graph));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ((*back)->num_ops(), 0);
}

TEST(GraphFileTest, GivesTheSameBytesForTheSameGraph) {
  EXPECT_EQ(SerializeGraph(*FullGraph()), SerializeGraph(*FullGraph()));
}

// A map's order in memory depends on addresses.
TEST(GraphFileTest, WritesMetadataInTheOrderOfItsKeys) {
  GraphBuilder builder("notes");
  for (const char* key : {"red", "green", "blue", "black", "white", "grey"}) {
    builder.SetMetadata(key, "x");
  }
  const std::string bytes = SerializeGraph(**builder.Build());
  size_t at = 0;
  for (const char* key : {"black", "blue", "green", "grey", "red", "white"}) {
    const size_t next = bytes.find(key);
    ASSERT_NE(next, std::string::npos) << key;
    EXPECT_GT(next, at) << key;
    at = next;
  }
}

TEST(GraphFileTest, KeepsEverythingCompressed) {
  GraphBuilder builder("long");
  for (int i = 0; i < 200; ++i) {
    builder.AddOp({.name = "layer_" + std::to_string(i), .type = "matmul"});
  }
  const auto graph = *builder.Build();
  const std::string bytes = SerializeGraph(*graph, {.compress = true});
  EXPECT_LT(bytes.size(), SerializeGraph(*graph).size() / 4);
  EXPECT_EQ(bytes, SerializeGraph(*graph, {.compress = true}));
  const auto back = DeserializeGraph(bytes);
  ASSERT_TRUE(back.ok()) << back.status();
  ExpectSameGraph(*graph, **back);
}

TEST(GraphFileTest, ChoosesTheFormByTheNameOfTheFile) {
  const std::string base = ::testing::TempDir() + "graph_file_test";
  for (const std::string& path : {base + ".gopt", base + ".txtpb"}) {
    ASSERT_TRUE(WriteGraphFile(*FullGraph(), path).ok());
    const auto back = ReadGraphFile(path);
    ASSERT_TRUE(back.ok()) << back.status();
    ExpectSameGraph(*FullGraph(), **back);
    std::remove(path.c_str());
  }
}

TEST(GraphFileTest, RefusesAGraphCutAtEveryLength) {
  const std::string bytes = SerializeGraph(*FullGraph());
  for (size_t length = 0; length < bytes.size(); ++length) {
    ASSERT_FALSE(DeserializeGraph(std::string_view(bytes).substr(0, length)).ok()) << length;
  }
}

// As if the container had been forged around it: the counts notice.
TEST(GraphFileTest, RefusesAPayloadCutAtEveryLength) {
  const v1::GraphProto proto = FullProto();
  const std::string whole = proto.SerializeAsString();
  v1::GraphProto needed = proto;  // Without what may be absent.
  needed.clear_metadata();
  needed.clear_ungroup_count();
  needed.clear_ungroup_names();
  needed.clear_attributes();
  needed.clear_costs();
  for (size_t length = 0; length < needed.ByteSizeLong(); ++length) {
    ASSERT_FALSE(FromPayload(whole.substr(0, length)).ok()) << length;
  }
}

TEST(GraphFileTest, NoticesTenThousandRandomBitFlips) {
  const std::string bytes = SerializeGraph(*FullGraph());
  Random random(11);
  for (int trial = 0; trial < testing::Scaled(10000); ++trial) {
    std::string flipped = bytes;
    const auto bit = static_cast<size_t>(random.Below(static_cast<int64_t>(8 * bytes.size())));
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_FALSE(DeserializeGraph(flipped).ok()) << "bit " << bit;
  }
}

TEST(GraphFileTest, SurvivesTenThousandRandomMutationsInsideAForgedContainer) {
  const std::string payload = FullProto().SerializeAsString();
  Random random(12);
  int accepted = 0;
  for (int trial = 0; trial < testing::Scaled(10000); ++trial) {
    std::string mutated = payload;
    const auto at = static_cast<size_t>(random.Below(static_cast<int64_t>(payload.size())));
    mutated[at] = static_cast<char>(random.Next());
    std::vector<std::string> warnings;
    accepted += FromPayload(mutated, &warnings).ok() ? 1 : 0;
  }
  EXPECT_LT(accepted,
            testing::Scaled(10000));  // No crash is the test; many mutations are legal numbers.
}

TEST(GraphFileTest, SkipsUnknownFieldsOfANewerMinorVersionWithAWarning) {
  v1::GraphProto proto = FullProto();
  proto.set_schema_minor(99);
  std::string payload = proto.SerializeAsString();
  payload += std::string("\xc2\x3e\x02hi", 5);  // Field 1000, two bytes.
  payload += std::string("\xc2\x3e\x02ho", 5);
  std::vector<std::string> warnings;
  const auto graph = FromPayload(payload, &warnings);
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("schema version 1.99 is newer"),
                                    HasSubstr("field 1000 of GraphProto is unknown")));
}

TEST(GraphFileTest, RefusesAnotherMajorVersion) {
  v1::GraphProto proto = FullProto();
  proto.set_schema_major(2);
  EXPECT_THAT(Fault(proto.SerializeAsString()), HasSubstr("g.gopt: schema version 2.0"));
}

TEST(GraphFileTest, ComparesTheColumnsWithTheStatedCounts) {
  v1::GraphProto proto = FullProto();
  proto.set_num_ops(4);
  EXPECT_THAT(Fault(proto.SerializeAsString()), HasSubstr("3 entries, the file states 4"));
  proto.set_num_ops(2);
  EXPECT_THAT(Fault(proto.SerializeAsString()), HasSubstr("more than the stated 2 entries"));
  proto = FullProto();
  proto.mutable_op_type()->RemoveLast();
  EXPECT_THAT(Fault(proto.SerializeAsString()), HasSubstr("op_type has 2 entries, expected 3"));
  proto = FullProto();
  proto.add_ungroup_names("too many");
  EXPECT_FALSE(FromPayload(proto.SerializeAsString()).ok());
}

TEST(GraphFileTest, NamesTheEntryThatIsOutOfRange) {
  v1::GraphProto proto = FullProto();
  proto.set_op_kind(1, static_cast<v1::OpKind>(9));
  EXPECT_THAT(Fault(proto.SerializeAsString()), HasSubstr("op_kind[1]: 9 is out of range"));
  proto = FullProto();
  proto.set_operand_port(0, 99);
  EXPECT_THAT(Fault(proto.SerializeAsString()), HasSubstr("operand 0: port 99 does not exist"));
  proto = FullProto();
  proto.set_operand_port(0, 0xffffffffu);
  EXPECT_THAT(Fault(proto.SerializeAsString()), HasSubstr("operand_port[0]"));
}

TEST(GraphFileTest, TakesNamesAsDataAndHoldsThemToFourKilobytes) {
  EXPECT_EQ(FullGraph()->op_name(1), "a/../ü");
  v1::GraphProto proto = FullProto();
  proto.set_strings(1, std::string(1 << 20, 'x'));
  EXPECT_THAT(Fault(proto.SerializeAsString()),
              HasSubstr("1048576 bytes exceed the limit of 4096"));
  proto = FullProto();
  proto.set_name(std::string(5000, 'x'));
  EXPECT_THAT(Fault(proto.SerializeAsString()), HasSubstr("name: 5000 bytes exceed"));
}

TEST(GraphFileTest, RefusesInvalidUtf8) {
  const std::string payload = FullProto().SerializeAsString();
  for (const char* text : {"matmul", "full", "value", "fx_1", "profile"}) {
    std::string bad = payload;
    const size_t at = bad.find(text);
    ASSERT_NE(at, std::string::npos) << text;
    bad[at] = '\xff';
    EXPECT_THAT(Fault(bad), HasSubstr("not valid UTF-8")) << text;
  }
}

TEST(GraphFileTest, RefusesAFileAboveItsLimits) {
  const std::string payload = FullProto().SerializeAsString();
  const auto fault = [&](const GraphLimits& limits) {
    return std::string(FromPayload(payload, nullptr, limits).status().message());
  };
  EXPECT_THAT(fault({.max_ops = 2}), HasSubstr("3 ops exceed the limit of 2"));
  EXPECT_THAT(fault({.max_edges = 2}), HasSubstr("exceed the limit of 2"));
  EXPECT_THAT(fault({.max_bytes = 10}), HasSubstr("more than the limit of 10"));
}

// Ten megabytes of the cheapest entries there are, in every field that could hold them.
TEST(GraphFileTest, RefusesAFloodOfEmptyEntriesAtOnceAndInLittleMemory) {
  std::string head = "\x08\x01\x28";       // schema_major: 1, num_ops: ...
  head += std::string("\xc0\x84\x3d", 3);  // 1,000,000
  const std::vector<std::pair<const char*, std::string>> floods = {
      {"strings", std::string("\x7a\x00", 2)},
      {"costs", std::string("\x92\x03\x00", 3)},
      {"ungroup_names", std::string("\xaa\x03\x00", 3)},
      {"metadata", std::string("\xb2\x03\x00", 3)},
      {"op_name, empty pieces", std::string("\x82\x01\x00", 3)},
      {"op_name, pieces of one", std::string("\x82\x01\x01\x00", 4)},
      {"unknown", std::string("\xc2\x3e\x00", 3)},
      {"fields of a cost table", std::string("\xc2\x3e\x00", 3)}};
  for (const auto& [name, entry] : floods) {
    std::string flood;
    flood.reserve(10 << 20);
    while (flood.size() + entry.size() <= (10 << 20)) flood += entry;
    const bool nested = std::string_view(name) == "fields of a cost table";
    if (nested) flood = std::string("\x92\x03\xff\xff\xff\x04", 6) + flood.substr(0, 0x9fffff);
    const std::string bytes =
        WrapInContainer(ContainerKind::kGraph, head + flood, Compression::kStored);
    std::vector<std::string> warnings;
    const testing::PeakMemory memory;
    const testing::ThreadClock clock;
    const auto graph = DeserializeGraph(bytes, "flood.gopt", {}, &warnings);
    const double seconds = clock.seconds();
    EXPECT_FALSE(graph.ok()) << name;
    EXPECT_LT(memory.Grown(), 10 * static_cast<int64_t>(bytes.size())) << name;
    if (!testing::PeakMemory::kInstrumented) {
      EXPECT_LT(seconds, 0.2) << name;
    }
  }
}

TEST(GraphFileTest, TextErrorsNameLineAndColumn) {
  const auto fault = [](std::string_view text) {
    return std::string(GraphFromTextProto(text, "g.txtpb").status().message());
  };
  EXPECT_THAT(fault("name: \"x\"\nnmae: 3"), HasSubstr("g.txtpb:2:"));
  EXPECT_THAT(fault("name: \"x\"\nnmae: 3"), HasSubstr("nmae"));
  EXPECT_THAT(fault("op_kind: SIDEWAYS"), HasSubstr("SIDEWAYS"));
  EXPECT_THAT(fault("\xff"), HasSubstr("not valid UTF-8"));
}

TEST(GraphFileTest, RefusesDeeplyNestedTextAndAFloodOfEmptyMessages) {
  std::string nested;
  for (int i = 0; i < 100000; ++i) nested += "costs {";
  EXPECT_FALSE(GraphFromTextProto(nested).ok());
  std::string flood;
  for (int i = 0; i < 1000000; ++i) flood += "costs{}";
  EXPECT_THAT(std::string(GraphFromTextProto(flood).status().message()), HasSubstr("empty"));
}

}  // namespace
}  // namespace gopt
