#include "gopt/plan/fusion_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/plan/fusion_rules.h"
#include "gopt/plan/kernel_graph.h"
#include "tests/plan/plan_test_util.h"
#include "tests/testing/fusible_graph.h"
#include "tests/testing/scale.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using Partition = std::vector<std::vector<OpId>>;  // Groups by lowest op.

Problem FusionProblem(std::shared_ptr<const Graph> graph, ProblemOptions options = {},
                      int devices = 2) {
  options.tasks.fusion = true;
  auto problem = Problem::Create(std::move(graph), EqualDevices(devices), std::move(options));
  EXPECT_OK(problem);
  return *std::move(problem);
}

Problem FusionProblem(std::string_view text, ProblemOptions options = {}) {
  return FusionProblem(TextGraph(text), std::move(options));
}

Partition PartitionOf(const Kernels& kernels) {
  Partition partition;
  for (KernelId k = 0; k < kernels.size(); ++k) {
    partition.emplace_back(kernels.ops(k).begin(), kernels.ops(k).end());
  }
  return partition;
}

Partition PartitionOf(const FusionGroups& groups) { return PartitionOf(*groups.MakeKernels()); }

std::shared_ptr<const Kernels> KernelsOf(std::shared_ptr<const Graph> graph,
                                         const Partition& partition) {
  Kernels::Columns columns;
  columns.begin = {0};
  for (const std::vector<OpId>& group : partition) {
    columns.ops.insert(columns.ops.end(), group.begin(), group.end());
    columns.begin.push_back(static_cast<int32_t>(columns.ops.size()));
  }
  auto kernels = Kernels::Create(std::move(graph), std::move(columns));
  EXPECT_OK(kernels);
  return *std::move(kernels);
}

// The rules one by one, at the price of the whole graph.
bool IsLegal(const Problem& problem, const Partition& partition) {
  for (const std::vector<OpId>& group : partition) {
    if (!CheckFusible(problem.graph(), group, problem.fusion_limits()).ok()) return false;
    for (const Constraints::Group& never : problem.constraints().never_fuse) {
      for (const OpId op : never.ops) {
        if (group.size() > 1 && std::count(group.begin(), group.end(), op) > 0) return false;
      }
    }
  }
  return KernelGraph::Create(*KernelsOf(problem.shared_graph(), partition), {}).ok();
}

Partition Union(Partition partition, OpId a, OpId b) {
  const auto find = [&](OpId group) {
    return std::find_if(partition.begin(), partition.end(),
                        [&](const auto& ops) { return ops.front() == group; });
  };
  std::vector<OpId> both = *find(a);
  both.insert(both.end(), find(b)->begin(), find(b)->end());
  std::sort(both.begin(), both.end());
  *find(std::min(a, b)) = both;
  partition.erase(find(std::max(a, b)));
  return partition;
}

// The parts of the ops that tensors connect.
Partition Connected(const Graph& graph, const std::vector<OpId>& ops) {
  Partition parts;
  for (const OpId op : ops) {
    std::vector<OpId> part = {op};
    for (size_t i = parts.size(); i-- > 0;) {
      const bool touches = std::any_of(parts[i].begin(), parts[i].end(), [&](OpId other) {
        const auto operands = graph.operands(op);
        return std::any_of(operands.begin(), operands.end(),
                           [&](PortId port) { return graph.producer(port) == other; });
      });
      if (!touches) continue;
      part.insert(part.end(), parts[i].begin(), parts[i].end());
      parts.erase(parts.begin() + static_cast<ptrdiff_t>(i));
    }
    std::sort(part.begin(), part.end());
    parts.push_back(part);
  }
  return parts;
}

Partition WithPieces(const Graph& graph, Partition partition, OpId group,
                     const std::vector<OpId>& part) {
  const auto whole = std::find_if(partition.begin(), partition.end(),
                                  [&](const auto& ops) { return ops.front() == group; });
  std::vector<OpId> rest;
  std::set_difference(whole->begin(), whole->end(), part.begin(), part.end(),
                      std::back_inserter(rest));
  partition.erase(whole);
  for (const auto& side : {part, rest}) {
    for (const auto& piece : Connected(graph, side)) partition.push_back(piece);
  }
  std::sort(partition.begin(), partition.end());
  return partition;
}

TEST(FusionGroupsTest, BeginAsOneGroupPerOp) {
  const Problem problem = FusionProblem("x:input -> a:add -> b:relu");
  const FusionGroups groups(problem);
  EXPECT_EQ(groups.size(), 2);
  EXPECT_EQ(groups.group(0), kNone);
  EXPECT_EQ(groups.group(1), 1);
  EXPECT_THAT(groups.ops(2), ElementsAre(2));
}

TEST(FusionGroupsTest, AreNamedByTheirLowestOp) {
  const Problem problem = FusionProblem("a:add -> b:relu -> c:mul");
  FusionGroups groups(problem);
  EXPECT_TRUE(groups.Merge(2, 1));
  EXPECT_TRUE(groups.Merge(1, 0));
  EXPECT_THAT(groups.ops(0), ElementsAre(0, 1, 2));
  EXPECT_EQ(groups.group(2), 0);
  EXPECT_EQ(groups.size(), 1);
  EXPECT_TRUE(groups.Detach(0));
  EXPECT_THAT(groups.ops(1), ElementsAre(1, 2));
}

TEST(FusionGroupsTest, APathThroughOthersForbidsAMerge) {
  const Problem problem = FusionProblem("a:add -> b:sort -> c:add; a -> c; d:add => c; a => d");
  FusionGroups groups(problem);
  EXPECT_FALSE(groups.Merge(0, 2));
  EXPECT_FALSE(groups.changed());
}

TEST(FusionGroupsTest, APathOfControlEdgesForbidsAMerge) {
  const Problem problem = FusionProblem("a:add => b:sort => c:add; a -> c");
  FusionGroups groups(problem);
  EXPECT_FALSE(groups.CanMerge(0, 2));
}

TEST(FusionGroupsTest, AMergeThatClosesACycleWithAnotherIsRefused) {
  // {a, d} and {b, c} would wait for each other.
  const Problem problem =
      FusionProblem("a:add -> c:add -> e:add; b:add -> d:add -> e; a -> d; b -> c");
  const Graph& graph = problem.graph();
  const OpId a = OpNamed(graph, "a"), b = OpNamed(graph, "b"), c = OpNamed(graph, "c"),
             d = OpNamed(graph, "d");
  FusionGroups groups(problem);
  EXPECT_TRUE(groups.Merge(a, d));
  EXPECT_FALSE(groups.Merge(b, c));
  groups.Undo();
  EXPECT_TRUE(groups.Merge(b, c));
}

TEST(FusionGroupsTest, ASplitFallsIntoWhatTensorsConnect) {
  const Problem problem = FusionProblem("a:add -> b:relu; a -> c:relu; b -> d:add; c -> d");
  FusionGroups groups(problem);
  for (const OpId op : {1, 2, 3}) ASSERT_TRUE(groups.Merge(0, op));
  groups.Keep();
  EXPECT_TRUE(groups.Detach(0));
  EXPECT_EQ(PartitionOf(groups), (Partition{{0}, {1, 2, 3}}));
  EXPECT_TRUE(groups.Detach(3));
  EXPECT_EQ(PartitionOf(groups), (Partition{{0}, {1}, {2}, {3}}));
  groups.Undo();
  EXPECT_EQ(groups.size(), 1);
}

TEST(FusionGroupsTest, PiecesThatWaitForEachOtherAreNoSplit) {
  // {a, c} would run before and after it.
  const Problem problem = FusionProblem("a:add -> b:relu -> c:add; a -> c");
  FusionGroups groups(problem);
  for (const OpId op : {1, 2}) ASSERT_TRUE(groups.Merge(0, op));
  EXPECT_FALSE(groups.Detach(1));
  EXPECT_TRUE(groups.Detach(2));
}

TEST(FusionGroupsTest, OpsNeverToFuseStayAlone) {
  const Problem problem = FusionProblem(
      "a:add -> b:relu -> c:relu", {.constraints = {.never_fuse = {{.ops = {1}, .reason = ""}}}});
  FusionGroups groups(problem);
  EXPECT_FALSE(groups.Merge(0, 1));
  EXPECT_FALSE(groups.MayShare(1));
}

TEST(FusionGroupsTest, OpsThatShareNoDeviceStayApart) {
  const Problem problem =
      FusionProblem("a:add -> b:relu -> c:relu",
                    {.constraints = {.pins = {{.op = 0, .device = 0, .reason = ""},
                                              {.op = 2, .device = 1, .reason = ""}}}});
  FusionGroups groups(problem);
  EXPECT_TRUE(groups.Merge(0, 1));
  EXPECT_FALSE(groups.Merge(0, 2));
}

TEST(FusionGroupsTest, OpsThatOthersAreColocatedWithKeepTheirDevices) {
  // Both a pinned producer and a pinned consumer in the kernels of the colocated b, c would leave
  // these no device.
  const Problem problem = FusionProblem(
      "a:add -> b:relu; c:add -> d:relu",
      {.constraints = {
           .pins = {{.op = 0, .device = 0, .reason = ""}, {.op = 3, .device = 1, .reason = ""}},
           .colocate = {{.ops = {1, 2}, .reason = ""}}}});
  FusionGroups groups(problem);
  EXPECT_FALSE(groups.Merge(0, 1));
  EXPECT_FALSE(groups.Merge(2, 3));
}

TEST(FusionGroupsTest, OpsToKeepApartStayApart) {
  const Problem problem =
      FusionProblem("a:add -> b:relu -> c:relu",
                    {.constraints = {.keep_apart = {{.ops = {0, 2}, .reason = ""}}}});
  FusionGroups groups(problem);
  EXPECT_TRUE(groups.Merge(0, 1));
  EXPECT_FALSE(groups.Merge(0, 2));
}

TEST(FusionGroupsTest, DevicesGivenKeepGroupsOnOneDevice) {
  const Problem problem = FusionProblem("a:add -> b:relu -> c:relu");
  FusionGroups groups(problem, std::vector<DeviceId>{0, 0, 1});
  EXPECT_TRUE(groups.Merge(0, 1));
  EXPECT_FALSE(groups.Merge(0, 2));
}

TEST(FusionGroupsTest, AClosedPlacementKeepsGroupsOnOneDevice) {
  const auto graph = TextGraph("a:add -> b:relu -> c:relu");
  const auto base = std::make_shared<const Plan>(SingletonPlan(graph, {0, 1, 1}));
  const Problem problem = FusionProblem(graph, {.tasks = {.placement = false}, .base_plan = base});
  FusionGroups groups(problem);
  EXPECT_FALSE(groups.Merge(0, 1));
  EXPECT_TRUE(groups.Merge(1, 2));
}

TEST(FusionGroupsTest, AssignTakesLegalKernelsAndRefusesOthers) {
  const auto graph = TextGraph("a:add -> b:relu -> c:sort -> d:add; b -> d");
  const Problem problem = FusionProblem(graph);
  FusionGroups groups(problem);
  EXPECT_OK(groups.Assign(*KernelsOf(graph, {{3}, {0, 1}, {2}})));
  EXPECT_EQ(PartitionOf(groups), (Partition{{0, 1}, {2}, {3}}));
  EXPECT_FALSE(groups.Merge(0, 3));
  EXPECT_THAT(groups.Assign(*KernelsOf(graph, {{0}, {1, 2}, {3}})),
              IsUnmet("opaque ops run alone"));
  EXPECT_THAT(groups.Assign(*KernelsOf(graph, {{0, 1, 3}, {2}})), IsInvalid("cycle among kernels"));
  EXPECT_EQ(groups.size(), 3);
}

TEST(FusionGroupsTest, SavedBytesAreWhatTheKernelNoLongerMoves) {
  const Problem problem = FusionProblem(
      "a:add[bytes=100] -> b:relu[bytes=100] -> y:output; "
      "a -> c:relu[bytes=100] -> z:output");
  const OpId b = OpNamed(problem.graph(), "b"), c = OpNamed(problem.graph(), "c");
  FusionGroups groups(problem);
  EXPECT_EQ(groups.SavedBytes(0, b), 100);  // b need not read a.
  EXPECT_EQ(groups.SavedBytes(b, c), 0);
  ASSERT_TRUE(groups.Merge(0, b));
  EXPECT_EQ(groups.SavedBytes(0, c), 200);  // c need not read a, and nobody outside reads it.
}

TEST(FusionGroupsTest, NeighboursAreAlongTensors) {
  const Problem problem = FusionProblem("a:add -> b:relu -> c:relu; a => d:add; b -> e:sort");
  const Graph& graph = problem.graph();
  FusionGroups groups(problem);
  ASSERT_TRUE(groups.Merge(OpNamed(graph, "a"), OpNamed(graph, "b")));
  std::vector<OpId> neighbours;
  groups.Neighbours(OpNamed(graph, "a"), &neighbours);
  EXPECT_THAT(neighbours,
              ::testing::UnorderedElementsAre(OpNamed(graph, "c"), OpNamed(graph, "e")));
}

// Random steps, each compared with the rules applied to the whole graph.
class RandomSteps {
 public:
  RandomSteps(const Problem& problem, Random& random)
      : problem_(problem), random_(random), groups_(problem), now_(PartitionOf(groups_)) {
    kept_ = now_;
  }

  void Run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      const double kind = random_.Uniform();
      kind < 0.7 ? Merge() : kind < 0.9 ? Split() : kind < 0.95 ? Keep() : Undo();
      ASSERT_EQ(PartitionOf(groups_), now_);
    }
  }
  int merges() const { return merges_; }
  int splits() const { return splits_; }

 private:
  void Merge() {
    const OpId a = RandomGroup(), b = RandomNeighbour(a);
    if (a == b) return;
    const Partition merged = Union(now_, a, b);
    const bool legal = IsLegal(problem_, merged);
    ASSERT_EQ(groups_.CanMerge(a, b), legal);
    ASSERT_EQ(groups_.Merge(a, b), legal);
    if (legal) now_ = merged;
    merges_ += legal ? 1 : 0;
  }

  void Split() {
    const OpId group = RandomGroup();
    const std::vector<OpId> ops(groups_.ops(group).begin(), groups_.ops(group).end());
    std::vector<OpId> part;
    for (const OpId op : ops) {
      if (random_.Below(2) == 0) part.push_back(op);
    }
    if (part.empty() || part.size() == ops.size()) return;
    const Partition split = WithPieces(problem_.graph(), now_, group, part);
    const bool legal = IsLegal(problem_, split);
    ASSERT_EQ(groups_.Split(group, part), legal);
    if (legal) now_ = split;
    splits_ += legal ? 1 : 0;
  }

  void Keep() {
    groups_.Keep();
    kept_ = now_;
  }
  void Undo() {
    groups_.Undo();
    now_ = kept_;
  }

  OpId RandomGroup() { return now_[random_.Below(static_cast<int64_t>(now_.size()))].front(); }
  OpId RandomNeighbour(OpId group) {
    std::vector<OpId> neighbours;
    groups_.Neighbours(group, &neighbours);
    if (neighbours.empty() || random_.Below(8) == 0) return RandomGroup();
    return neighbours[random_.Below(static_cast<int64_t>(neighbours.size()))];
  }

  const Problem& problem_;
  Random& random_;
  FusionGroups groups_;
  Partition now_, kept_;
  int merges_ = 0, splits_ = 0;
};

TEST(FusionGroupsTest, EveryStepOfRandomOnesAgreesWithTheRules) {
  int merges = 0, splits = 0;
  for (uint64_t seed = 0; seed < testing::Scaled(2'000); ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    ProblemOptions options;
    if (seed % 4 == 0) options.fusion_limits = {.max_ops = 4, .max_operands = 4};
    const auto graph =
        testing::RandomFusibleGraph(random, {.window = 3 + static_cast<int>(seed % 12)});
    if (seed % 5 == 0) {
      const auto ops = graph->kernel_ops();
      options.constraints.never_fuse.push_back(
          {.ops = {ops[random.Below(static_cast<int64_t>(ops.size()))]}, .reason = ""});
    }
    const Problem problem = FusionProblem(graph, options);
    RandomSteps steps(problem, random);
    steps.Run(60);
    if (HasFailure()) break;
    merges += steps.merges();
    splits += steps.splits();
  }
  EXPECT_GT(merges, testing::Scaled(10'000));
  EXPECT_GT(splits, testing::Scaled(1'000));
}

TEST(FusionGroupsTest, ManyStepsOnOneGraphAgreeWithTheRules) {
  for (uint64_t seed = 0; seed < 4; ++seed) {
    Random random(seed);
    const Problem problem =
        FusionProblem(testing::RandomFusibleGraph(random, {.max_ops = 150, .window = 30}));
    RandomSteps(problem, random).Run(testing::Scaled(1'000));
  }
}

}  // namespace
}  // namespace gopt
