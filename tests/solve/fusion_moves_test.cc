#include "src/solve/fusion_moves.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gopt/plan/validate.h"
#include "tests/solve/search_fixture.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

// `count` copies of a chain of three elementwise ops that end in one, each with a neighbour's
// value.
std::string Layers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    for (const char* op : {"a", "b", "c"}) {
      const std::string type = *op == 'a' ? "add" : *op == 'b' ? "mul" : "relu";
      text += op + n + ":" + type + "[dims=8x8,bytes=256,flops=64];";
    }
    text += "a" + n + " -> b" + n + " -> c" + n + ";";
    if (i > 0) text += "c" + std::to_string(i - 1) + " -> a" + n + ";";
  }
  text.pop_back();
  return text;
}

class FusionMovesTest : public testing::SearchFixture {
 protected:
  void Use(const std::string& graph, ProblemOptions options = {}) {
    options.tasks.fusion = true;
    SearchFixture::Use(graph, std::move(options), /*devices=*/2);
  }
};

TEST_F(FusionMovesTest, KeepsPlansLegalAndIsUndone) {
  ProblemOptions options;
  options.constraints.colocate = {{{2, 14}, "test"}};
  options.constraints.pins = {{7, 1, "test"}};
  options.constraints.never_fuse = {{{4}, "test"}};
  Use(Layers(8), options);
  for (const Dispatch dispatch : {Dispatch::kPriority, Dispatch::kFifo, Dispatch::kSequence}) {
    Random random(3);
    FusionMoves moves(*problem_, *costs_, 0.7, &random);
    SearchState state = State(dispatch);
    state.MoveTask(7, 1);
    state.Keep();
    int changed = 0;
    for (int i = 0; i < 1000; ++i) {
      const Plan before = state.plan();
      const bool moved = moves.Any({}, &state);
      ASSERT_OK(ValidatePlan(*problem_, state.plan()));
      changed += moved;
      ASSERT_EQ(moved, state.plan().kernels != before.kernels);
      if (moved && random.Below(2) == 0) {
        state.Keep();
        continue;
      }
      state.Undo();
      ASSERT_EQ(state.plan().kernels, before.kernels);
      ASSERT_EQ(state.plan().device, before.device);
      ASSERT_EQ(state.plan().rank, before.rank);
      ASSERT_EQ(state.plan().sequence, before.sequence);
    }
    EXPECT_GT(changed, 300);
  }
}

TEST_F(FusionMovesTest, APatternIsChangedWhereverItOccurs) {
  Use(Layers(20));
  Random random(1);
  FusionMoves moves(*problem_, *costs_, 0.0, &random);
  SearchState state = State();
  int most = 0;
  for (int i = 0; i < 50; ++i) {
    if (moves.Pattern({}, &state)) most = std::max(most, 60 - state.tasks().num_tasks());
    state.Undo();
  }
  EXPECT_GE(most, 19);
}

TEST_F(FusionMovesTest, FollowsAStateThatGoesBackAndForth) {
  Use(Layers(8));
  Random random(1);
  FusionMoves moves(*problem_, *costs_, 0.0, &random);
  SearchState one = State(), other = State();
  for (int i = 0; i < 200; ++i) {
    SearchState& state = random.Below(2) == 0 ? one : other;
    if (moves.Single(&state) && random.Below(2) == 0) state.Keep();
    state.Undo();
    ASSERT_OK(ValidatePlan(*problem_, state.plan()));
  }
  EXPECT_LT(one.tasks().num_tasks(), 24);
  EXPECT_LT(other.tasks().num_tasks(), 24);
}

TEST_F(FusionMovesTest, ClosedPlacementKeepsKernelsOnOneDevice) {
  Use(Layers(6));
  auto base = std::make_shared<Plan>();
  base->kernels = problem_->base_kernels();
  for (KernelId k = 0; k < base->kernels->size(); ++k) {
    base->device.push_back(k % 2);
    base->rank.push_back(k);
  }
  ProblemOptions options;
  options.tasks.placement = false;
  options.base_plan = base;
  Use(Layers(6), options);
  Random random(1);
  FusionMoves moves(*problem_, *costs_, 0.0, &random);
  SearchState state(tasks_, base->device, tasks_->kernel_graph().topological_order);
  for (int i = 0; i < 200; ++i) {
    if (moves.Any({}, &state)) state.Keep();
    const Kernels& kernels = *state.plan().kernels;
    for (KernelId k = 0; k < kernels.size(); ++k) {
      for (const OpId op : kernels.ops(k)) {
        ASSERT_EQ(base->device[base->kernels->kernel_of(op)], state.device(k));
      }
    }
  }
}

}  // namespace
}  // namespace gopt
