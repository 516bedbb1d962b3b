#include "gopt/plan/kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "tests/plan/plan_test_util.h"

namespace gopt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(KernelsTest, SingletonsHoldOneKernelOpEach) {
  const auto graph = TextGraph("x:input -> a -> b -> y:output; w:parameter -> b; c:collective");
  const auto kernels = Kernels::Singletons(graph);
  ASSERT_EQ(kernels->size(), 3);
  EXPECT_EQ(KernelOf(*kernels, "a"), 0);
  EXPECT_EQ(KernelOf(*kernels, "x"), kNone);
  EXPECT_EQ(KernelOf(*kernels, "w"), kNone);
  EXPECT_THAT(kernels->kernels_of(OpNamed(*graph, "y")), IsEmpty());
  EXPECT_THAT(kernels->ops(KernelOf(*kernels, "c")), ElementsAre(OpNamed(*graph, "c")));
  EXPECT_FALSE(kernels->has_clones());
}

TEST(KernelsTest, AnOpInSeveralKernelsIsACloneWithItsLowestKernelFirst) {
  const auto graph = TextGraph("a -> b, c");
  ASSERT_OK_AND_ASSIGN(const auto kernels, MakeKernels(graph, {{"a", "b"}, {"a", "c"}}));
  EXPECT_TRUE(kernels->has_clones());
  EXPECT_THAT(kernels->kernels_of(0), ElementsAre(0, 1));
  EXPECT_EQ(kernels->kernel_of(0), 0);
}

TEST(KernelsTest, CopiesDependOnDevicesWhereAReaderHasSeveralToChooseFrom) {
  const auto graph = TextGraph("a -> b, c, d");
  const auto depends = [&](const std::vector<std::vector<std::string>>& groups) {
    return (*MakeKernels(graph, groups))->copies_depend_on_device();
  };
  EXPECT_FALSE(depends({{"a"}, {"b"}, {"c"}, {"d"}}));
  EXPECT_FALSE(depends({{"a", "b"}, {"a", "c"}, {"a", "d"}}));
  EXPECT_TRUE(depends({{"a", "b"}, {"a", "c"}, {"d"}}));
  EXPECT_TRUE(depends({{"a"}, {"b"}, {"a"}, {"c"}, {"d"}}));
}

TEST(KernelsTest, ARecomputedOpWithOneCopyOfEachKindDoesNotDependOnDevices) {
  const auto graph = TextGraph("f -> h; f -> g[phase=b]; f => k[phase=b]");
  Kernels::Columns columns = {.begin = {0, 1, 2, 3, 4, 5},
                              .ops = {0, 1, 2, 3, 0},
                              .recompute = {0, 0, 0, 0, 1},
                              .recomputed_ops = {0}};
  EXPECT_FALSE((*Kernels::Create(graph, columns))->copies_depend_on_device());
  columns.recomputed_ops.clear();
  EXPECT_TRUE((*Kernels::Create(graph, columns))->copies_depend_on_device());
}

TEST(KernelsTest, ABackwardOpOrTheMarkMakesAKernelBackward) {
  const auto graph = TextGraph("a -> b[phase=b]; a -> c");
  ASSERT_OK_AND_ASSIGN(const auto kernels, Kernels::Create(graph, {.begin = {0, 1, 2, 3},
                                                                   .ops = {0, 1, 2},
                                                                   .recompute = {1, 0, 0},
                                                                   .recomputed_ops = {0}}));
  EXPECT_TRUE(kernels->is_backward(0));
  EXPECT_TRUE(kernels->is_backward(1));
  EXPECT_FALSE(kernels->is_backward(2));
  EXPECT_TRUE(kernels->is_recomputed(0));
  EXPECT_FALSE(kernels->is_recomputed(1));
}

TEST(KernelsTest, EmptyGraphHasNoKernels) {
  const auto graph = TextGraph("");
  EXPECT_EQ(Kernels::Singletons(graph)->size(), 0);
  EXPECT_OK(
      Kernels::Create(graph, {.begin = {0}, .ops = {}, .recompute = {}, .recomputed_ops = {}}));
}

struct Bad {
  std::vector<int32_t> begin;
  std::vector<OpId> ops;
  std::vector<uint8_t> recompute;
  std::vector<OpId> recomputed_ops;
  std::string message;
};

TEST(KernelsTest, RejectsColumnsThatAreNoKernels) {
  const auto graph = TextGraph("x:input -> a -> b -> y:output");
  const OpId x = OpNamed(*graph, "x"), a = OpNamed(*graph, "a"), b = OpNamed(*graph, "b");
  const std::vector<Bad> bad = {
      {{}, {}, {}, {}, "begin"},
      {{0, 1}, {a, b}, {}, {}, "begin"},
      {{1, 2}, {a, b}, {}, {}, "begin"},
      {{0, 3, 2}, {a, b}, {}, {}, "kernel 1: holds no op"},
      {{0, 0, 2}, {a, b}, {}, {}, "kernel 0: holds no op"},
      {{0, 1}, {a}, {}, {}, "op 2 'b' is in no kernel"},
      {{0, 2}, {b, a}, {}, {}, "kernel 0: op 1 'a' is out of ascending order"},
      {{0, 3}, {a, b, b}, {}, {}, "op 2 'b' is out of ascending order"},
      {{0, 3}, {x, a, b}, {}, {}, "op 0 'x' is of kind input"},
      {{0, 3}, {a, b, 99}, {}, {}, "op 99 does not exist"},
      {{0, 3}, {-1, a, b}, {}, {}, "op -1 does not exist"},
      {{0, 1, 2}, {a, b}, {1}, {}, "recompute has 1 entries for 2 kernels"},
      {{0, 1, 2}, {a, b}, {}, {a}, "op 1 'a' is recomputed but has no copy in a backward kernel"},
      {{0, 1, 2}, {a, b}, {1, 1}, {b, a}, "recomputed op 1 'a' is out of ascending order"},
      {{0, 1, 2}, {a, b}, {1, 1}, {x}, "recomputed op 0"},
      {{0, 1, 2}, {a, b}, {1, 1}, {77}, "recomputed op 77"},
  };
  for (const Bad& columns : bad) {
    EXPECT_THAT(Kernels::Create(
                    graph, {columns.begin, columns.ops, columns.recompute, columns.recomputed_ops}),
                IsInvalid(columns.message));
  }
  EXPECT_THAT(Kernels::Create(nullptr, {}), IsInvalid("graph is missing"));
}

}  // namespace
}  // namespace gopt
