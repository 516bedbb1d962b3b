#include "gopt/graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "gopt/graph/graph_builder.h"
#include "gopt/graph/graph_text.h"
#include "tests/testing/scale.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::shared_ptr<const Graph> Parse(std::string_view text) {
  auto graph = ParseGraph(text);
  EXPECT_TRUE(graph.ok()) << graph.status();
  return *graph;
}

// Columns of a small graph to spoil.
GraphColumns GoodColumns() {
  return Parse(
             "w:parameter[bytes=8,copies=2] -> a:matmul[bytes=4,dims=1] -> b:add[bytes=4]; a -> b")
      ->columns();
}

absl::Status CreateStatus(GraphColumns columns, const GraphLimits& limits = {}) {
  return Graph::Create(std::move(columns), limits).status();
}

TEST(GraphTest, KeepsParallelOperandsAndOneEdge) {
  const auto graph = Parse("x:input[bytes=4] -> square:mul; x -> square");
  EXPECT_EQ(graph->operands(1).size(), 2u);
  EXPECT_THAT(graph->predecessors(1), ElementsAre(0));
  EXPECT_THAT(graph->readers(0), ElementsAre(1));
  EXPECT_EQ(graph->num_edges(), 1);
}

TEST(GraphTest, AdjacencyIsAscendingAndJoinsDataAndControl) {
  const auto graph = Parse("a, b, c -> d; a => d; a => b");
  const OpId d = graph->num_ops() - 1;
  EXPECT_THAT(graph->predecessors(d), ElementsAre(0, 1, 2));
  EXPECT_THAT(graph->successors(0), ElementsAre(1, 3));
  EXPECT_THAT(graph->controls(d), ElementsAre(0));
}

TEST(GraphTest, FindsTheOptimizerOfAParameter) {
  const auto graph = Parse("w:parameter[bytes=8] -> f; f -> u:optimizer; w -> u");
  ASSERT_EQ(graph->parameters().size(), 1u);
  EXPECT_EQ(graph->op_name(graph->optimizer_op(0)), "u");
  EXPECT_THAT(ParseGraph("w:parameter -> u:optimizer; w -> v:optimizer").status().message(),
              HasSubstr("already has the optimizer"));
}

TEST(GraphTest, MarksPortsReadByOutputs) {
  const auto graph = Parse("a -> b -> o:output");
  EXPECT_FALSE(graph->is_output(0));
  EXPECT_TRUE(graph->is_output(1));
}

TEST(GraphTest, AcceptsGraphsWithoutOpsOrEdges) {
  EXPECT_EQ(Parse("")->num_ops(), 0);
  EXPECT_EQ(Parse("a")->num_edges(), 0);
  std::string text;
  for (int i = 0; i < 10000; ++i) text += "a" + std::to_string(i) + ";";
  EXPECT_EQ(Parse(text)->kernel_ops().size(), 10000u);
}

TEST(GraphTest, FirstUsableTableOfTheKindGivesTheTime) {
  GraphBuilder builder("g");
  builder.AddOp({.name = "a", .type = "op"});
  builder.AddOp({.name = "b", .type = "op"});
  builder.AddCostTable("roofline", "gpu", {1, 1});
  builder.AddCostTable("profile:x", "gpu", {-1, 7});
  builder.AddCostTable("profile:y", "gpu", {5});
  const auto graph = *builder.Build();
  EXPECT_EQ(graph->MeasuredTime(0, "gpu"), 5);
  EXPECT_EQ(graph->MeasuredTime(1, "gpu"), 7);
  EXPECT_EQ(graph->MeasuredTime(1, "cpu"), -1);
}

TEST(GraphTest, FingerprintFollowsStructureAndNotNames) {
  const uint64_t original = Parse("a:matmul[bytes=4] -> b:add")->fingerprint();
  EXPECT_EQ(original, Parse("x:matmul[bytes=4,scope=s] -> y:add")->fingerprint());
  EXPECT_NE(original, Parse("a:matmul[bytes=5] -> b:add")->fingerprint());
  EXPECT_NE(original, Parse("a:matmul[bytes=4] -> b:mul")->fingerprint());
  EXPECT_NE(original, Parse("a:matmul[bytes=4] => b:add")->fingerprint());
  EXPECT_NE(original, Parse("a:matmul[bytes=4,time=1] -> b:add")->fingerprint());
  // Stored in plan files: a change of this number needs a new major schema version.
  EXPECT_EQ(original, 8695248454347925054u);
}

TEST(GraphTest, TakesLessThanTwoHundredBytesPerOpAndEdge) {
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    const std::string next = std::to_string(i + 1);
    text += "a" + std::to_string(i) + "[bytes=4,dims=2x2] -> a" + next + "; ";
  }
  const auto graph = Parse(text);
  EXPECT_LT(graph->MemoryBytes(), 200 * (graph->num_ops() + graph->num_edges()));
}

TEST(GraphTest, ChainOfAMillionOpsNeedsNoStack) {
  GraphBuilder builder("chain");
  constexpr int kOps = testing::Scaled(1'000'000);
  PortId last = kNone;
  for (int i = 0; i < kOps; ++i) {
    const OpId op = builder.AddOp({.name = std::to_string(i), .type = "op"});
    if (last != kNone) builder.AddOperands(op, {&last, 1});
    last = builder.AddPort(op, {.bytes = 4});
  }
  const auto graph = builder.Build();
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ((*graph)->num_edges(), kOps - 1);
}

struct Fault {
  const char* name;
  void (*spoil)(GraphColumns*);
  const char* message;
};

class GraphFaultTest : public ::testing::TestWithParam<Fault> {};

TEST_P(GraphFaultTest, IsRejectedWithItsRule) {
  GraphColumns columns = GoodColumns();
  GetParam().spoil(&columns);
  const absl::Status status = CreateStatus(std::move(columns));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Faults, GraphFaultTest,
    ::testing::Values(
        Fault{"MissingOp", [](GraphColumns* c) { c->operand_port[0] = 12; },
              "op 1 'a': operand 0: port 12 does not exist"},
        Fault{"NegativePort", [](GraphColumns* c) { c->operand_port[0] = -1; },
              "port -1 does not exist"},
        Fault{"SelfLoop", [](GraphColumns* c) { c->operand_port[0] = 1; }, "cycle: 'a' -> 'a'"},
        Fault{"Cycle", [](GraphColumns* c) { c->operand_port[0] = 2; }, "cycle: 'a' -> 'b' -> 'a'"},
        Fault{"DuplicateName", [](GraphColumns* c) { c->op_name[2] = c->op_name[1]; },
              "another op has the same name"},
        Fault{"EmptyName", [](GraphColumns* c) { c->op_name[2] = 0; }, "op 2: name is empty"},
        Fault{"StringOutOfRange", [](GraphColumns* c) { c->op_scope[2] = 999; },
              "scope is string 999"},
        Fault{"NanFlops",
              [](GraphColumns* c) { c->op_flops[1] = std::numeric_limits<double>::quiet_NaN(); },
              "flops"},
        Fault{"InfiniteFlops",
              [](GraphColumns* c) { c->op_flops[1] = std::numeric_limits<double>::infinity(); },
              "flops"},
        Fault{"NegativeFlops", [](GraphColumns* c) { c->op_flops[1] = -2; }, "flops is -2"},
        Fault{"NegativeBytes", [](GraphColumns* c) { c->port_bytes[1] = -1; },
              "port 0 bytes is -1"},
        Fault{"HugeBytes", [](GraphColumns* c) { c->port_bytes[1] = kSaturated + 1; }, "2^62"},
        Fault{"ShapeOverflow", [](GraphColumns* c) { c->port_dims[0] = int64_t{1} << 61; },
              "overflow"},
        Fault{"NegativeDim", [](GraphColumns* c) { c->port_dims[0] = -3; }, "dimension 0 is -3"},
        Fault{"Utf8", [](GraphColumns* c) { c->strings[1] = "\xff"; }, "not valid UTF-8"},
        Fault{"LongName", [](GraphColumns* c) { c->strings[1] = std::string(5000, 'x'); },
              "exceed the limit of 4096"},
        Fault{"ShortColumn", [](GraphColumns* c) { c->op_phase.pop_back(); },
              "column op_phase has 2 entries, expected 3"},
        Fault{"CountsDoNotAddUp", [](GraphColumns* c) { c->op_num_operands[2] = 9; },
              "operand_port"},
        Fault{"ForeignStorage",
              [](GraphColumns* c) {
                c->port_storage[2] = 1;
                c->storage_bytes.pop_back();
              },
              "belongs to op 1"},
        Fault{"UnusedStorage", [](GraphColumns* c) { c->storage_bytes.push_back(1); },
              "storage 3 has no port"},
        Fault{"PersistentActivation", [](GraphColumns* c) { c->port_persistent[1] = 1; },
              "only theirs, are persistent"},
        Fault{"NoKind", [](GraphColumns* c) { c->op_kind[1] = OpKind::kUnspecified; },
              "kind 0 is unknown"},
        Fault{"TwinOfItself", [](GraphColumns* c) { c->op_forward_twin[1] = 1; }, "forward twin 1"},
        Fault{"NegativeTime",
              [](GraphColumns* c) {
                c->costs.push_back({"m", "gpu", {0, -5, 0}, {}, {}});
              },
              "measured time is -5"},
        Fault{"ShortTable",
              [](GraphColumns* c) {
                c->costs.push_back({"m", "gpu", {0}, {}, {}});
              },
              "duration_ns has 1"}),
    [](const auto& info) { return info.param.name; });

TEST(GraphTest, RejectsWhatExceedsTheLimits) {
  EXPECT_THAT(CreateStatus(GoodColumns(), {.max_ops = 2}).message(),
              HasSubstr("3 ops exceed the limit of 2"));
  EXPECT_THAT(CreateStatus(GoodColumns(), {.max_edges = 2}).message(), HasSubstr("edges exceed"));
}

TEST(GraphTest, OrderedButMisplacedOpsAreToldFromCycles) {
  GraphColumns columns = Parse("a -> b; c")->columns();
  columns.op_num_operands = {1, 0, 0};
  columns.operand_port = {2};
  EXPECT_THAT(CreateStatus(std::move(columns)).message(),
              HasSubstr("must be in topological order"));
}

TEST(GraphTest, AMeasuredTableGoesFirstAndReplacesItsOlderSelf) {
  const std::shared_ptr<const Graph> graph = Parse("a[time=1] -> b[time=2]");
  const std::string kind(kTextDeviceKind);
  ASSERT_OK_AND_ASSIGN(const auto once, WithCostTable(*graph, {"measured", kind, {7, -1}, {}, {}}));
  EXPECT_EQ(once->MeasuredTime(0, kind), 7);
  EXPECT_EQ(once->MeasuredTime(1, kind), graph->MeasuredTime(1, kind));
  EXPECT_EQ(once->cost_tables().size(), graph->cost_tables().size() + 1);
  ASSERT_OK_AND_ASSIGN(const auto twice,
                       WithCostTable(*once, {"measured", kind, {8, 9}, {1, 2}, {5, 5}}));
  EXPECT_EQ(twice->MeasuredTime(0, kind), 8);
  EXPECT_EQ(twice->MeasuredTime(1, kind), 9);
  EXPECT_EQ(twice->cost_tables().size(), once->cost_tables().size());
  EXPECT_THAT(WithCostTable(*graph, {"measured", kind, {8}, {}, {}}).status().message(),
              HasSubstr("duration_ns has 1"));
}

TEST(GraphTest, NotesAreAddedOrReplacedAndLeaveTheFingerprint) {
  const std::shared_ptr<const Graph> graph = Parse("a:matmul -> b:relu");
  ASSERT_OK_AND_ASSIGN(const auto once,
                       WithMetadata(*graph, {{"devices", "2"}, {"family", "chain"}}));
  ASSERT_OK_AND_ASSIGN(const auto twice, WithMetadata(*once, {{"devices", "4"}}));
  EXPECT_THAT(twice->columns().metadata,
              ElementsAre(Pair("devices", "4"), Pair("family", "chain")));
  EXPECT_EQ(twice->fingerprint(), graph->fingerprint());
  EXPECT_TRUE(graph->columns().metadata.empty());
  EXPECT_THAT(WithMetadata(*graph, {{"key", "\xff"}}), IsInvalid("'key': not well-formed UTF-8"));
}

}  // namespace
}  // namespace gopt
