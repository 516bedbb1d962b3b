#include "src/solve/exact_search.h"

#include <algorithm>
#include <utility>

namespace gopt {
namespace {

constexpr int64_t kNodesBetweenStops = 64;

}  // namespace

ExactSearch::ExactSearch(const ExactInstance& instance, const std::vector<Bits>& interchangeable,
                         const ExactSearchOptions& options, Stop stop)
    : instance_(instance),
      simulation_(instance, interchangeable, /*memory=*/!options.relaxed),
      options_(options),
      stop_(std::move(stop)),
      bound_(instance),
      memo_(instance),
      memory_(instance, options.byte_limit) {}

bool ExactSearch::Run(Nanoseconds limit, const Found& found) {
  memo_.Clear();
  trail_ = {};
  depth_ = 0;
  least_left_ = kSaturated;
  if (path_.empty()) path_.emplace_back();
  path_[0].state = simulation_.Initial();
  if (!Enter(&limit, found)) return true;
  while (depth_ > 0) {
    Node& node = path_[depth_ - 1];
    if (node.next == node.choices.size() || node.bound > limit) {
      Leave();
      continue;
    }
    if (++nodes_ % kNodesBetweenStops == 0 && stop_(nodes_)) {
      for (size_t i = 0; i < depth_; ++i) {
        const Node& open = path_[i];
        if (open.next < open.choices.size()) least_left_ = std::min(least_left_, open.bound);
      }
      return false;
    }
    if (path_.size() == depth_) path_.emplace_back();
    Node& child = path_[depth_];
    child.state = node.state;
    if (!simulation_.Apply(node.choices[node.next++], &child.state, &trail_)) continue;
    Enter(&limit, found);
  }
  return true;
}

// Runs the state behind the path up to its choices and makes it part of the path, unless nothing
// within the limit can become of it.
bool ExactSearch::Enter(Nanoseconds* limit, const Found& found) {
  Node& node = path_[depth_];
  const ExactSimulation::Outcome outcome = simulation_.Run(&node.state, &trail_, &node.choices);
  if (outcome == ExactSimulation::Outcome::kImpossible) return false;
  if (node.state.makespan > *limit) return false;
  if (!options_.relaxed && IsRuledOut(node.state)) return false;
  if (outcome == ExactSimulation::Outcome::kFinished) {
    *limit = found(node.state, trail_);
    return false;
  }
  node.bound = bound_.Of(node.state, *limit);
  if (depth_ > 0) node.bound = std::max(node.bound, path_[depth_ - 1].bound);
  if (node.bound > *limit) return false;
  const bool starts = node.state.stage == ExactState::Stage::kDispatch;
  node.in_memo = options_.memo && starts;
  if (node.in_memo && memo_.Covers(node.state)) return false;
  node.next = 0;
  ++depth_;
  return true;
}

void ExactSearch::Leave() {
  const Node& node = path_[--depth_];
  if (node.in_memo) memo_.Add(node.state);
}

bool ExactSearch::IsRuledOut(const ExactState& state) {
  if (options_.memory && memory_.Overflows(state)) return true;
  trail_.rules.resize(state.num_rules);
  return !trail_.rules.empty() && RanksByRules(instance_.num_tasks, trail_.rules).empty();
}

}  // namespace gopt
