#include "src/io/schedule_json.h"

#include <zlib.h>

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/paths.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// The fields of a small problem, each of which a test may replace or leave out.
std::map<std::string, std::string> SmallFields() {
  return {{"name", "\"small\""},
          {"set", "\"unit\""},
          {"ops", "3"},
          {"devices", "2"},
          {"latency_ns", "5000"},
          {"bandwidth_bytes_per_s", "1e9"},
          {"cost_ns", "[10, 20, 30]"},
          {"output_bytes", "[1000, 0, 7]"},
          {"edges", "[[0, 2], [2, 1], [2, 1]]"},
          {"scopes", "[[0, 0, 1], [4, 5, 6]]"},
          {"expert", "[0, 1, 1]"},
          {"prototype_B_ns", "70"},
          {"prototype_lower_bound_ns", "60.5"},
          {"comment", "{\"any\": [\"thing\", null, {\"deep\": 1.5}]}"}};
}

std::string Text(const std::map<std::string, std::string>& fields) {
  std::string text = "{";
  for (const auto& [key, value] : fields) {
    if (value.empty()) continue;
    text += (text.size() > 1 ? ", \"" : "\"") + key + "\": " + value;
  }
  return text + "}";
}

std::string FaultOf(std::string_view text) {
  return std::string(ImportScheduleBytes(text, "s.json").status().message());
}

std::string FaultWith(const std::string& field, const std::string& value) {
  auto fields = SmallFields();
  fields[field] = value;
  return FaultOf(Text(fields));
}

TEST(ScheduleJsonTest, ReadsGraphMachineExpertAndFigures) {
  const auto imported = ImportScheduleBytes(Text(SmallFields()), "s.json");
  ASSERT_TRUE(imported.ok()) << imported.status();
  const Graph& graph = *imported->graph;
  EXPECT_EQ(graph.name(), "small");
  ASSERT_EQ(graph.num_ops(), 3);
  // Sorted: op1 reads op2.
  EXPECT_EQ(graph.op_name(0), "op0");
  EXPECT_EQ(graph.op_name(1), "op2");
  EXPECT_EQ(graph.op_name(2), "op1");
  EXPECT_EQ(graph.MeasuredTime(1, "device"), 30);
  EXPECT_EQ(graph.port_bytes(graph.first_port(1)), 7);
  EXPECT_THAT(graph.operands(2), ElementsAre(1, 1));  // Both edges; one adjacency.
  EXPECT_THAT(graph.predecessors(2), ElementsAre(1));
  EXPECT_EQ(graph.scope(1), "g0/1.g1/6");
  ASSERT_TRUE(imported->machine.has_value());
  EXPECT_EQ(imported->machine->num_devices(), 2);
  EXPECT_EQ(imported->machine->num_channels(), 2);
  EXPECT_EQ(imported->machine->device(0).kind, "device");
  EXPECT_EQ(imported->machine->route_bandwidth(0, 1), 1e9);
  EXPECT_EQ(imported->machine->route_latency(1, 0), 5000);
  EXPECT_THAT(imported->expert_placement, ElementsAre(0, 1, 1));
  EXPECT_THAT(imported->figures, UnorderedElementsAre(Pair("prototype_B_ns", 70.0),
                                                      Pair("prototype_lower_bound_ns", 60.5)));
}

TEST(ScheduleJsonTest, PlacesTheExpertsDevicesOnTheSortedOps) {
  auto fields = SmallFields();
  fields["expert"] = "[0, 1, 0]";
  const auto imported = ImportScheduleBytes(Text(fields), "s.json");
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_THAT(imported->expert_placement, ElementsAre(0, 0, 1));
}

TEST(ScheduleJsonTest, TakesNullForWhatIsUnknown) {
  auto fields = SmallFields();
  fields["expert"] = fields["scopes"] = "null";
  const auto imported = ImportScheduleBytes(Text(fields), "s.json");
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_TRUE(imported->expert_placement.empty());
  EXPECT_EQ(imported->graph->scope(0), "");
}

TEST(ScheduleJsonTest, NamesTheFieldAndTheEntry) {
  EXPECT_EQ(FaultWith("cost_ns", ""), "s.json: field 'cost_ns' is missing");
  EXPECT_EQ(FaultWith("edges", ""), "s.json: field 'edges' is missing");
  EXPECT_EQ(FaultWith("cost_ns", "[1, 2, \"x\"]"),
            "s.json: field 'cost_ns', entry 2 is a text, expected a whole number");
  EXPECT_EQ(FaultWith("cost_ns", "[1, 2.5, 3]"),
            "s.json: field 'cost_ns', entry 1 is not whole, expected a whole number");
  EXPECT_EQ(FaultWith("cost_ns", "[1, -2, 3]"), "s.json: field 'cost_ns', entry 1 is or holds -2");
  EXPECT_EQ(FaultWith("cost_ns", "7"), "s.json: field 'cost_ns' is a number, expected a list");
  EXPECT_EQ(FaultWith("cost_ns", "[1, 2]"), "s.json: field 'cost_ns' has 2 entries for 3 ops");
  EXPECT_EQ(FaultWith("output_bytes", "[1]"),
            "s.json: field 'output_bytes' has 1 entries for 3 ops");
  EXPECT_EQ(FaultWith("edges", "[[0, 1], [0]]"),
            "s.json: field 'edges', entry 1 has 1 ends, expected 2");
  EXPECT_EQ(FaultWith("edges", "[[0, 1], 5]"),
            "s.json: field 'edges', entry 1 is a number, expected a pair of op indices");
  EXPECT_EQ(FaultWith("edges", "[[0, 1], [0, 3]]"),
            "s.json: field 'edges', entry 1: 0 -> 3 is not among the 3 ops");
  EXPECT_EQ(FaultWith("edges", "[[0, -1]]"), "s.json: field 'edges', entry 0 is or holds -1");
  EXPECT_EQ(FaultWith("edges", "[[0, 99999999999]]"),
            "s.json: field 'edges', entry 0 is or holds 99999999999");
  EXPECT_EQ(FaultWith("devices", "0"), "s.json: field 'devices' is 0, expected 1 to 1024");
  EXPECT_EQ(FaultWith("devices", "[2]"),
            "s.json: field 'devices' is a list, expected a whole number");
  EXPECT_EQ(FaultWith("expert", "[0, 1, 2]"), "s.json: field 'expert', entry 2: device 2 of 2");
  EXPECT_EQ(FaultWith("name", "{}"), "s.json: field 'name' is an object, expected a text");
  EXPECT_THAT(FaultWith("bandwidth_bytes_per_s", "-1"), HasSubstr("s.json: "));
  EXPECT_THAT(FaultWith("latency_ns", "-1"), HasSubstr("field 'latency_ns' is -1"));
}

TEST(ScheduleJsonTest, PrintsAShortestCycle) {
  EXPECT_THAT(FaultWith("edges", "[[0, 1], [1, 2], [2, 0], [2, 1]]"), HasSubstr("cycle: 'op"));
  EXPECT_THAT(FaultWith("edges", "[[1, 1]]"), HasSubstr("'op1' -> 'op1'"));
}

TEST(ScheduleJsonTest, RefusesWhatIsNoJsonObject) {
  EXPECT_THAT(FaultOf(""), HasSubstr("s.json: byte 1: "));
  EXPECT_THAT(FaultOf("{\"name\": }"), HasSubstr("s.json: byte 10: "));
  EXPECT_EQ(FaultOf("[1]"), "s.json: the text is a list, not an object");
  EXPECT_EQ(FaultOf("3"), "s.json: the text is a number, not an object");
  EXPECT_EQ(FaultOf("{\"ops\": 1, \"ops\": 1}"), "s.json: field 'ops' is given twice");
  EXPECT_THAT(FaultOf("{\"x\": 1e999}"), HasSubstr("s.json: byte"));
  EXPECT_THAT(FaultOf("{\"name\": \"\xff\"}"), HasSubstr("s.json: byte"));
  EXPECT_EQ(FaultOf("{\"x\": " + std::string(100000, '[')), "s.json: lists nest too deep");
}

TEST(ScheduleJsonTest, HoldsTheTextToTheLimits) {
  const auto fault = [](const GraphLimits& limits) {
    return std::string(
        ImportScheduleBytes(Text(SmallFields()), "s.json", limits).status().message());
  };
  EXPECT_THAT(fault({.max_ops = 2}), HasSubstr("exceeds the limit of 2 ops"));
  EXPECT_THAT(fault({.max_edges = 2}), HasSubstr("exceeds the limit of 2 edges"));
}

std::string Gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(text.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(ScheduleJsonTest, ReadsGzipAndNoticesDamage) {
  const std::string bytes = Gzip(Text(SmallFields()));
  EXPECT_TRUE(ImportScheduleBytes(bytes, "s.json.gz").ok());
  for (size_t length = 2; length < bytes.size(); ++length) {
    ASSERT_FALSE(ImportScheduleBytes(bytes.substr(0, length), "s").ok()) << length;
  }
  EXPECT_FALSE(ImportScheduleBytes(bytes + "x", "s").ok());
}

TEST(ScheduleJsonTest, StopsAGzipBombAtTheLimit) {
  const std::string bomb = Gzip(std::string(50 << 20, ' '));
  EXPECT_LT(bomb.size(), 100000u);
  const auto imported = ImportScheduleBytes(bomb, "bomb", {.max_bytes = 1 << 20});
  EXPECT_EQ(imported.status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(ScheduleJsonTest, ReadsAllPublicProblems) {
  const auto folder = testing::DataPath("learning_graphs");
  if (!folder.has_value()) GTEST_SKIP() << "no learning_graphs in GOPT_DATA_DIR";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
    const auto imported = ImportFile(entry.path().string());
    ASSERT_TRUE(imported.ok()) << imported.status();
    const int64_t ops = imported->graph->num_ops();
    EXPECT_GT(ops, 100);
    EXPECT_TRUE(imported->expert_placement.empty() ||
                imported->expert_placement.size() == static_cast<size_t>(ops));
    EXPECT_GT(imported->figures.at("prototype_B_ns"),
              imported->figures.at("prototype_lower_bound_ns"));
    ++files;
  }
  EXPECT_GE(files, 42);
}

}  // namespace
}  // namespace gopt
