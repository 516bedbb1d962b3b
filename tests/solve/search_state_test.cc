#include "src/solve/search_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/plan/validate.h"
#include "src/solve/groups.h"
#include "src/solve/moves.h"
#include "tests/solve/search_fixture.h"

namespace gopt {
namespace {

using SearchStateTest = testing::SearchFixture;

TEST_F(SearchStateTest, MovesAColocationGroupAsOne) {
  ProblemOptions options;
  options.constraints.colocate = {{{0, 2}, "test"}};
  Use("a -> b -> c", options);
  SearchState state = State();
  EXPECT_TRUE(state.MoveTask(0, 1));
  EXPECT_EQ(state.plan().device, (std::vector<DeviceId>{1, 0, 1}));
  state.Undo();
  EXPECT_EQ(state.plan().device, (std::vector<DeviceId>{0, 0, 0}));
}

TEST_F(SearchStateTest, RefusesDevicesThatAreNotAllowed) {
  ProblemOptions options;
  options.constraints.pins = {{1, 0, "test"}};
  Use("a -> b -> c", options);
  SearchState state = State();
  EXPECT_FALSE(state.MoveTask(1, 2));
  EXPECT_FALSE(state.changed());
}

TEST_F(SearchStateTest, RanksFollowPriorities) {
  Use("a; b; c; d");
  SearchState state = State();
  EXPECT_TRUE(state.SetPriority(0, 2.5));
  EXPECT_EQ(state.plan().rank, (std::vector<int32_t>{2, 0, 1, 3}));
  EXPECT_TRUE(state.SetPriority(3, -1.0));
  EXPECT_EQ(state.plan().rank, (std::vector<int32_t>{3, 1, 2, 0}));
  EXPECT_FALSE(state.SetPriority(1, 1.2));
  state.Undo();
  EXPECT_EQ(state.plan().rank, (std::vector<int32_t>{0, 1, 2, 3}));
}

TEST_F(SearchStateTest, ASequenceStaysTopological) {
  Use("a -> b -> c; d");
  SearchState state = State(Dispatch::kSequence);
  EXPECT_FALSE(state.SetPriority(1, 100.0));
  EXPECT_TRUE(ValidatePlan(*problem_, state.plan()).ok());
  EXPECT_TRUE(state.SetPriority(3, -5.0));
  EXPECT_EQ(state.plan().sequence, (std::vector<KernelId>{3, 0, 1, 2}));
  state.Undo();
  EXPECT_EQ(state.plan().sequence, (std::vector<KernelId>{0, 1, 2, 3}));
}

TEST_F(SearchStateTest, AnyMovesAreUndoneAndKeepPlansLegal) {
  std::string text;
  for (int i = 0; i < 60; ++i) {
    const std::string name = "n" + std::to_string(i);
    text += name + "[bytes=" + std::to_string(1 + i % 7) +
            ",scope=" + std::string(i % 2 == 0 ? "left" : "right") + "];";
    if (i > 3) text += "n" + std::to_string(i - 1 - i % 3) + " -> " + name + ";";
  }
  text.pop_back();
  ProblemOptions options;
  options.constraints.allowed = {{{3, 9, 20}, {0, 2}, "test"}};
  options.constraints.colocate = {{{5, 40}, "test"}};
  Use(text, options);
  const std::vector<Grouping> groupings = NeighbourhoodGroups(*tasks_, 1);
  ASSERT_FALSE(groupings.empty());
  for (const Dispatch dispatch : {Dispatch::kPriority, Dispatch::kFifo, Dispatch::kSequence}) {
    Random random(4);
    Moves moves(0.7, &random);
    const std::vector<KernelId> chain = {0, 5, 9, 12};
    moves.SetCriticalChain(chain);
    SearchState state = State(dispatch);
    int changed = 0;
    for (int i = 0; i < 2000; ++i) {
      const Plan before = state.plan();
      const int kind = static_cast<int>(random.Below(5));
      const bool moved = kind == 0   ? moves.MoveOne(&state)
                         : kind == 1 ? moves.MoveTwo(&state)
                         : kind == 2 ? moves.MoveGroup(groupings, &state)
                         : kind == 3 ? moves.SwapGroups(groupings, &state)
                                     : moves.Jitter(&state);
      ASSERT_TRUE(ValidatePlan(*problem_, state.plan()).ok())
          << ValidatePlan(*problem_, state.plan());
      changed += moved;
      if (moved && random.Below(2) == 0) {
        state.Keep();
        continue;
      }
      state.Undo();
      ASSERT_EQ(state.plan().device, before.device);
      ASSERT_EQ(state.plan().rank, before.rank);
      ASSERT_EQ(state.plan().sequence, before.sequence);
    }
    EXPECT_GT(changed, 1000);
  }
}

TEST_F(SearchStateTest, ScopesMakeAGroupingPerDepth) {
  Use("a[scope=enc.0] -> b[scope=enc.0] -> c[scope=enc.1] -> d[scope=enc.1] -> e[scope=dec.0] -> "
      "f[scope=dec.0] -> g");
  const std::vector<Grouping> groupings = ScopeGroups(*tasks_);
  ASSERT_EQ(groupings.size(), 2u);
  EXPECT_EQ(groupings[0].group_of, (std::vector<int32_t>{0, 0, 0, 0, 1, 1, -1}));
  EXPECT_EQ(groupings[1].group_of, (std::vector<int32_t>{0, 0, 1, 1, 2, 2, -1}));
}

TEST_F(SearchStateTest, HeavyEdgesAreContractedFirst) {
  Use("a[bytes=100] -> b[bytes=1] -> c[bytes=100] -> d[bytes=1] -> e[bytes=100] -> f");
  const Grouping grouping = HeavyEdgeClusters(*tasks_, 3);
  EXPECT_EQ(grouping.num_groups(), 3);
  EXPECT_EQ(grouping.group_of[0], grouping.group_of[1]);
  EXPECT_EQ(grouping.group_of[2], grouping.group_of[3]);
  EXPECT_EQ(grouping.group_of[4], grouping.group_of[5]);
}

}  // namespace
}  // namespace gopt
