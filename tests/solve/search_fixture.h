#ifndef TESTS_SOLVE_SEARCH_FIXTURE_H_
#define TESTS_SOLVE_SEARCH_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gopt/graph/graph_text.h"
#include "src/solve/search_state.h"
#include "src/solve/start_tasks.h"

namespace gopt::testing {

// A problem in one line, and the state in which all its ops are on device 0 in program order.
class SearchFixture : public ::testing::Test {
 protected:
  void Use(const std::string& graph, ProblemOptions options = {}, int devices = 3) {
    problem_ = std::make_unique<Problem>(*Problem::Create(
        *ParseGraph(graph), *UniformMachine({.count = devices}), std::move(options)));
    costs_ = std::make_unique<RooflineCostModel>(*problem_);
    tasks_ = *ShareTasks(*problem_, problem_->base_kernels(), *costs_);
  }

  SearchState State(Dispatch dispatch = Dispatch::kPriority) const {
    return SearchState(tasks_, std::vector<DeviceId>(tasks_->num_tasks(), 0),
                       tasks_->kernel_graph().topological_order, dispatch);
  }

  std::unique_ptr<Problem> problem_;
  std::unique_ptr<RooflineCostModel> costs_;
  std::shared_ptr<const TaskGraph> tasks_;
};

}  // namespace gopt::testing

#endif  // TESTS_SOLVE_SEARCH_FIXTURE_H_
