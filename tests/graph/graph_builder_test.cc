#include "gopt/graph/graph_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gopt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(GraphBuilderTest, SortsOpsAddedInAnyOrder) {
  GraphBuilder builder("g", "test");
  const OpId last = builder.AddOp({.name = "last", .type = "op"});
  const OpId first = builder.AddOp({.name = "first", .type = "op", .forward_twin = 0});
  const PortId port = builder.AddPort(first, {.bytes = 8});
  builder.AddOperands(last, {&port, 1});
  builder.AddCostTable("m", "gpu", {10, 20});
  std::vector<OpId> where;
  const auto graph = *builder.Build(&where);
  EXPECT_THAT(where, ElementsAre(1, 0));
  EXPECT_EQ(graph->op_name(0), "first");
  EXPECT_EQ(graph->forward_twin(0), 1);
  EXPECT_EQ(graph->MeasuredTime(0, "gpu"), 20);
}

TEST(GraphBuilderTest, GroupsPortsByOpAndSharesStorage) {
  GraphBuilder builder("g");
  const OpId a = builder.AddOp({.name = "a", .type = "op"});
  const PortId whole = builder.AddPort(a, {.bytes = 8});
  const OpId b = builder.AddOp({.name = "b", .type = "op"});
  builder.AddPort(b, {.bytes = 1});
  const PortId slice = builder.AddPort(a, {.bytes = 4, .share_storage_with = whole});
  builder.AddOperands(b, {&slice, 1});
  const auto graph = *builder.Build();
  EXPECT_EQ(graph->num_ports(0), 2);
  EXPECT_EQ(graph->storage(0), graph->storage(1));
  EXPECT_EQ(graph->storage_bytes(0), 8);
  EXPECT_EQ(graph->port_bytes(graph->operands(1)[0]), 4);
  EXPECT_EQ(graph->num_storages(), 2);
}

TEST(GraphBuilderTest, KeepsTheNamesOfTheSourceNodes) {
  GraphBuilder builder("g");
  const OpId a = builder.AddOp({.name = "a", .type = "op"});
  builder.SetUngroup(a, {"view_1", "mm_1"});
  const auto graph = *builder.Build();
  EXPECT_THAT(graph->columns().ungroup_names, ElementsAre("view_1", "mm_1"));
  EXPECT_THAT(graph->columns().ungroup_begin, ElementsAre(0u, 2u));
}

TEST(GraphBuilderTest, PrintsAShortCycle) {
  GraphBuilder builder("g");
  std::vector<PortId> ports;
  for (const char* name : {"a", "b", "c", "d"}) {
    const OpId op = builder.AddOp({.name = name, .type = "op"});
    ports.push_back(builder.AddPort(op, {.bytes = 1}));
  }
  for (int i = 0; i < 4; ++i) builder.AddOperands((i + 1) % 4, {&ports[i], 1});  // a b c d a
  builder.AddOperands(1, {&ports[2], 1});                                        // c -> b
  EXPECT_THAT(builder.Build().status().message(), HasSubstr("cycle: 'b' -> 'c' -> 'b'"));
}

TEST(GraphBuilderTest, ReportsIdsThatDoNotExist) {
  GraphBuilder builder("g");
  const OpId a = builder.AddOp({.name = "a", .type = "op"});
  const PortId missing = 5;
  builder.AddOperands(a, {&missing, 1});
  EXPECT_THAT(builder.Build().status().message(),
              HasSubstr("op 0 'a': operand port 5 does not exist"));
  GraphBuilder other("g");
  other.AddOperands(3, {&missing, 1});
  EXPECT_THAT(other.Build().status().message(), HasSubstr("AddOperands: op 3 does not exist"));
}

}  // namespace
}  // namespace gopt
