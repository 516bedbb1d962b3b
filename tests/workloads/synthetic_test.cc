#include "gopt/workloads/synthetic.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gopt/graph/graph_text.h"
#include "gtest/gtest.h"
#include "tests/testing/find_op.h"
#include "tests/testing/golden.h"
#include "tests/testing/scale.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using testing::FindOp;
using ::testing::HasSubstr;

std::shared_ptr<const Graph> GraphOf(const std::string& spec) {
  absl::StatusOr<Imported> imported = SyntheticFromSpec(spec);
  EXPECT_OK(imported);
  return imported.ok() ? imported->graph : nullptr;
}

std::string FaultOf(const std::string& spec) {
  return std::string(SyntheticFromSpec(spec).status().message());
}

// Longest path to each op, in edges.
std::vector<int> Levels(const Graph& graph) {
  std::vector<int> level(graph.num_ops(), 0);
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    for (const OpId before : graph.predecessors(op)) {
      level[op] = std::max(level[op], level[before] + 1);
    }
  }
  return level;
}

std::map<std::string, int> CountBy(const Graph& graph,
                                   std::string_view (Graph::*field)(OpId) const) {
  std::map<std::string, int> count;
  for (OpId op = 0; op < graph.num_ops(); ++op) ++count[std::string((graph.*field)(op))];
  return count;
}

int CountPhase(const Graph& graph, Phase phase) {
  int count = 0;
  for (const OpId op : graph.kernel_ops()) count += graph.phase(op) == phase ? 1 : 0;
  return count;
}

double Work(const Graph& graph) {
  double work = 0.0;
  for (const OpId op : graph.kernel_ops()) {
    work += static_cast<double>(graph.MeasuredTime(op, kTextDeviceKind));
  }
  return work;
}

double CommunicationToComputation(const Graph& graph, double bandwidth) {
  double bytes = 0.0;
  for (PortId port = 0; port < graph.num_ports(); ++port) {
    if (!graph.readers(port).empty()) bytes += static_cast<double>(graph.port_bytes(port));
  }
  return bytes / bandwidth * 1e9 / Work(graph);
}

const char* const kSmallMembers[] = {
    "rnn(layers=2,steps=3,hidden=8,vocabulary=10,batch=4)",
    "gnmt(layers=2,encoder_steps=2,decoder_steps=2,hidden=8,vocabulary=10,batch=4)",
    "txl(layers=2,segments=2,heads=2,tokens=4,width=8,feed_forward=16,vocabulary=10,batch=4)",
    "layered(ops=300,width=8)",
    "blocks(blocks=3,branches=3,depth=2)",
    "chain(ops=20)",
    "star(ops=20)",
    "tree(ops=20)",
    "planted(ops=200)",
};

TEST(SyntheticTest, EveryFamilyIsInTheListAndHasAMemberHere) {
  std::vector<std::string> families;
  for (const auto& [name, summary] : SyntheticFamilies()) {
    families.push_back(name);
    EXPECT_THAT(summary, ::testing::EndsWith("."));
  }
  std::vector<std::string> members;
  for (const char* member : kSmallMembers) {
    members.push_back(std::string(member).substr(0, std::string_view(member).find('(')));
  }
  EXPECT_THAT(members, ::testing::UnorderedElementsAreArray(families));
}

TEST(SyntheticTest, TheSameSpecGivesTheSameGraphAndAnotherSeedAnother) {
  for (const std::string member : kSmallMembers) {
    const std::string keys = member.substr(0, member.size() - 1);
    const auto with_seed = [&keys](const char* seed) {
      return GraphOf(keys + ",spread=1,seed=" + seed + ")")->fingerprint();
    };
    EXPECT_EQ(with_seed("1"), with_seed("1")) << member;
    EXPECT_NE(with_seed("1"), with_seed("2")) << member;
    EXPECT_EQ(GraphToText(*GraphOf(member)), GraphToText(*GraphOf(member)));
  }
}

TEST(SyntheticTest, TimesAreThereForEveryOpThatRuns) {
  for (const std::string member : kSmallMembers) {
    const auto graph = GraphOf(member);
    for (const OpId op : graph->kernel_ops()) {
      ASSERT_GT(graph->MeasuredTime(op, kTextDeviceKind), 0) << member << graph->Describe(op);
      ASSERT_GE(graph->flops(op), 0.0) << member << graph->Describe(op);
    }
  }
}

TEST(SyntheticTest, TinyMembersReadLikeThis) {
  const std::pair<const char*, const char*> kTiny[] = {
      {"rnn", "rnn(layers=1,steps=2,hidden=2,vocabulary=3,batch=2)"},
      {"gnmt",
       "gnmt(layers=2,encoder_steps=1,decoder_steps=1,hidden=2,vocabulary=0,batch=2,"
       "parameters=false,weight_gradients=false)"},
      {"txl",
       "txl(layers=1,segments=2,heads=1,tokens=2,width=2,feed_forward=4,vocabulary=3,"
       "batch=2,backward=false)"},
      {"layered", "layered(ops=8,width=3)"},
      {"blocks", "blocks(blocks=2,branches=2,depth=1)"},
      {"tree", "tree(ops=6,join=true)"},
      {"planted", "planted(ops=6,devices=2)"},
  };
  for (const auto& [name, spec] : kTiny) {
    const auto graph = GraphOf(spec);
    std::string text = GraphToText(*graph) + "times:";
    for (OpId op = 0; op < graph->num_ops(); ++op) {
      absl::StrAppend(&text, " ", graph->MeasuredTime(op, kTextDeviceKind));
    }
    EXPECT_TRUE(testing::IsGolden(absl::StrCat("workloads/", name, ".txt"), text + "\n"));
  }
}

TEST(LayeredTest, HasAsManyOpsAsAskedAndNoLayerAboveTheWidth) {
  for (const int ops : {1, 2, 17, 1000}) {
    for (const int width : {1, 2, 7, 40}) {
      const auto graph = *MakeLayered({.ops = ops, .width = width});
      EXPECT_EQ(graph->num_ops(), ops);
      std::map<int, int> layer_size;
      for (const int level : Levels(*graph)) ++layer_size[level];
      for (const auto& [level, size] : layer_size) {
        EXPECT_LE(size, width);
        const bool is_last = level + 1 == static_cast<int>(layer_size.size());
        EXPECT_GE(size, is_last ? 1 : (width + 1) / 2);
      }
    }
  }
}

TEST(LayeredTest, OperandsAreDistinctFewAndFromTheReach) {
  const auto graph = *MakeLayered({.ops = 2000, .width = 10, .fan_in = 3, .reach = 2});
  const std::vector<int> level = Levels(*graph);
  std::set<size_t> sizes;
  for (OpId op = 0; op < graph->num_ops(); ++op) {
    if (level[op] == 0) continue;
    sizes.insert(graph->operands(op).size());
    EXPECT_EQ(graph->operands(op).size(), graph->predecessors(op).size());
    for (const OpId before : graph->predecessors(op)) EXPECT_GE(level[before], level[op] - 2);
  }
  EXPECT_THAT(sizes, ElementsAre(1u, 2u, 3u));
}

TEST(TimedShapesTest, HoldTheRatioOfCommunicationToComputation) {
  for (const double ccr : {0.1, 1.0, 7.5}) {
    const TimeOptions time = {.ccr = ccr, .bandwidth = 3e9, .seed = 5};
    for (const auto& graph :
         {*MakeLayered({.time = time}), *MakeBlocks({.time = time}), *MakeChain({.time = time}),
          *MakeFanOut({.arity = 3, .time = time}), *MakeFanOut({.join = true, .time = time})}) {
      EXPECT_NEAR(CommunicationToComputation(*graph, 3e9) / ccr, 1.0, 0.02) << graph->name();
    }
  }
}

TEST(TimedShapesTest, HoldTheMeanTimeAndSpreadIt) {
  for (const double spread : {0.0, 1.0}) {
    const auto graph = *MakeLayered({.time = {.mean_time = 30'000, .spread = spread}});
    EXPECT_NEAR(Work(*graph) / graph->num_ops(), 30'000.0, 10.0);
    Nanoseconds least = kSaturated, most = 0;
    for (const OpId op : graph->kernel_ops()) {
      least = std::min(least, graph->MeasuredTime(op, kTextDeviceKind));
      most = std::max(most, graph->MeasuredTime(op, kTextDeviceKind));
    }
    EXPECT_GE(most, spread == 0.0 ? least : 20 * least);
    EXPECT_LE(most, spread == 0.0 ? least : 400 * least);
  }
}

TEST(BlocksTest, AreBranchesFromOneJoinToTheNext) {
  const auto graph = *MakeBlocks({.blocks = 49, .branches = 8, .depth = 5});
  EXPECT_EQ(graph->num_ops(), 2009);
  EXPECT_EQ(graph->num_edges(), 49 * 8 * 5 + 48 * 9);  // Into each op of a branch or a join.
  EXPECT_EQ(graph->operands(graph->num_ops() - 1).size(), 9u);
  const auto scopes = CountBy(*graph, &Graph::scope);
  EXPECT_EQ(scopes.size(), 49u * 9u);
  EXPECT_EQ(scopes.at("block7.branch3"), 5);
  EXPECT_EQ(scopes.at("block7.join"), 1);
}

TEST(ChainTest, IsAChain) {
  const auto graph = *MakeChain({.ops = 50});
  EXPECT_EQ(graph->num_ops(), 50);
  EXPECT_EQ(Levels(*graph).back(), 49);
}

TEST(FanOutTest, StarsAndTreesJoinWhatNobodyReads) {
  const auto star = *MakeFanOut({.ops = 50});
  EXPECT_EQ(star->successors(0).size(), 49u);
  const auto tree = *MakeFanOut({.ops = 50, .arity = 3});
  EXPECT_EQ(tree->num_edges(), 49);
  EXPECT_EQ(tree->successors(5).size(), 3u);
  for (const int arity : {0, 1, 2, 3}) {
    for (const int ops : {2, 3, 8, 50}) {
      const auto joined = *MakeFanOut({.ops = ops, .arity = arity, .join = true});
      EXPECT_EQ(joined->num_ops(), ops);
      int unread = 0;
      for (OpId op = 0; op < ops; ++op) unread += joined->successors(op).empty() ? 1 : 0;
      EXPECT_EQ(unread, 1) << arity << " " << ops;
    }
  }
}

TEST(RnnTest, AStepIsForwardBackwardAndOptimizer) {
  const auto graph = *MakeRnn({.layers = 3, .steps = 5, .hidden = 16, .vocabulary = 20});
  // Six ops a cell, logits and loss a step, the embedding, the sum of the losses.
  EXPECT_EQ(CountPhase(*graph, Phase::kForward), 3 * 5 * 6 + 2 * 5 + 2);
  EXPECT_EQ(CountPhase(*graph, Phase::kOptimizer), 5);
  EXPECT_EQ(graph->parameters().size(), 5u);
  const auto scopes = CountBy(*graph, &Graph::scope);
  for (const char* scope : {"layer0", "layer1", "layer2", "input", "softmax"}) {
    EXPECT_GT(scopes.count(scope), 0u) << scope;
  }
  for (const OpId op : graph->kernel_ops()) {
    if (graph->phase(op) == Phase::kBackward) {
      EXPECT_EQ(graph->scope(op), graph->scope(graph->forward_twin(op))) << graph->Describe(op);
    }
  }
}

TEST(RnnTest, WeightGradientsOfAllStepsAreSummed) {
  const auto graph = *MakeRnn({.layers = 2, .steps = 5, .hidden = 16, .vocabulary = 0});
  int gradients = 0, sums = 0;
  for (const OpId op : graph->kernel_ops()) {
    const std::string_view name = graph->op_name(op);
    gradients += name.ends_with(".weight_grad") ? 1 : 0;
    sums += name.ends_with(".weight_grad_sum") ? 1 : 0;
  }
  EXPECT_EQ(gradients, 2 * 5);
  EXPECT_EQ(sums, 2 * 4);
}

TEST(RnnTest, PartsCanBeLeftOut) {
  const RnnOptions all = {.layers = 2, .steps = 4, .hidden = 16};
  RnnOptions options = all;
  options.grid.backward = false;
  const auto inference = *MakeRnn(options);
  EXPECT_EQ(CountPhase(*inference, Phase::kBackward), 0);
  EXPECT_EQ(CountPhase(*inference, Phase::kOptimizer), 0);
  const OpId weight = inference->parameters()[0];
  EXPECT_EQ(inference->optimizer_copies(inference->first_port(weight)), 0);
  options = all;
  options.grid.parameters = false;
  const auto free = *MakeRnn(options);
  EXPECT_TRUE(free->parameters().empty());
  EXPECT_EQ(CountPhase(*free, Phase::kOptimizer), 0);
  options = all;
  options.grid.weight_gradients = false;
  EXPECT_LT(CountPhase(*MakeRnn(options).value(), Phase::kBackward),
            CountPhase(*MakeRnn(all).value(), Phase::kBackward));
  options = all;
  options.scope_steps = 2;
  EXPECT_GT(CountBy(*MakeRnn(options).value(), &Graph::scope).count("layer1.steps2"), 0u);
}

TEST(RnnTest, WeightsCostTheSameTimeWithAndWithoutParameterOps) {
  RnnOptions options = {.layers = 1, .steps = 1, .grid = {.backward = false}};
  const auto with = *MakeRnn(options);
  options.grid.parameters = false;
  const auto without = *MakeRnn(options);
  EXPECT_EQ(Work(*with), Work(*without));
}

TEST(RnnTest, CostsAreThoseOfTheShapes) {
  const auto graph = *MakeRnn({.layers = 1, .steps = 2, .hidden = 1024});
  const OpId op = FindOp(*graph, "layer0.t1.product");
  EXPECT_EQ(graph->flops(op), 2.0 * 64 * 2048 * 4096);
  EXPECT_EQ(graph->port_bytes(graph->first_port(op)), 4 * 64 * 4096);
  EXPECT_EQ(graph->bytes_read(op), 4 * (2 * 64 * 1024 + 2048 * 4096));
  EXPECT_THAT(graph->dims(graph->first_port(op)), ElementsAre(64, 4096));
}

TEST(GnmtTest, EveryDecoderStepAttendsToTheWholeEncoder) {
  const auto graph = *MakeGnmt({.layers = 2, .encoder_steps = 3, .decoder_steps = 5, .hidden = 16});
  const OpId memory = FindOp(*graph, "attention.memory");
  EXPECT_EQ(graph->operands(memory).size(), 3u);
  int readers = 0;
  for (const OpId reader : graph->successors(memory)) {
    readers += graph->phase(reader) == Phase::kForward ? 1 : 0;
  }
  EXPECT_EQ(readers, 2 * 5);
}

TEST(TransformerXlTest, SegmentsMeetInTheMemoryAndItsGradientOnRequest) {
  TransformerXlOptions options = {.layers = 1, .segments = 2, .heads = 1, .tokens = 4, .width = 8};
  const auto gradient_ports = [&options] {
    const auto graph = *MakeTransformerXl(options);
    return graph->num_ports(FindOp(*graph, "layer0.s1.head0.key.grad"));
  };
  EXPECT_EQ(gradient_ports(), 1);
  options.gradient_to_memory = true;
  EXPECT_EQ(gradient_ports(), 2);
  EXPECT_THAT(FaultOf("txl(width=10,heads=3)"),
              HasSubstr("txl: width 10 is not a multiple of heads 3"));
}

TEST(SyntheticSpecTest, NamesTheFamilyAndTheOption) {
  EXPECT_EQ(FaultOf("layered(ops=0)"), "layered: ops is 0, expected 1 to 2000000");
  EXPECT_EQ(FaultOf("layered(width=-1)"), "layered: width is -1, expected 1 to 2000000");
  EXPECT_EQ(FaultOf("chain(mean_time=0)"), "chain: mean_time is 0, expected 1 to 1000000000");
  EXPECT_EQ(FaultOf("rnn(layers=1000,steps=1000)"),
            "rnn: the number of forward ops is 6002000, expected 1 to 2000000");
  EXPECT_EQ(FaultOf("blocks(blocks=1000,branches=1000,depth=1000)"),
            "blocks: the number of ops is 1000001000, expected 1 to 2000000");
  EXPECT_THAT(FaultOf("star(arity=2)"), HasSubstr("star: unknown key 'arity'"));
  EXPECT_THAT(FaultOf("gnmt(layers=two)"), HasSubstr("gnmt: layers='two' is not a 32-bit"));
  EXPECT_EQ(FaultOf("chain(ccr=-0.5)"), "chain: ccr is -0.5, expected 0 to 10000");
  EXPECT_THAT(FaultOf("chain(bandwidth=0)"), HasSubstr("chain: bandwidth is 0"));
  EXPECT_THAT(SyntheticFromSpec("ring(ops=3)"),
              Fails(absl::StatusCode::kNotFound, "there are blocks, chain"));
  EXPECT_THAT(SyntheticFromSpec("chain(devices=0)"), IsInvalid("devices"));
}

TEST(SyntheticSpecTest, BringsAMachine) {
  const auto imported = SyntheticFromSpec("layered(ops=5,devices=3,bandwidth=2e9,latency=7)");
  ASSERT_OK(imported);
  EXPECT_EQ(imported->machine->num_devices(), 3);
  EXPECT_EQ(imported->machine->route_bandwidth(0, 1), 2e9);
  EXPECT_EQ(imported->machine->route_latency(1, 0), 7);
}

TEST(SyntheticSpecTest, ProgramsTakeASpecOrAFile) {
  EXPECT_EQ(SyntheticOrFile("chain(ops=7)")->graph->num_ops(), 7);
  EXPECT_EQ(SyntheticOrFile("tests/fuzz/corpus/schedule_json/small.json")->graph->num_ops(), 3);
  EXPECT_THAT(SyntheticOrFile("ring(ops=7)"), Fails(absl::StatusCode::kNotFound, "ring"));
  EXPECT_THAT(SyntheticOrFile("none.gopt"), Fails(absl::StatusCode::kNotFound, "none.gopt"));
}

TEST(SyntheticScaleTest, AMillionOpsTakeSeconds) {
  const std::string ops = std::to_string(testing::Scaled(1'000'000));
  for (const std::string family : {"layered", "planted"}) {
    const auto graph = GraphOf(family + "(ops=" + ops + ")");
    ASSERT_NE(graph, nullptr);
    EXPECT_EQ(graph->num_ops(), testing::Scaled(1'000'000));
  }
  const std::string steps = std::to_string(testing::Scaled(8'000));
  const auto rnn = GraphOf("rnn(layers=8,hidden=64,batch=1,vocabulary=0,steps=" + steps + ")");
  ASSERT_NE(rnn, nullptr);
  EXPECT_GT(rnn->num_ops(), testing::Scaled(1'000'000));
}

}  // namespace
}  // namespace gopt
