#include "src/solve/carry.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "gopt/graph/graph_text.h"
#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

class CarryTest : public ::testing::Test {
 protected:
  void Use(const std::string& graph, const std::vector<std::vector<OpId>>& to,
           ProblemOptions options = {}) {
    problem_ = std::make_unique<Problem>(
        *Problem::Create(*ParseGraph(graph), *UniformMachine({.count = 3}), std::move(options)));
    Kernels::Columns columns = {.begin = {0}};
    for (const std::vector<OpId>& ops : to) {
      columns.ops.insert(columns.ops.end(), ops.begin(), ops.end());
      columns.begin.push_back(static_cast<int32_t>(columns.ops.size()));
    }
    from_ = problem_->base_kernels();
    const RooflineCostModel costs(*problem_);
    tasks_ = *ShareTasks(*problem_, *Kernels::Create(problem_->shared_graph(), columns), costs);
  }

  std::unique_ptr<Problem> problem_;
  std::shared_ptr<const Kernels> from_;
  std::shared_ptr<const TaskGraph> tasks_;
};

TEST_F(CarryTest, AKernelIsWhereItsFirstOpWas) {
  Use("a -> b -> c", {{0, 1}, {2}});
  EXPECT_EQ(CarryDevices(*from_, std::vector<DeviceId>{2, 1, 0}, *tasks_),
            (std::vector<DeviceId>{2, 0}));
}

TEST_F(CarryTest, WhatMustStayTogetherFollowsTheFirst) {
  ProblemOptions options;
  options.constraints.colocate = {{{1, 2}, "test"}};
  options.constraints.allowed = {{{2}, {0, 1}, "test"}};
  Use("a -> b -> c", {{0, 1}, {2}}, options);
  EXPECT_EQ(CarryDevices(*from_, std::vector<DeviceId>{1, 0, 0}, *tasks_),
            (std::vector<DeviceId>{1, 1}));
  EXPECT_EQ(CarryDevices(*from_, std::vector<DeviceId>{2, 0, 0}, *tasks_),
            (std::vector<DeviceId>{0, 0}));
}

TEST_F(CarryTest, AKernelHasTheLowestRankOfItsOps) {
  Use("a -> b -> c; d", {{0, 1}, {2}, {3}});
  EXPECT_EQ(CarryRanks(*from_, std::vector<int32_t>{5, 3, 9, 4}, *tasks_->kernels()),
            (std::vector<int32_t>{3, 9, 4}));
  EXPECT_EQ(CarryOrder(*from_, std::vector<int32_t>{2, 0, 3, 1}, *tasks_->kernels(),
                       tasks_->kernel_graph()),
            (std::vector<KernelId>{0, 2, 1}));
}

TEST_F(CarryTest, ASequenceIsTopologicalAgain) {
  Use("a -> c; b -> c; c -> d", {{0, 2}, {1}, {3}});
  const std::vector<int32_t> position = {0, 1, 2, 3};
  EXPECT_EQ(CarryOrder(*from_, position, *tasks_->kernels(), tasks_->kernel_graph()),
            (std::vector<KernelId>{0, 1, 2}));
  EXPECT_EQ(CarrySequence(*from_, position, *tasks_->kernels(), tasks_->kernel_graph()),
            (std::vector<KernelId>{1, 0, 2}));
}

}  // namespace
}  // namespace gopt
