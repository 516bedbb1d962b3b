#include "src/plan/group_pieces.h"

#include <algorithm>
#include <numeric>

#include "gopt/base/check.h"
#include "src/graph/cycle.h"

namespace gopt {

bool GroupPieces::Find(std::span<const OpId> ops, std::span<const OpId> part) {
  ops_ = ops;
  num_pieces_ = 0;
  Connect(part);
  const int count = NumberPieces();
  const std::vector<int32_t> order = Order(count);
  if (static_cast<int>(order.size()) != count) return false;
  num_pieces_ = order.size();
  pieces_.resize(std::max(pieces_.size(), num_pieces_));
  std::vector<int32_t> place(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = static_cast<int32_t>(i);
    pieces_[i].clear();
  }
  for (size_t i = 0; i < ops_.size(); ++i) pieces_[place[piece_[i]]].push_back(ops_[i]);
  return true;
}

int GroupPieces::IndexOf(OpId op) const {
  const auto it = std::lower_bound(ops_.begin(), ops_.end(), op);
  return it != ops_.end() && *it == op ? static_cast<int>(it - ops_.begin()) : kNone;
}

int GroupPieces::Root(int i) {
  while (root_[i] != i) i = root_[i] = root_[root_[i]];
  return i;
}

// Joins ops of one side along the tensors between them.
void GroupPieces::Connect(std::span<const OpId> part) {
  in_part_.assign(ops_.size(), 0);
  for (const OpId op : part) {
    const int i = IndexOf(op);
    GOPT_CHECK(i != kNone);
    in_part_[i] = 1;
  }
  root_.resize(ops_.size());
  std::iota(root_.begin(), root_.end(), 0);
  for (size_t i = 0; i < ops_.size(); ++i) {
    for (const PortId port : graph_.operands(ops_[i])) {
      const int maker = IndexOf(graph_.producer(port));
      if (maker == kNone || in_part_[maker] != in_part_[i]) continue;
      root_[Root(static_cast<int>(i))] = Root(maker);
    }
  }
}

int GroupPieces::NumberPieces() {
  std::vector<int> number(ops_.size(), kNone);
  piece_.resize(ops_.size());
  int count = 0;
  for (size_t i = 0; i < ops_.size(); ++i) {
    int& piece = number[Root(static_cast<int>(i))];
    if (piece == kNone) piece = count++;
    piece_[i] = piece;
  }
  return count;
}

// The pieces by what waits for what, by data or control; not all of them if there is a cycle.
std::vector<int32_t> GroupPieces::Order(int count) {
  edges_.clear();
  for (size_t i = 0; i < ops_.size(); ++i) {
    for (const OpId before : graph_.predecessors(ops_[i])) {
      const int from = IndexOf(before);
      if (from != kNone && piece_[from] != piece_[i]) edges_.push_back({piece_[from], piece_[i]});
    }
  }
  std::sort(edges_.begin(), edges_.end());
  edges_.erase(std::unique(edges_.begin(), edges_.end()), edges_.end());
  std::vector<int32_t> begin(count + 1, 0), successors;
  for (const auto& [from, to] : edges_) {
    ++begin[from + 1];
    successors.push_back(to);
  }
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  return TopologicalOrder(begin, successors);
}

}  // namespace gopt
