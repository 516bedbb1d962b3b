#include "src/io/dnn_partitioning.h"

#include <filesystem>
#include <string>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gopt/cost/simulator.h"
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

constexpr const char* kFolder = "tests/fuzz/corpus/dnn_partitioning/";

std::string SmallText() {
  return *ReadFileBytes(testing::SourcePath(std::string(kFolder) + "small.json"), 1 << 20);
}

// The small file with a part of it replaced.
std::string SmallWith(std::string_view part, std::string_view by) {
  const std::string text = SmallText();
  EXPECT_NE(text.find(part), std::string::npos) << part;
  return absl::StrReplaceAll(text, {{std::string(part), std::string(by)}});
}

std::string FaultOf(std::string_view text) {
  return std::string(ImportDnnPartitioningText(text, "d.json").status().message());
}

TEST(DnnPartitioningTest, ReadsNodesEdgesAndMachine) {
  const auto imported = ImportDnnPartitioningText(SmallText(), "a/small.json");
  ASSERT_OK(imported);
  const Graph& graph = *imported->graph;
  EXPECT_EQ(graph.name(), "small");
  EXPECT_TRUE(testing::IsGolden("io/dnn_partitioning.txt", GraphToText(graph)));
  EXPECT_EQ(graph.MeasuredTime(FindOp(graph, "g"), "fpga"), 2'250'000);
  EXPECT_EQ(graph.MeasuredTime(FindOp(graph, "g"), "cpu"), 20'500'000);
  ASSERT_EQ(imported->machine->num_devices(), 3);
  EXPECT_EQ(imported->machine->device(1).kind, "fpga");
  EXPECT_EQ(imported->machine->device(1).memory_bytes, 1000);
  EXPECT_EQ(imported->machine->device(2).kind, "cpu");
  EXPECT_EQ(imported->machine->device(2).memory_bytes, kSaturated);
  EXPECT_NEAR(imported->machine->route_bandwidth(0, 1), 2e9, 1.0);
}

TEST(DnnPartitioningTest, ATensorIsOnePortHoweverManyRead) {
  const auto imported = ImportDnnPartitioningText(SmallText(), "d.json");
  const Graph& graph = *imported->graph;
  const OpId f = FindOp(graph, "f");
  EXPECT_EQ(graph.num_ports(f), 1);
  EXPECT_EQ(graph.port_bytes(graph.first_port(f)), 128);
  EXPECT_EQ(graph.readers(graph.first_port(f)).size(), 2u);
}

TEST(DnnPartitioningTest, WeightsAreWhatIsLeftOfTheSize) {
  const auto with = ImportDnnPartitioningText(SmallText(), "d.json");
  const Graph& graph = *with->graph;
  const OpId weights = FindOp(graph, "f:weights");
  EXPECT_EQ(graph.kind(weights), OpKind::kParameter);
  EXPECT_EQ(graph.port_bytes(graph.first_port(weights)), 300 - 128);
  EXPECT_EQ(graph.colocation(weights), graph.colocation(FindOp(graph, "f")));
  EXPECT_EQ(graph.kind(FindOp(graph, "w")), OpKind::kParameter);
  EXPECT_EQ(graph.kind(FindOp(graph, "x")), OpKind::kInput);
  const auto without = ImportDnnPartitioningText(SmallText(), "d.json", {.memory = false});
  EXPECT_TRUE(without->graph->parameters().empty());
}

TEST(DnnPartitioningTest, CostsInSecondsAreKnownByTheirBandwidth) {
  const std::string all = absl::StrReplaceAll(SmallText(), {{"\"cost\": 0.", "\"cost\": 0.000"}});
  const auto imported = ImportDnnPartitioningText(all, "d.json");
  ASSERT_OK(imported);
  EXPECT_EQ(imported->graph->columns().metadata.at("dnn_partitioning.edge_cost"), "seconds");
  const auto plain = ImportDnnPartitioningText(SmallText(), "d.json");
  EXPECT_FALSE(plain->graph->columns().metadata.contains("dnn_partitioning.edge_cost"));
  EXPECT_EQ(imported->graph->fingerprint(), plain->graph->fingerprint());
  EXPECT_NEAR(imported->machine->route_bandwidth(0, 1), 2e9, 1.0);
}

TEST(DnnPartitioningTest, RefusesTrainingGraphsWithoutLinksUnlessAsked) {
  const std::string text = SmallWith("\"isBackwardNode\": true", "\"isBackwardNode\": false");
  const std::string unlinked =
      absl::StrReplaceAll(text, {{"\"isBackwardNode\": 0", "\"isBackwardNode\": 1"}});
  EXPECT_THAT(FaultOf(unlinked), HasSubstr("d.json: no edge leads from a forward to a backward"));
  EXPECT_THAT(FaultOf(unlinked), HasSubstr("dnn_partitioning(unlinked=true)"));
  const auto imported = ImportDnnPartitioningText(unlinked, "d.json", {.unlinked = true});
  ASSERT_OK(imported);
  EXPECT_EQ(imported->graph->columns().metadata.at("dnn_partitioning.unlinked"), "true");
}

TEST(DnnPartitioningTest, TakesAnExpertsSplit) {
  const std::string folder = testing::SourcePath(kFolder);
  const auto imported =
      ImportFile(folder + "small.json", {}, "dnn_partitioning(expert=" + folder + "split.json)");
  ASSERT_OK(imported);
  const Graph& graph = *imported->graph;
  const auto place = [&](const char* name) {
    return imported->expert_placement[FindOp(graph, name)];
  };
  EXPECT_EQ(place("f"), 0);
  EXPECT_EQ(place("f:weights"), 0);
  EXPECT_EQ(place("g"), 1);
  EXPECT_EQ(place("fgrad"), 2);
}

TEST(DnnPartitioningTest, ASplitMustFit) {
  const auto graph = ParseDnnPartitioning(SmallText(), {});
  ASSERT_OK(graph);
  const auto fault = [&graph](const DnnPartitioningSplit& split) {
    return std::string(ImportDnnPartitioning(*graph, &split, "d", {}, {}).status().message());
  };
  EXPECT_EQ(fault({.accelerators = {{1, 2, 7}}, .cpus = {{3}}}),
            "the expert's split leaves out node 4 'fgrad'");
  EXPECT_EQ(fault({.accelerators = {{1, 2}, {2}}, .cpus = {}}),
            "the expert's split puts node 2 'f' on two devices");
  EXPECT_EQ(fault({.accelerators = {{}, {}, {3}}, .cpus = {}}),
            "the expert's split puts node 3 'g' on a device that the machine lacks");
  EXPECT_EQ(fault({.accelerators = {{9}}, .cpus = {}}),
            "the expert's split names node 9, which is not there");
}

TEST(DnnPartitioningTest, NamesTheFieldAndTheEntry) {
  EXPECT_EQ(FaultOf("[]"), "d.json: the text is a list, not an object");
  EXPECT_EQ(FaultOf("{}"), "d.json: maxSizePerFPGA is missing");
  EXPECT_THAT(FaultOf("{"), HasSubstr("d.json: byte 2"));
  EXPECT_EQ(FaultOf(SmallWith("\"maxFPGAs\": 2", "\"maxFPGAs\": 2.5")),
            "d.json: maxFPGAs is no whole number below 2^31");
  EXPECT_EQ(FaultOf(SmallWith("\"maxFPGAs\": 2", "\"maxFPGAs\": 2000")),
            "d.json: maxFPGAs and maxCPUs are 2001 devices, expected 1 to 1024");
  EXPECT_EQ(FaultOf(SmallWith("\"id\": 7, ", "")), "d.json: nodes[1].id is missing");
  EXPECT_EQ(FaultOf(SmallWith("\"id\": 7", "\"id\": 1")),
            "d.json: nodes[1].id is 1, which another node has");
  EXPECT_EQ(FaultOf(SmallWith("\"id\": 7", "\"id\": 7, \"id\": 7")),
            "d.json: nodes[1].id is given twice");
  EXPECT_EQ(FaultOf(SmallWith("\"fpgaLatency\": 2.25", "\"fpgaLatency\": -2.25")),
            "d.json: nodes[3].fpgaLatency is below 0 or above 2^62");
  EXPECT_EQ(FaultOf(SmallWith("\"fpgaLatency\": 2.25", "\"fpgaLatency\": \"2\"")),
            "d.json: nodes[3].fpgaLatency is no number");
  EXPECT_EQ(FaultOf(SmallWith("\"name\": \"g\"", "\"name\": 3")),
            "d.json: nodes[3].name is no text");
  EXPECT_EQ(FaultOf(SmallWith("\"isBackwardNode\": true", "\"isBackwardNode\": 2")),
            "d.json: nodes[4].isBackwardNode is not true, false, 0 or 1");
  EXPECT_EQ(FaultOf(SmallWith("\"supportedOnFpga\": 1", "\"supportedOnFpga\": 0")),
            "d.json: node 1 'x' is not supported on accelerators: a graph cannot say this");
  EXPECT_EQ(FaultOf(SmallWith("\"destId\": 3", "\"destId\": 33")),
            "d.json: edges[2]: 2 -> 33: there is no such node");
  EXPECT_EQ(FaultOf(SmallWith("\"sourceId\": 3, ", "")), "d.json: edges[4].sourceId is missing");
  EXPECT_THAT(
      FaultOf(SmallWith("\"sourceId\": 2, \"destId\": 3", "\"sourceId\": 4, \"destId\": 2")),
      HasSubstr("cycle: "));
  EXPECT_EQ(FaultOf("{\"nodes\": 3}"), "d.json: nodes is no list");
  EXPECT_EQ(FaultOf("{\"edges\": [[1, 2]]}"), "d.json: edges[0] is a list, not an object");
  EXPECT_EQ(FaultOf("{\"nodes\": [], \"nodes\": []}"), "d.json: nodes is given twice");
  EXPECT_EQ(FaultOf("{\"x\": " + std::string(100000, '[')), "d.json: lists nest too deep");
}

TEST(DnnPartitioningTest, HoldsTheTextToTheLimits) {
  const auto fault = [](const GraphLimits& limits) {
    return std::string(
        ImportDnnPartitioningText(SmallText(), "d.json", {}, limits).status().message());
  };
  EXPECT_THAT(fault({.max_ops = 2}), HasSubstr("nodes[2] exceeds the limit of 2 ops"));
  EXPECT_THAT(fault({.max_edges = 2}), HasSubstr("edges[2] exceeds the limit of 2 edges"));
}

struct PublicFile {
  std::string path, stem;
  bool unlinked;
};

std::vector<PublicFile> PublicFiles(const std::string& folder) {
  std::vector<PublicFile> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().string();
    if (!path.ends_with(".json") || path.find("-inputs/") == std::string::npos) continue;
    files.push_back(
        {path, entry.path().stem().string(),
         path.find("LayerGraphs") != std::string::npos && path.ends_with("training.json")});
  }
  return files;
}

TEST(DnnPartitioningTest, ReadsAllPublicInputs) {
  const auto folder = testing::DataPath("msr_dnn_partitioning");
  if (!folder.has_value()) GTEST_SKIP() << "no msr_dnn_partitioning in GOPT_DATA_DIR";
  const auto files = PublicFiles(*folder);
  EXPECT_EQ(files.size(), 18u);
  for (const PublicFile& file : files) {
    const auto plain = ImportFile(file.path);
    EXPECT_EQ(plain.ok(), !file.unlinked) << file.path << plain.status();
    const auto imported = ImportFile(file.path, {}, "dnn_partitioning(unlinked=true)");
    ASSERT_OK(imported);
    const bool is_slipped = file.path.find("throughput-inputs/LayerGraphs") != std::string::npos;
    EXPECT_EQ(imported->graph->columns().metadata.contains("dnn_partitioning.edge_cost"),
              is_slipped)
        << file.path;
    EXPECT_NEAR(imported->machine->route_bandwidth(0, 1), 0x1p31, 1e3) << file.path;
    const auto loaded = DeserializeGraph(SerializeGraph(*imported->graph));
    ASSERT_OK(loaded);
    EXPECT_EQ((*loaded)->fingerprint(), imported->graph->fingerprint());
  }
}

TEST(DnnPartitioningTest, PublicExpertsFitTheirInputsAndCanBePriced) {
  const auto folder = testing::DataPath("msr_dnn_partitioning");
  if (!folder.has_value()) GTEST_SKIP() << "no msr_dnn_partitioning in GOPT_DATA_DIR";
  for (const std::string stem :
       {"bert24_inference", "resnet50_inference", "inceptionv3_inference"}) {
    const auto imported = ImportFile(
        *folder + "/throughput-inputs/LayerGraphs/" + stem + ".json", {},
        "dnn_partitioning(expert=" + *folder + "/human-experts/" + stem + "_expert.json)");
    ASSERT_OK(imported);
    const auto problem = Problem::Create(imported->graph, *imported->machine);
    ASSERT_OK(problem);
    const auto simulator = *Simulator::Create();
    Plan plan = {.kernels = problem->base_kernels()};
    for (KernelId kernel = 0; kernel < plan.kernels->size(); ++kernel) {
      plan.device.push_back(imported->expert_placement[plan.kernels->ops(kernel)[0]]);
      plan.rank.push_back(kernel);
    }
    const auto report = Price(*simulator, *problem, plan);
    ASSERT_OK(report);
    EXPECT_EQ(report->outcome, Outcome::kOk) << stem << report->reason;
    SolveRequest request = {.problem = &*problem, .backend = simulator.get()};
    request.budget = Budget::Evaluations(50);
    const auto solution = (*Solvers().Create("metis"))->Solve(request);
    EXPECT_OK(solution);
  }
}

}  // namespace
}  // namespace gopt
