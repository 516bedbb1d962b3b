#include "gopt/solve/expert_paper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/cost/simulator.h"
#include "gopt/machine/presets.h"
#include "gopt/solve/round_robin.h"
#include "gopt/solve/solver.h"
#include "gopt/workloads/stored.h"
#include "src/solve/segments.h"
#include "tests/solve/task_graphs.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using testing::TaskProblem;

constexpr ExpertFamily kRecurrent = ExpertFamily::kRecurrent;
constexpr ExpertFamily kContiguous = ExpertFamily::kContiguous;

// One step of an encoder and a decoder of `layers` layers each, with their gradients' first op.
std::string Translator(int layers) {
  std::string text =
      "we:parameter[bytes=1] -> e[time=1,scope=encoder.embedding];"
      "wa:parameter[bytes=1] -> a[time=1,scope=attention.key];"
      "ws:parameter[bytes=1] -> s[time=1,scope=softmax] -> loss[time=1,scope=loss];";
  std::string last = "e";
  for (const char* stack : {"encoder", "decoder"}) {
    for (int i = 0; i < layers; ++i) {
      const std::string name = absl::StrCat(std::string(stack, 1), i);
      absl::StrAppend(&text, "w", name, ":parameter[bytes=1] -> ", name, "[time=1,scope=", stack,
                      ".", i, ".gates]; ", last, " -> ", name, ";");
      last = name;
    }
  }
  return absl::StrCat(text, "e", layers - 1, " -> a -> d0; ", last,
                      " -> s; loss -> bd[time=1,phase=b,scope=decoder.0.gates];"
                      "wd0, bd -> ud:optimizer[time=1]");
}

TEST(ExpertPaperTest, GivesEachRecurrentLayerADevice) {
  TaskProblem p(Translator(3), 3);
  const std::vector<DeviceId> device = ExpertPaperPlacement(p.tasks, kRecurrent);
  EXPECT_EQ(device[p.Task("e")], 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(device[p.Task(absl::StrCat("e", i))], i);
    EXPECT_EQ(device[p.Task(absl::StrCat("d", i))], i);
  }
  for (const char* name : {"a", "s", "loss"}) EXPECT_EQ(device[p.Task(name)], 2) << name;
  EXPECT_EQ(device[p.Task("bd")], 0);
  EXPECT_EQ(device[p.Task("ud")], 0);
}

TEST(ExpertPaperTest, PutsRunsOfLayersOnFewerDevices) {
  TaskProblem p(Translator(5), 2);
  const std::vector<DeviceId> device = ExpertPaperPlacement(p.tasks, kRecurrent);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(device[p.Task(absl::StrCat("d", i))], i < 3 ? 0 : 1) << i;
}

TEST(ExpertPaperTest, LeavesDevicesEmptyThatHaveNoLayer) {
  TaskProblem p(Translator(2), 4);
  const std::vector<DeviceId> device = ExpertPaperPlacement(p.tasks, kRecurrent);
  EXPECT_EQ(device[p.Task("d1")], 1);
  EXPECT_EQ(device[p.Task("s")], 1);
}

TEST(ExpertPaperTest, CountsModulesNotTime) {
  TaskProblem p(
      "w1:parameter[bytes=1]; w2:parameter[bytes=1]; w3:parameter[bytes=1]; w4:parameter[bytes=1];"
      "w1 -> a:conv[time=90,scope=m1] -> r[time=1,scope=act] -> b:conv[time=1,scope=m2] ->"
      "c:conv[time=1,scope=m3] -> d:conv[time=1,scope=m4]; w2 -> b; w3 -> c; w4 -> d",
      2);
  for (ExpertFamily family : {kContiguous, ExpertFamily::kAuto}) {
    const std::vector<DeviceId> device = ExpertPaperPlacement(p.tasks, family);
    EXPECT_EQ(device[p.Task("a")], 0);
    EXPECT_EQ(device[p.Task("r")], 0);  // Has no parameters: with what it reads.
    EXPECT_EQ(device[p.Task("b")], 0);
    EXPECT_EQ(device[p.Task("c")], 1);
    EXPECT_EQ(device[p.Task("d")], 1);
  }
}

TEST(ExpertPaperTest, CountsOpsWithoutScopes) {
  TaskProblem p("a[time=90] -> b[time=1] -> c[time=1] -> d[time=1]", 2);
  EXPECT_THAT(ExpertPaperPlacement(p.tasks), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(ExpertPaperPlacement(p.tasks, kRecurrent), ElementsAre(0, 0, 1, 1));
}

TEST(ExpertPaperTest, KnowsRecurrentModelsByWeightsUsedAtEveryStep) {
  // Layers of unequal numbers of modules, so that counting them cuts elsewhere.
  TaskProblem p(
      "u:parameter[bytes=1]; v:parameter[bytes=1]; w:parameter[bytes=1];"
      "u -> x1[time=1,scope=layers.0.a], x2[time=1,scope=layers.0.a];"
      "v -> y1[time=1,scope=layers.0.b], y2[time=1,scope=layers.0.b];"
      "w -> z1[time=1,scope=layers.1.c], z2[time=1,scope=layers.1.c];"
      "x1 -> y1 -> z1; x1 -> x2 -> y2 -> z2; y1 -> y2; z1 -> z2",
      2);
  const std::vector<DeviceId> device = ExpertPaperPlacement(p.tasks);
  EXPECT_EQ(device, ExpertPaperPlacement(p.tasks, kRecurrent));
  EXPECT_EQ(device[p.Task("y1")], 0);
  EXPECT_EQ(device[p.Task("z1")], 1);
}

TEST(ExpertPaperTest, ObeysPinsGroupsAndAnEmptyGraph) {
  ProblemOptions options;
  options.constraints.pins = {{0, 1, "camera"}};
  TaskProblem p("a[time=1] -> b[time=1,colocate=1] -> c[time=1] -> d[time=1,colocate=1]", 2,
                options);
  const std::vector<DeviceId> device = ExpertPaperPlacement(p.tasks);
  EXPECT_EQ(device[p.Task("a")], 1);
  EXPECT_EQ(device[p.Task("b")], device[p.Task("d")]);
  TaskProblem empty("x:input", 2);
  EXPECT_TRUE(ExpertPaperPlacement(empty.tasks).empty());
}

// Expert columns of the benchmark suite, p100, milliseconds; each within 15 %.
TEST(ExpertPaperTest, GivesTheStepTimesOfTheSuiteOnStoredGraphs) {
  struct Row {
    const char* name;
    int devices;
    double milliseconds;
  };
  const auto simulator = Simulator::Create().value();
  int found = 0;
  const Row rows[] = {{"rnnlm2", 2, 138},      {"rnnlm4", 4, 140},    {"rnnlm8", 8, 143},
                      {"gnmt2", 2, 317},       {"gnmt4", 4, 307},     {"gnmt8", 8, 310},
                      {"txl2", 2, 270},        {"txl4", 4, 308},      {"txl8", 8, 448},
                      {"inception32", 2, 136}, {"amoebanet", 4, 110}, {"wavenet2", 2, 314},
                      {"wavenet4", 4, 556}};
  for (const Row& row : rows) {
    const auto graph = LoadWorkload(row.name);
    if (!graph.ok()) continue;
    ++found;
    const Machine machine = MachineFromPreset(absl::StrCat("p100x", row.devices)).value();
    const Problem problem = Problem::Create(*graph, machine).value();
    const auto solution = Solvers()
                              .Create("expert_paper(order=critical_path)")
                              .value()
                              ->Solve({.problem = &problem, .backend = simulator.get()});
    ASSERT_OK(solution);
    const double milliseconds = static_cast<double>(solution->report.step_time) / 1e6;
    EXPECT_NEAR(milliseconds / row.milliseconds, 1.0, 0.15) << row.name << ": " << milliseconds;
  }
  if (found == 0) GTEST_SKIP() << "no stored workloads";
}

TEST(SegmentsTest, TakesALayersNameUpToItsNumber) {
  EXPECT_EQ(LayerOfScope("decoder.layers.3.attention.query"), "decoder.layers.3");
  EXPECT_EQ(LayerOfScope("encoder.forwards"), "encoder.forwards");
  EXPECT_EQ(LayerOfScope("layer3.norm"), "layer3.norm");
  EXPECT_EQ(LayerOfScope(""), "");
}

TEST(RoundRobinTest, DealsOutOpsInTopologicalOrder) {
  TaskProblem p("a[time=1] -> b[time=1] -> c[time=1] -> d[time=1]", 3);
  EXPECT_THAT(RoundRobinPlacement(p.tasks), ElementsAre(0, 1, 2, 0));
}

TEST(RoundRobinTest, DealsOutModulesAndLayersWithTheirBackwardOps) {
  TaskProblem p(
      "a[time=1,scope=l.0.x] -> b[time=1,scope=l.0.y] -> c[time=1,scope=l.1.x];"
      "c -> bc[time=1,phase=b,scope=l.1.x] -> bb[time=1,phase=b,scope=l.0.y]",
      3);
  EXPECT_THAT(RoundRobinPlacement(p.tasks, RoundRobinUnit::kScopes), ElementsAre(0, 1, 2, 2, 1));
  EXPECT_THAT(RoundRobinPlacement(p.tasks, RoundRobinUnit::kLayers), ElementsAre(0, 0, 1, 1, 0));
}

TEST(RoundRobinTest, ObeysPins) {
  ProblemOptions options;
  options.constraints.pins = {{0, 2, "camera"}};
  TaskProblem p("a[time=1] -> b[time=1] -> c[time=1]", 3, options);
  EXPECT_EQ(RoundRobinPlacement(p.tasks)[0], 2);
}

}  // namespace
}  // namespace gopt
