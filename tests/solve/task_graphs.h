#ifndef TESTS_SOLVE_TASK_GRAPHS_H_
#define TESTS_SOLVE_TASK_GRAPHS_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "gopt/cost/op_cost_model.h"
#include "gopt/machine/machine.h"
#include "gopt/plan/problem.h"
#include "gopt/solve/task_graph.h"

namespace gopt::testing {

// A task graph and what it refers to. Any failure on the way aborts the test program.
struct TaskProblem {
  Problem problem;
  RooflineCostModel costs;
  TaskGraph tasks;

  TaskProblem(std::shared_ptr<const Graph> graph, const Machine& machine,
              ProblemOptions options = {});
  // From the one-line form, on `devices` equal devices of 1e9 bytes/s: a byte takes a nanosecond.
  TaskProblem(std::string_view text, int devices, ProblemOptions options = {});

  OpId Op(std::string_view name) const;
  // The task that holds the op.
  KernelId Task(std::string_view name) const;
};

Machine EqualDevices(int devices);

// The ten tasks of Topcuoglu, Hariri, Wu (IEEE TPDS 13(3), 2002), figure 2, one port per edge, and
// three devices of three kinds: 1e9 bytes/s, no latency.
std::shared_ptr<const Graph> TopcuogluGraph();
Machine TopcuogluMachine();

// The ten tasks of Arabnejad, Barbosa (IEEE TPDS 25(3), 2014), figure 2, one port per edge, for
// TopcuogluMachine().
std::shared_ptr<const Graph> PeftGraph();

// A layered graph with tensors of mixed sizes, the same for the same seed: `width` ops a layer,
// each reading one to three ops of the layers before.
std::shared_ptr<const Graph> LayeredGraph(int ops, int width, uint64_t seed);

}  // namespace gopt::testing

#endif  // TESTS_SOLVE_TASK_GRAPHS_H_
