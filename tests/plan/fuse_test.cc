#include "gopt/plan/fuse.h"

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
#include "gopt/plan/fusion_groups.h"
#include "gopt/plan/fusion_rules.h"
#include "gopt/plan/kernel_graph.h"
#include "gopt/plan/validate.h"
#include "tests/plan/plan_test_util.h"
#include "tests/testing/fusible_graph.h"
#include "tests/testing/scale.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using Groups = std::vector<std::vector<OpId>>;

constexpr FusionOptions kInto = {.mode = FusionMode::kIntoConsumers};

Problem FusionProblem(std::shared_ptr<const Graph> graph, ProblemOptions options = {}) {
  options.tasks.fusion = true;
  auto problem = Problem::Create(std::move(graph), EqualDevices(2), std::move(options));
  EXPECT_OK(problem);
  return *std::move(problem);
}

Groups GroupsOf(const Kernels& kernels) {
  Groups groups;
  for (KernelId k = 0; k < kernels.size(); ++k) {
    groups.emplace_back(kernels.ops(k).begin(), kernels.ops(k).end());
  }
  return groups;
}

// The kernels' names: "ab c".
std::string Fused(std::string_view text, const std::map<std::string, int>& picks = {},
                  const FusionOptions& options = {}, const ProblemOptions& problem_options = {}) {
  const Problem problem = FusionProblem(TextGraph(text), problem_options);
  std::vector<int32_t> pick;
  if (!picks.empty()) pick.assign(problem.graph().num_ops(), 0);
  for (const auto& [name, value] : picks) pick[OpNamed(problem.graph(), name)] = value;
  const auto kernels = Fuse(problem, pick, options);
  EXPECT_OK(kernels);
  std::string names;
  for (const std::vector<OpId>& ops : GroupsOf(**kernels)) {
    if (!names.empty()) names += " ";
    for (const OpId op : ops) names += problem.graph().op_name(op);
  }
  return names;
}

TEST(FuseTest, TheDefaultTriesOpsInTopologicalOrder) {
  EXPECT_EQ(Fused("a:add -> b:relu -> c:sort -> d:relu -> e:relu"), "ab c de");
}

TEST(FuseTest, AForwardOpTakesTheInputThatSavesMost) {
  EXPECT_EQ(Fused("a:add[bytes=4] -> c:add; b:add[bytes=8] -> c"), "a bc");
  EXPECT_EQ(Fused("a:add[bytes=8] -> c:add; b:add[bytes=8] -> c"), "ac b");
}

TEST(FuseTest, ABackwardOpTriesItsReaders) {
  // c may not fuse with both; a and b are backward and try first.
  EXPECT_EQ(Fused("a:add[phase=b] -> b:add[phase=b] -> c:sort[phase=b]"), "ab c");
  EXPECT_EQ(Fused("a:add -> b:add[phase=b] -> c:add", {{"b", 1}, {"c", -1}}), "a bc");
  EXPECT_EQ(Fused("a:add -> b:add -> c:add", {{"b", 1}, {"c", -1}}), "ab c");
}

TEST(FuseTest, HigherPicksGoFirst) {
  // At most two ops fuse: who is first gets the partner.
  const ProblemOptions two = {.fusion_limits = {.max_ops = 2}};
  EXPECT_EQ(Fused("a:add -> b:add -> c:add", {}, {}, two), "ab c");
  EXPECT_EQ(Fused("a:add -> b:add -> c:add", {{"c", 1}}, {}, two), "a bc");
  EXPECT_EQ(Fused("a:add -> b:add -> c:add", {{"b", -1}, {"c", -1}}, {}, two), "a b c");
}

TEST(FuseTest, PicksOfAnotherSizeAreRefused) {
  const Problem problem = FusionProblem(TextGraph("a:add -> b:add"));
  EXPECT_THAT(Fuse(problem, std::vector<int32_t>{1}), IsInvalid("1 picks for 2 ops"));
  EXPECT_THAT(Fuse(problem, {}, {.device = std::vector<DeviceId>{1, 1, 1}}),
              IsInvalid("3 devices for 2 ops"));
}

TEST(FuseTest, AnOpGoesIntoItsOnlyConsumer) {
  EXPECT_EQ(Fused("a:add -> b:relu", {{"a", 1}}, kInto), "ab");
  EXPECT_EQ(Fused("a:add -> b:relu", {{"b", 1}}, kInto), "a b");
}

TEST(FuseTest, AnOpIsClonedIntoAllItsConsumers) {
  EXPECT_EQ(Fused("a:add -> b:relu; a -> c:relu", {{"a", 1}}, kInto), "ab ac");
  // Through b, which is in the kernels of c and d.
  EXPECT_EQ(Fused("a:add -> b:relu -> c:relu; b -> d:relu", {}, kInto), "abc abd");
}

TEST(FuseTest, OneConsumerThatCannotTakeItKeepsAnOpAlone) {
  EXPECT_EQ(Fused("a:add -> b:relu; a -> c:sort", {}, kInto), "a b c");
}

TEST(FuseTest, AnOutputIsNotCloned) {
  EXPECT_EQ(Fused("a:add -> b:relu; a -> c:relu; a -> y:output", {}, kInto), "a b c");
  EXPECT_EQ(Fused("a:add -> b:relu; a -> y:output", {}, kInto), "ab");
}

TEST(FuseTest, RandomNumbersAreDrawnOnce) {
  const std::string drop = "a:dropout[class=elementwise] -> b:relu";
  EXPECT_EQ(Fused(drop + "; a -> c:relu", {}, kInto), "a b c");
  EXPECT_EQ(Fused(drop, {}, kInto), "ab");
  // What was drawn is only applied here.
  EXPECT_EQ(Fused("a:dropout_backward[class=elementwise] -> b:relu; a -> c:relu", {}, kInto),
            "ab ac");
}

TEST(FuseTest, AnOpThatAnotherKernelWaitsForStaysAlone) {
  // In the kernel of k, a would start after c, which waits for a.
  EXPECT_EQ(Fused("a:add -> k:relu; a => c:add -> k", {{"a", 1}}, kInto), "a c k");
}

TEST(FuseTest, DevicesGivenKeepClonesWithTheirReaders) {
  const Problem problem = FusionProblem(TextGraph("a:add -> b:relu; a -> c:relu"));
  const std::vector<DeviceId> device = {0, 0, 1};
  ASSERT_OK_AND_ASSIGN(const auto kernels,
                       Fuse(problem, {}, {.mode = FusionMode::kIntoConsumers, .device = device}));
  EXPECT_EQ(kernels->size(), 3);
}

// As the header says it, by the rules on whole graphs.
class SlowFuser {
 public:
  explicit SlowFuser(const Problem& problem) : problem_(problem), graph_(problem.graph()) {
    for (const OpId op : graph_.kernel_ops()) groups_.push_back({op});
  }

  Groups ByPriority(const std::vector<int32_t>& picks) {
    std::vector<std::pair<int, OpId>> order;
    for (const OpId op : graph_.kernel_ops()) {
      if (picks[op] >= 0) order.push_back({-picks[op], op});
    }
    std::sort(order.begin(), order.end());
    for (const auto& [pick, op] : order) Try(op);
    std::sort(groups_.begin(), groups_.end());
    return groups_;
  }

  Groups IntoConsumers(const std::vector<int32_t>& picks) {
    for (OpId op = graph_.num_ops() - 1; op >= 0; --op) {
      if (!graph_.in_kernel(op) || picks[op] == 0) continue;
      const Groups before = groups_;
      if (!MoveIntoReaders(op)) groups_ = before;
    }
    for (std::vector<OpId>& ops : groups_) std::sort(ops.begin(), ops.end());
    std::sort(groups_.begin(), groups_.end());
    return groups_;
  }

 private:
  size_t GroupOf(OpId op) const {
    for (size_t i = 0; i < groups_.size(); ++i) {
      if (std::count(groups_[i].begin(), groups_[i].end(), op) > 0) return i;
    }
    return groups_.size();
  }

  std::shared_ptr<const Kernels> Make(Groups groups) const {
    Kernels::Columns columns;
    columns.begin = {0};
    for (std::vector<OpId>& ops : groups) {
      std::sort(ops.begin(), ops.end());
      columns.ops.insert(columns.ops.end(), ops.begin(), ops.end());
      columns.begin.push_back(static_cast<int32_t>(columns.ops.size()));
    }
    auto kernels = Kernels::Create(problem_.shared_graph(), std::move(columns));
    EXPECT_OK(kernels);
    return *std::move(kernels);
  }

  bool Legal(const Groups& groups) const {
    const auto kernels = Make(groups);
    for (KernelId k = 0; k < kernels->size(); ++k) {
      if (!CheckFusible(graph_, kernels->ops(k), problem_.fusion_limits()).ok()) return false;
    }
    return KernelGraph::Create(*kernels, std::vector<DeviceId>(kernels->size(), 0)).ok();
  }

  void Try(OpId op) {
    std::vector<OpId> neighbours;
    if (graph_.phase(op) == Phase::kBackward) {
      for (int i = 0; i < graph_.num_ports(op); ++i) {
        for (const OpId reader : graph_.readers(graph_.first_port(op) + i)) {
          neighbours.push_back(reader);
        }
      }
    } else {
      for (const PortId port : graph_.operands(op)) neighbours.push_back(graph_.producer(port));
    }
    std::set<std::pair<int64_t, OpId>> candidates;  // Minus the bytes saved, op.
    for (const OpId neighbour : neighbours) {
      if (!graph_.in_kernel(neighbour) || GroupOf(neighbour) == GroupOf(op)) continue;
      candidates.insert({-Saved(op, neighbour), neighbour});
    }
    for (const auto& [saved, neighbour] : candidates) {
      Groups merged = groups_;
      std::vector<OpId>& own = merged[GroupOf(op)];
      std::vector<OpId>& other = merged[GroupOf(neighbour)];
      own.insert(own.end(), other.begin(), other.end());
      other.clear();
      std::erase_if(merged, [](const auto& ops) { return ops.empty(); });
      if (!Legal(merged)) continue;
      for (std::vector<OpId>& ops : merged) std::sort(ops.begin(), ops.end());
      groups_ = merged;
      return;
    }
  }

  int64_t Saved(OpId a, OpId b) const {
    FusionGroups groups(problem_);
    EXPECT_OK(groups.Assign(*Make(groups_)));
    return groups.SavedBytes(groups.group(a), groups.group(b));
  }

  bool MoveIntoReaders(OpId op) {
    const size_t own = GroupOf(op);
    std::vector<size_t> readers;
    for (size_t i = 0; i < groups_.size(); ++i) {
      bool reads = false, waits = false;
      for (const OpId other : groups_[i]) {
        for (const PortId port : graph_.operands(other)) reads |= graph_.producer(port) == op;
        for (const OpId source : graph_.controls(other)) waits |= source == op;
      }
      if (waits && !reads) return false;
      if (reads) readers.push_back(i);
    }
    if (readers.empty()) return false;
    for (int i = 0; i < graph_.num_ports(op); ++i) {
      if (graph_.is_output(graph_.first_port(op) + i) && readers.size() > 1) return false;
    }
    for (const size_t reader : readers) groups_[reader].push_back(op);
    groups_.erase(groups_.begin() + static_cast<ptrdiff_t>(own));
    return Legal(groups_);
  }

  const Problem& problem_;
  const Graph& graph_;
  Groups groups_;
};

std::vector<int32_t> RandomPicks(Random& random, int num_ops, int levels) {
  std::vector<int32_t> picks;
  for (int i = 0; i < num_ops; ++i) {
    picks.push_back(static_cast<int32_t>(random.Below(levels + 1)) - 1);
  }
  return picks;
}

TEST(FuseTest, BothModesAgreeWithTheSlowFuser) {
  int fused = 0, cloned = 0;
  for (uint64_t seed = 0; seed < testing::Scaled(2'000); ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Problem problem = FusionProblem(testing::RandomFusibleGraph(random));
    const int n = problem.graph().num_ops();
    const auto picks = RandomPicks(random, n, 1 + static_cast<int>(seed % 5));
    ASSERT_OK_AND_ASSIGN(const auto by_priority, Fuse(problem, picks));
    ASSERT_EQ(GroupsOf(*by_priority), SlowFuser(problem).ByPriority(picks));
    ASSERT_OK_AND_ASSIGN(const auto into, Fuse(problem, picks, kInto));
    ASSERT_EQ(GroupsOf(*into), SlowFuser(problem).IntoConsumers(picks));
    fused += static_cast<int>(problem.graph().kernel_ops().size()) - by_priority->size();
    cloned += into->has_clones() ? 1 : 0;
  }
  EXPECT_GT(fused, testing::Scaled(5'000));
  EXPECT_GT(cloned, testing::Scaled(500));
}

TEST(FuseTest, EqualPicksAreTheDefault) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    const Problem problem = FusionProblem(testing::RandomFusibleGraph(random, {.max_ops = 100}));
    ASSERT_OK_AND_ASSIGN(const auto usual, Fuse(problem, {}));
    for (const int32_t pick : {0, 7}) {
      const std::vector<int32_t> picks(problem.graph().num_ops(), pick);
      ASSERT_OK_AND_ASSIGN(const auto equal, Fuse(problem, picks));
      EXPECT_EQ(GroupsOf(*equal), GroupsOf(*usual));
    }
  }
}

TEST(FuseTest, OnlyTheOrderOfPicksMatters) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    const Problem problem = FusionProblem(testing::RandomFusibleGraph(random, {.max_ops = 100}));
    std::vector<int32_t> picks = RandomPicks(random, problem.graph().num_ops(), 3);
    ASSERT_OK_AND_ASSIGN(const auto few, Fuse(problem, picks));
    for (int32_t& pick : picks) pick = pick < 0 ? -9 : pick * pick + 5;
    ASSERT_OK_AND_ASSIGN(const auto same, Fuse(problem, picks));
    EXPECT_EQ(GroupsOf(*few), GroupsOf(*same));
  }
}

}  // namespace
}  // namespace gopt
