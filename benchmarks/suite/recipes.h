#ifndef GOPT_BENCHMARKS_SUITE_RECIPES_H_
#define GOPT_BENCHMARKS_SUITE_RECIPES_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gopt/base/registry.h"
#include "gopt/solve/solver.h"

namespace gopt::suite {

// What gopt_bench_joint compares: one decision alone, two, the three one after the other, the three
// together. Each recipe is a solver, so that the suite's runner, results and tables serve it as any
// other. A recipe starts from the default plan (the paper's expert placement of kernels fused by
// a heuristic, first in first out) and hands the best plan of each stage to the next as its start
// and as what is closed there. A stage has an equal share of the evaluations that are left.
//
// `default`, `no_fusion`, `fusion_bytes` and `fusion_queue` have no stage: they differ in the
// heuristic that fuses. `fusion`, `placement`, `scheduling`, `fusion_placement`,
// `fusion_scheduling`, `placement_scheduling` and `joint` have one, in which these decisions are
// open; `one_after_the_other` has three, fusion first, and `placement_first` three, placement
// first. Option `solver`: who searches, by its spec (anneal). `start`: none, default, bytes or
// queue.
absl::Status RegisterRecipes(Registry<Solver>* solvers);

// Whether the recipe of this name has a stage in which something is searched.
bool RecipeSearches(std::string_view name);

// Their names, the default first.
std::vector<std::string> RecipeNames();

}  // namespace gopt::suite

#endif  // GOPT_BENCHMARKS_SUITE_RECIPES_H_
