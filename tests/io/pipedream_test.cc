#include "src/io/pipedream.h"

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gopt/graph/graph_text.h"
#include "gopt/io/graph_file.h"
#include "gopt/solve/solver.h"
#include "gtest/gtest.h"
#include "src/io/file_bytes.h"
#include "tests/testing/find_op.h"
#include "tests/testing/golden.h"
#include "tests/testing/paths.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using testing::FindOp;
using ::testing::HasSubstr;

std::string SmallProfile() {
  return *ReadFileBytes(testing::SourcePath("tests/fuzz/corpus/pipedream/small.graph.txt"),
                        1 << 20);
}

std::string FaultOf(std::string_view text) {
  return std::string(ImportPipeDreamText(text, "p.graph.txt").status().message());
}

// A node line with these figures.
std::string NodeWith(const std::string& figures) { return "node1 -- ReLU -- " + figures + "\n"; }

constexpr const char* kGood =
    "forward_compute_time=1, backward_compute_time=2, activation_size=4, parameter_size=8";

TEST(PipeDreamTest, ReadsTheForwardGraph) {
  const auto imported =
      ImportPipeDreamText(SmallProfile(), "a/small.graph.txt", {.training = false});
  ASSERT_OK(imported);
  EXPECT_EQ(imported->graph->name(), "small");
  EXPECT_TRUE(testing::IsGolden("io/pipedream_forward.txt", GraphToText(*imported->graph)));
}

TEST(PipeDreamTest, MirrorsItIntoATrainingStep) {
  const auto imported = ImportPipeDreamText(SmallProfile(), "small.graph.txt");
  ASSERT_OK(imported);
  const Graph& graph = *imported->graph;
  EXPECT_TRUE(testing::IsGolden("io/pipedream_training.txt", GraphToText(graph)));
  const OpId backward = FindOp(graph, "node3:backward");
  EXPECT_EQ(graph.MeasuredTime(backward, "device"), 3'000'000);
  EXPECT_EQ(graph.op_name(graph.forward_twin(backward)), "node3");
  EXPECT_EQ(graph.phase(backward), Phase::kBackward);
}

TEST(PipeDreamTest, TimesAreForTheKindAndTheMachineAsAsked) {
  const auto imported = ImportPipeDreamText(
      SmallProfile(), "p", {.kind = "v100", .devices = 3, .bandwidth = 1e9, .latency = 5});
  ASSERT_OK(imported);
  EXPECT_EQ(imported->graph->MeasuredTime(FindOp(*imported->graph, "node2"), "v100"), 500'000);
  EXPECT_EQ(imported->machine->num_devices(), 3);
  EXPECT_EQ(imported->machine->device(0).kind, "v100");
  EXPECT_EQ(imported->machine->route_bandwidth(0, 2), 1e9);
  EXPECT_EQ(imported->machine->route_latency(0, 2), 5);
}

TEST(PipeDreamTest, StagesAreDevices) {
  const auto imported =
      ImportFile(testing::SourcePath("tests/fuzz/corpus/pipedream/stages.graph.txt"), {},
                 "pipedream(devices=1)");
  ASSERT_OK(imported);
  EXPECT_EQ(imported->machine->num_devices(), 2);
  const Graph& graph = *imported->graph;
  EXPECT_EQ(imported->expert_placement[FindOp(graph, "node3")], 0);
  EXPECT_EQ(imported->expert_placement[FindOp(graph, "node5:backward")], 1);
}

TEST(PipeDreamTest, UnlessAllNodesHaveStagesThereIsNoPlacement) {
  EXPECT_TRUE(ImportPipeDreamText(SmallProfile(), "p")->expert_placement.empty());
  const std::string some = NodeWith(std::string(kGood) + " -- stage_id=1") + "x -- X -- " + kGood;
  const auto imported = ImportPipeDreamText(some, "p");
  ASSERT_OK(imported);
  EXPECT_TRUE(imported->expert_placement.empty());
}

TEST(PipeDreamTest, SaysWhichInputIsAWarmUpAndDropsItOnRequest) {
  const std::string text =
      "a -- Input -- forward_compute_time=500, backward_compute_time=0, activation_size=4, "
      "parameter_size=0\n" +
      NodeWith(kGood) + "\ta -- node1\n";
  const auto kept = ImportPipeDreamText(text, "p");
  ASSERT_OK(kept);
  EXPECT_EQ(kept->figures.at("warmup_ns"), 500e6);
  EXPECT_EQ(kept->graph->columns().metadata.at("pipedream.warmup"), "a");
  EXPECT_EQ(kept->graph->MeasuredTime(FindOp(*kept->graph, "a"), "device"), 500'000'000);
  const auto dropped = ImportPipeDreamText(text, "p", {.drop_warmup = true});
  ASSERT_OK(dropped);
  EXPECT_EQ(dropped->graph->kind(FindOp(*dropped->graph, "a")), OpKind::kInput);
  EXPECT_TRUE(ImportPipeDreamText(SmallProfile(), "p")->figures.empty());
}

TEST(PipeDreamTest, NamesTheLineAndTheNode) {
  EXPECT_EQ(FaultOf(""), "p.graph.txt: there is no node");
  EXPECT_EQ(FaultOf("node1 -- ReLU\n"),
            "p.graph.txt: line 1: expected 'name -- description -- forward_compute_time=...'");
  EXPECT_EQ(FaultOf(NodeWith("forward_compute_time=1, backward_compute_time=2")),
            "p.graph.txt: line 1: node 'node1': has 2 figures, expected 4");
  EXPECT_EQ(FaultOf(NodeWith("forward_compute_time=x, backward_compute_time=2, "
                             "activation_size=4, parameter_size=8")),
            "p.graph.txt: line 1: node 'node1': forward_compute_time is 'x', expected a number "
            "from 0 to 2^62");
  EXPECT_THAT(FaultOf(NodeWith("forward_compute_time=1, backward_compute_time=-2, "
                               "activation_size=4, parameter_size=8")),
              HasSubstr("backward_compute_time is '-2'"));
  EXPECT_THAT(FaultOf(NodeWith("forward_compute_time=1e300, backward_compute_time=2, "
                               "activation_size=4, parameter_size=8")),
              HasSubstr("forward_compute_time is '1e300'"));
  EXPECT_THAT(FaultOf(NodeWith("forward_compute_time=1, backward_compute_time=2, "
                               "activation_size=[4; nan], parameter_size=8")),
              HasSubstr("activation_size is '[4; nan]'"));
  EXPECT_THAT(FaultOf(NodeWith("forward_compute_time=1, parameter_size=8, activation_size=4, "
                               "backward_compute_time=2")),
              HasSubstr("expected backward_compute_time, not 'parameter_size=8'"));
  EXPECT_EQ(FaultOf(NodeWith(kGood) + NodeWith(kGood)),
            "p.graph.txt: line 2: node 'node1': is given twice");
  EXPECT_EQ(FaultOf(NodeWith(kGood) + "\n\tnode1 -- node2\n"),
            "p.graph.txt: line 3: there is no node 'node2'");
  EXPECT_EQ(FaultOf(NodeWith(kGood) + "\tnode1\n"),
            "p.graph.txt: line 2: expected 'producer -- reader'");
  EXPECT_THAT(FaultOf(NodeWith(std::string(kGood) + " -- stage_id=-1")),
              HasSubstr("expected stage_id=0 to 1023"));
  EXPECT_THAT(FaultOf(NodeWith(kGood) + "\tnode1 -- node1\n"), HasSubstr("cycle: 'node1"));
}

TEST(PipeDreamTest, HoldsTheTextToTheLimits) {
  const auto fault = [](const GraphLimits& limits) {
    return std::string(ImportPipeDreamText(SmallProfile(), "p", {}, limits).status().message());
  };
  EXPECT_THAT(fault({.max_ops = 3}), HasSubstr("line 4: exceeds the limit of 3 ops"));
  EXPECT_THAT(fault({.max_edges = 2}), HasSubstr("line 10: exceeds the limit of 2 edges"));
  EXPECT_THAT(fault({.max_name_bytes = 10}), HasSubstr("the description is too long"));
}

TEST(PipeDreamTest, IsTheSameGraphAfterSavingAndLoading) {
  const auto graph = ImportPipeDreamText(SmallProfile(), "p")->graph;
  const auto loaded = DeserializeGraph(SerializeGraph(*graph));
  ASSERT_OK(loaded);
  EXPECT_EQ((*loaded)->fingerprint(), graph->fingerprint());
}

TEST(PipeDreamTest, AFewBytesThatMeanVeryManyReadsAreRefused) {
  std::string text = "a -- Tuple -- forward_compute_time=1, backward_compute_time=1, ";
  text += "activation_size=[1; 1; 1; 1; 1], parameter_size=0\n";
  for (const std::string name : {"b", "c", "d"}) {
    text += name + " -- ReLU -- " + kGood + "\n\ta -- " + name + "\n";
  }
  GraphLimits limits;
  limits.max_edges = 29;
  const auto imported = ImportPipeDreamText(text, "p.graph.txt", {}, limits);
  EXPECT_THAT(imported, Fails(absl::StatusCode::kInvalidArgument,
                              "its ops read 30 tensors, above the limit of 29 edges"));
}

TEST(PipeDreamTest, ReadsAllPublicProfiles) {
  const auto folder = testing::DataPath("pipedream_profiles");
  if (!folder.has_value()) GTEST_SKIP() << "no pipedream_profiles in GOPT_DATA_DIR";
  std::map<std::string, int> ops;
  std::set<std::string> warm;
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
    if (!entry.path().string().ends_with(".graph.txt")) continue;
    const auto imported = ImportFile(entry.path().string());
    ASSERT_OK(imported);
    const auto& graph = *imported->graph;
    ops[graph.name()] = static_cast<int>(graph.kernel_ops().size());
    if (imported->figures.contains("warmup_ns")) warm.insert(graph.name());
    const auto loaded = DeserializeGraph(SerializeGraph(graph));
    ASSERT_OK(loaded);
    EXPECT_EQ((*loaded)->fingerprint(), graph.fingerprint());
    int backward = 0;
    for (const OpId op : graph.kernel_ops()) backward += graph.phase(op) == Phase::kBackward;
    EXPECT_GT(3 * backward, ops[graph.name()]) << graph.name();
  }
  EXPECT_EQ(ops.size(), 13u);
  EXPECT_GT(ops["nasnetamobile"], 1800);
  EXPECT_THAT(warm, ElementsAre("alexnet", "resnet18", "squeezenet1_0"));
}

}  // namespace
}  // namespace gopt
