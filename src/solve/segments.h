#ifndef GOPT_SRC_SOLVE_SEGMENTS_H_
#define GOPT_SRC_SOLVE_SEGMENTS_H_

#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// The first `depth` names of a module path.
std::string_view ScopePrefix(std::string_view scope, int depth);

// The layer that a module belongs to: its path up to the first number ("decoder.3" of
// "decoder.3.gates"), or all of it.
GOPT_API std::string_view LayerOfScope(std::string_view scope);

// The forward op of a backward op, kNone: none is known. Tracers give the sums of a gradient that
// arrives on several ways the twin of whatever ran last; an op whose scope is another than its
// twin's has none.
OpId TrustedTwin(const Graph& graph, OpId op);

// Tasks grouped as a person sees the model: in segments, numbered in the order in which the forward
// pass first enters them. Backward ops belong to the segment of their forward op or scope,
// optimizer ops to that of their parameter's first reader, other tasks to that of their neighbours.
class Segments {
 public:
  // trust_twins: twins count for more than scopes, as in version 1 of the portfolio.
  explicit Segments(const TaskGraph& tasks, bool trust_twins = false);

  // Number of names in the longest scope, at most 16; 0: the graph has none.
  int deepest() const { return deepest_; }
  bool is_forward(KernelId task) const;

  // One segment per distinct key of a scope that forward tasks have; ops of an empty key follow
  // their neighbours.
  void Build(const std::function<std::string_view(std::string_view scope)>& key);
  // One segment per scope of this depth; depth 0: one per forward task.
  void BuildDepth(int depth);

  int size() const { return size_; }  // At least 1.
  int32_t of(KernelId task) const { return segment_[task]; }
  // Of each segment that has one.
  const std::vector<std::string_view>& keys() const { return keys_; }

 private:
  OpId Op(KernelId task) const { return tasks_.kernels()->ops(task).front(); }
  const Graph& ops() const { return tasks_.problem().graph(); }

  void Begin();
  void End();
  int32_t CounterpartSegment(KernelId task) const;
  int32_t FirstReaderSegment(KernelId optimizer) const;
  void FollowNeighbours();

  const TaskGraph& tasks_;
  const KernelGraph& graph_;
  const bool trust_twins_;
  bool everything_is_forward_ = false;
  int deepest_ = 0;
  std::vector<int32_t> position_;  // In topological order.
  int size_ = 0;
  std::vector<int32_t> segment_;  // Per task.
  std::vector<std::string_view> keys_;
  std::unordered_map<std::string_view, int32_t> segment_of_key_;
  std::function<std::string_view(std::string_view)> key_;
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_SEGMENTS_H_
