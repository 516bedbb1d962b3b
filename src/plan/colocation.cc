#include "src/plan/colocation.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/plan/describe.h"

namespace gopt {
namespace {

OpId Find(std::vector<OpId>* parent, OpId op) {
  while ((*parent)[op] != op) {
    (*parent)[op] = (*parent)[(*parent)[op]];
    op = (*parent)[op];
  }
  return op;
}

// The lower op becomes the root, so the result does not depend on the order of rules.
void Join(std::vector<OpId>* parent, OpId a, OpId b) {
  a = Find(parent, a);
  b = Find(parent, b);
  if (a > b) std::swap(a, b);
  (*parent)[b] = a;
}

}  // namespace

Colocation::Colocation(const Graph& graph, const Constraints& constraints)
    : graph_(graph), constraints_(constraints) {
  AddGraphGroups();
  AddOptimizerOps();
  for (size_t i = 0; i < constraints.colocate.size(); ++i) {
    rules_.push_back(
        {Rule::Origin::kConstraint, static_cast<int32_t>(i), constraints.colocate[i].ops});
  }
  Close();
}

void Colocation::AddGraphGroups() {
  std::vector<std::pair<int32_t, OpId>> members;
  for (OpId op = 0; op < graph_.num_ops(); ++op) {
    if (graph_.colocation(op) != kNone && LivesOnDevice(graph_, op)) {
      members.push_back({graph_.colocation(op), op});
    }
  }
  std::sort(members.begin(), members.end());
  for (size_t i = 0; i < members.size(); ++i) {
    if (i == 0 || members[i].first != members[i - 1].first) {
      rules_.push_back({Rule::Origin::kGraph, members[i].first, {}});
    }
    rules_.back().ops.push_back(members[i].second);
  }
}

void Colocation::AddOptimizerOps() {
  const std::span<const OpId> parameters = graph_.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const OpId optimizer = graph_.optimizer_op(static_cast<int>(i));
    if (optimizer == kNone) continue;
    rules_.push_back({Rule::Origin::kOptimizer, parameters[i], {parameters[i], optimizer}});
  }
}

void Colocation::Close() {
  root_.resize(graph_.num_ops());
  std::iota(root_.begin(), root_.end(), 0);
  for (const Rule& rule : rules_) {
    for (const OpId op : rule.ops) Join(&root_, rule.ops.front(), op);
  }
  group_.assign(graph_.num_ops(), kNone);
  for (OpId op = 0; op < graph_.num_ops(); ++op) {
    root_[op] = Find(&root_, op);
    if (root_[op] == op) continue;
    if (group_[root_[op]] == kNone) group_[root_[op]] = 0;  // Has company; numbered below.
  }
  for (OpId op = 0; op < graph_.num_ops(); ++op) {
    if (root_[op] != op) {
      group_[op] = group_[root_[op]];
    } else if (group_[op] != kNone) {
      group_[op] = num_groups_++;
    }
  }
}

std::string Colocation::Describe(const Rule& rule) const {
  switch (rule.origin) {
    case Rule::Origin::kGraph:
      return absl::StrCat("the graph's colocation group ", rule.index);
    case Rule::Origin::kOptimizer:
      return absl::StrCat("the optimizer op of ", graph_.Describe(rule.index),
                          " runs at its parameter's home");
    case Rule::Origin::kConstraint:
      break;
  }
  return absl::StrCat("colocate rule ", rule.index,
                      WithReason(constraints_.colocate[rule.index].reason));
}

std::vector<std::string> Colocation::Why(OpId a, OpId b) const {
  std::vector<std::vector<int32_t>> rules_of(graph_.num_ops());
  for (size_t r = 0; r < rules_.size(); ++r) {
    for (const OpId op : rules_[r].ops) rules_of[op].push_back(static_cast<int32_t>(r));
  }
  std::vector<int32_t> rule_before(graph_.num_ops(), kNone);
  std::vector<OpId> op_before(graph_.num_ops(), kNone);
  std::vector<uint8_t> rule_seen(rules_.size(), 0);
  std::vector<OpId> queue = {a};
  for (size_t i = 0; i < queue.size() && rule_before[b] == kNone; ++i) {
    for (const int32_t r : rules_of[queue[i]]) {
      if (std::exchange(rule_seen[r], uint8_t{1}) != 0) continue;
      for (const OpId op : rules_[r].ops) {
        if (op == a || rule_before[op] != kNone) continue;
        rule_before[op] = r;
        op_before[op] = queue[i];
        queue.push_back(op);
      }
    }
  }
  std::vector<std::string> chain;
  for (OpId op = b; op != a && op != kNone; op = op_before[op]) {
    if (rule_before[op] != kNone) chain.push_back(Describe(rules_[rule_before[op]]));
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

}  // namespace gopt
