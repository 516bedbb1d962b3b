#include "gopt/plan/kernel_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>
#include <utility>
#include <vector>

#include "gopt/graph/graph_builder.h"
#include "gopt/graph/graph_text.h"
#include "tests/plan/plan_test_util.h"

namespace gopt {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::pair<PortId, KernelId>> Inputs(const KernelGraph& graph, KernelId kernel) {
  std::vector<std::pair<PortId, KernelId>> inputs;
  for (const auto& input : KernelGraph::Row(graph.inputs, graph.input_begin, kernel)) {
    inputs.push_back({input.port, input.source});
  }
  return inputs;
}

std::vector<KernelId> Predecessors(const KernelGraph& graph, KernelId kernel) {
  const auto row = KernelGraph::Row(graph.predecessors, graph.predecessor_begin, kernel);
  return {row.begin(), row.end()};
}

std::vector<KernelId> Successors(const KernelGraph& graph, KernelId kernel) {
  const auto row = KernelGraph::Row(graph.successors, graph.successor_begin, kernel);
  return {row.begin(), row.end()};
}

std::vector<KernelId> Controls(const KernelGraph& graph, KernelId kernel) {
  const auto row = KernelGraph::Row(graph.controls, graph.control_begin, kernel);
  return {row.begin(), row.end()};
}

TEST(KernelGraphTest, OfSingletonsIsTheGraphWithoutInputs) {
  const auto graph = TextGraph("x:input -> a -> b, c -> d; w:parameter -> c; d -> y:output");
  const auto kernels = Kernels::Singletons(graph);
  ASSERT_OK_AND_ASSIGN(const KernelGraph dag, KernelGraph::Create(*kernels, {}));
  const KernelId a = KernelOf(*kernels, "a"), b = KernelOf(*kernels, "b");
  const KernelId c = KernelOf(*kernels, "c"), d = KernelOf(*kernels, "d");
  EXPECT_EQ(dag.num_kernels, 4);
  EXPECT_THAT(Inputs(dag, a), IsEmpty());
  EXPECT_THAT(Inputs(dag, b), ElementsAre(std::pair(PortOf(*graph, "a"), a)));
  EXPECT_THAT(Inputs(dag, c),
              testing::UnorderedElementsAre(std::pair(PortOf(*graph, "a"), a),
                                            std::pair(PortOf(*graph, "w"), KernelId{kNone})));
  EXPECT_THAT(Predecessors(dag, d), ElementsAre(b, c));
  EXPECT_THAT(Successors(dag, a), ElementsAre(b, c));
  EXPECT_THAT(dag.parameter_readers, ElementsAre(c));
  EXPECT_THAT(dag.topological_order, ElementsAre(a, b, c, d));
  // Only ports that another kernel reads are listed: d's goes to an OUTPUT op alone.
  EXPECT_THAT(dag.outputs,
              ElementsAre(PortOf(*graph, "a"), PortOf(*graph, "b"), PortOf(*graph, "c")));
  EXPECT_THAT(KernelGraph::Row(dag.readers, dag.reader_begin, 0), ElementsAre(b, c));
}

TEST(KernelGraphTest, ParallelOperandsAreOneInput) {
  const auto graph = TextGraph("a -> b; a -> b; a => b");
  ASSERT_OK_AND_ASSIGN(const KernelGraph dag, KernelGraph::Create(*Kernels::Singletons(graph), {}));
  EXPECT_EQ(Inputs(dag, 1).size(), 1u);
  EXPECT_THAT(Predecessors(dag, 1), ElementsAre(0));
  EXPECT_THAT(Controls(dag, 1), ElementsAre(0));
}

TEST(KernelGraphTest, ControlsInsideAKernelAndFromParametersAreVoid) {
  const auto graph = TextGraph("a -> b; a => b; w:parameter -> a; w => b; x:input => b; a => c");
  ASSERT_OK_AND_ASSIGN(const auto kernels, MakeKernels(graph, {{"a", "b"}, {"c"}}));
  ASSERT_OK_AND_ASSIGN(const KernelGraph dag, KernelGraph::Create(*kernels, {}));
  EXPECT_THAT(Controls(dag, 0), IsEmpty());
  EXPECT_THAT(Controls(dag, 1), ElementsAre(0));
  EXPECT_THAT(dag.outputs, IsEmpty());
}

TEST(KernelGraphTest, OrderTakesTheSmallestFreeKernelFirst) {
  const auto graph = TextGraph("a -> b; c -> d");
  ASSERT_OK_AND_ASSIGN(const auto kernels, MakeKernels(graph, {{"b"}, {"d"}, {"c"}, {"a"}}));
  ASSERT_OK_AND_ASSIGN(const KernelGraph dag, KernelGraph::Create(*kernels, {}));
  EXPECT_THAT(dag.topological_order, ElementsAre(2, 1, 3, 0));
}

TEST(KernelGraphTest, RejectsACycleAndPrintsAShortestOne) {
  // {a, c} <-> {b} is the short one; {a, c} -> {d} -> {e} -> {f} -> {a, c} is longer.
  const auto graph = TextGraph("a -> b -> c; a -> d -> e -> f -> c");
  ASSERT_OK_AND_ASSIGN(const auto kernels,
                       MakeKernels(graph, {{"a", "c"}, {"d"}, {"e"}, {"f"}, {"b"}}));
  const absl::Status status = KernelGraph::Create(*kernels, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "cycle among kernels: kernel 0 (op 0 'a' and 1 more) -> kernel 4 (op 1 'b') -> "
            "kernel 0 (op 0 'a' and 1 more)");
}

TEST(KernelGraphTest, ReaderTakesTheCopyInItsOwnKernelThenOnItsDeviceThenTheLowest) {
  const auto graph = TextGraph("a -> b, c, d, e");
  ASSERT_OK_AND_ASSIGN(const auto kernels,
                       MakeKernels(graph, {{"a", "b"}, {"a"}, {"c"}, {"d"}, {"e"}}));
  const std::vector<DeviceId> device = {0, 1, 1, 0, 2};
  ASSERT_OK_AND_ASSIGN(const KernelGraph dag, KernelGraph::Create(*kernels, device));
  const OpId a = OpNamed(*graph, "a");
  EXPECT_THAT(Inputs(dag, 0), IsEmpty());
  EXPECT_THAT(Inputs(dag, 2), ElementsAre(std::pair(0, 1)));  // c on device 1: the copy there.
  EXPECT_THAT(Inputs(dag, 3), ElementsAre(std::pair(0, 0)));
  EXPECT_THAT(Inputs(dag, 4), ElementsAre(std::pair(0, 0)));  // e on device 2: the lowest.
  for (const KernelId reader : {0, 2, 3, 4}) {
    const auto inputs = Inputs(dag, reader);
    EXPECT_EQ(ChooseCopy(*kernels, device, reader, a), inputs.empty() ? reader : inputs[0].second);
  }
}

TEST(KernelGraphTest, BackwardReadersOfARecomputedOpTakeABackwardCopy) {
  const auto graph = TextGraph("a -> b; a -> g[phase=b]; b -> g");
  ASSERT_OK_AND_ASSIGN(const auto kernels, Kernels::Create(graph, {.begin = {0, 1, 2, 3, 4},
                                                                   .ops = {0, 1, 2, 0},
                                                                   .recompute = {0, 0, 0, 1},
                                                                   .recomputed_ops = {0}}));
  const std::vector<DeviceId> device = {0, 0, 0, 1};
  ASSERT_OK_AND_ASSIGN(const KernelGraph dag, KernelGraph::Create(*kernels, device));
  EXPECT_THAT(Inputs(dag, 1), ElementsAre(std::pair(0, 0)));
  EXPECT_THAT(Inputs(dag, 2), ElementsAre(std::pair(0, 3), std::pair(1, 1)));
  EXPECT_EQ(ChooseCopy(*kernels, device, 2, 0), 3);
  EXPECT_EQ(ChooseCopy(*kernels, device, 1, 0), 0);
}

TEST(KernelGraphTest, ControlEdgesChooseCopiesTheSameWay) {
  const auto graph = TextGraph("a -> b, c; a => d");
  ASSERT_OK_AND_ASSIGN(const auto kernels, MakeKernels(graph, {{"a", "b"}, {"a", "c"}, {"d"}}));
  ASSERT_OK_AND_ASSIGN(const KernelGraph near, KernelGraph::Create(*kernels, Devices({0, 1, 1})));
  EXPECT_THAT(Controls(near, 2), ElementsAre(1));
  ASSERT_OK_AND_ASSIGN(const KernelGraph far, KernelGraph::Create(*kernels, Devices({0, 1, 2})));
  EXPECT_THAT(Controls(far, 2), ElementsAre(0));
}

TEST(KernelGraphTest, RejectsACopyThatNobodyReads) {
  const auto graph = TextGraph("a -> b");
  ASSERT_OK_AND_ASSIGN(const auto kernels, MakeKernels(graph, {{"a"}, {"a"}, {"b"}}));
  const absl::Status status = KernelGraph::Create(*kernels, Devices({0, 1, 1})).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("kernel 0 (op 0 'a'): nobody reads its copy of op 0 'a'"));
}

TEST(KernelGraphTest, AcceptsUnreadResultsOfSingleCopiesAndCopiesOfOutputs) {
  const auto lonely = TextGraph("a; b");
  EXPECT_OK(KernelGraph::Create(*Kernels::Singletons(lonely), {}));
  const auto output = TextGraph("a -> y:output");
  ASSERT_OK_AND_ASSIGN(const auto kernels, MakeKernels(output, {{"a"}, {"a"}}));
  EXPECT_OK(KernelGraph::Create(*kernels, Devices({0, 1})));
}

TEST(KernelGraphTest, CopiesInTheirReadersNeedNoDevices) {
  const auto graph = TextGraph("a -> b, c");
  ASSERT_OK_AND_ASSIGN(const auto kernels, MakeKernels(graph, {{"a", "b"}, {"a", "c"}}));
  ASSERT_OK_AND_ASSIGN(const KernelGraph dag, KernelGraph::Create(*kernels, {}));
  EXPECT_THAT(dag.inputs, IsEmpty());
}

TEST(KernelGraphTest, OfARecomputedOpForwardReadersTakeTheForwardCopyWhereverItIs) {
  const auto graph = TextGraph("f -> h; f -> g[phase=b]");
  const auto kernels = *Kernels::Create(graph, {.begin = {0, 1, 2, 3, 4},
                                                .ops = {0, 1, 2, 0},
                                                .recompute = {0, 0, 0, 1},
                                                .recomputed_ops = {0}});
  for (const std::vector<DeviceId>& device :
       {Devices({0, 0, 0, 0}), Devices({0, 1, 0, 1}), Devices({1, 0, 1, 0})}) {
    ASSERT_OK_AND_ASSIGN(const KernelGraph dag, KernelGraph::Create(*kernels, device));
    EXPECT_THAT(Inputs(dag, KernelOf(*kernels, "h")), ElementsAre(std::pair(PortId{0}, 0)));
    EXPECT_THAT(Inputs(dag, KernelOf(*kernels, "g")), ElementsAre(std::pair(PortId{0}, 3)));
    EXPECT_EQ(ChooseCopy(*kernels, device, KernelOf(*kernels, "h"), 0), 0);
    EXPECT_EQ(ChooseCopy(*kernels, device, KernelOf(*kernels, "g"), 0), 3);
  }
}

TEST(KernelGraphTest, CopiesToChooseFromNeedADevicePerKernel) {
  const auto graph = TextGraph("a -> b, c");
  ASSERT_OK_AND_ASSIGN(const auto kernels, MakeKernels(graph, {{"a"}, {"a", "c"}, {"b"}}));
  EXPECT_FALSE(KernelGraph::Create(*kernels, {}).ok());
  EXPECT_FALSE(KernelGraph::Create(*kernels, Devices({0})).ok());
  EXPECT_FALSE(KernelGraph::Create(*kernels, Devices({0, 1, -1})).ok());
  EXPECT_OK(KernelGraph::Create(*kernels, Devices({0, 1, 0})));
}

}  // namespace
}  // namespace gopt
