#ifndef GOPT_SRC_PLAN_COLOCATION_H_
#define GOPT_SRC_PLAN_COLOCATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/graph/graph.h"
#include "gopt/plan/constraints.h"

namespace gopt {

// Ops that must share a device, closed transitively over the graph's colocation groups, each
// parameter and its optimizer op, and the constraints' colocate rules. Ops that live nowhere
// (inputs, constants, outputs) are left out.
class Colocation {
 public:
  // Both arguments must outlive this; the constraints name existing ops.
  Colocation(const Graph& graph, const Constraints& constraints);

  // The lowest op that shares a device with this one (itself when alone).
  OpId Root(OpId op) const { return root_[op]; }
  // Dense ids by lowest op; -1 for ops that are alone.
  const std::vector<int32_t>& group() const { return group_; }
  int num_groups() const { return num_groups_; }

  // Why two ops share a device: a shortest chain of rules, each as text. They must share a root.
  std::vector<std::string> Why(OpId a, OpId b) const;

 private:
  struct Rule {
    enum class Origin : uint8_t { kGraph, kOptimizer, kConstraint };
    Origin origin;
    int32_t index;  // Colocation id, parameter op, or position among the colocate rules.
    std::vector<OpId> ops;
  };

  void AddGraphGroups();
  void AddOptimizerOps();
  void Close();
  std::string Describe(const Rule& rule) const;

  const Graph& graph_;
  const Constraints& constraints_;
  std::vector<Rule> rules_;
  std::vector<OpId> root_;
  std::vector<int32_t> group_;
  int num_groups_ = 0;
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_COLOCATION_H_
