#ifndef GOPT_SRC_PLAN_GROUP_PIECES_H_
#define GOPT_SRC_PLAN_GROUP_PIECES_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/graph/graph.h"

namespace gopt {

// What a group falls into when some of its ops are taken out: the parts of either side that tensors
// connect, each ascending, in an order in which none waits for a later one. Keeps its buffers.
class GroupPieces {
 public:
  explicit GroupPieces(const Graph& graph) : graph_(graph) {}

  // ops: all of a convex group, ascending. part: some of them, ascending. False if pieces wait for
  // each other; then there are none.
  bool Find(std::span<const OpId> ops, std::span<const OpId> part);
  std::span<const std::vector<OpId>> pieces() const { return {pieces_.data(), num_pieces_}; }

 private:
  int IndexOf(OpId op) const;
  int Root(int i);
  void Connect(std::span<const OpId> part);
  int NumberPieces();
  std::vector<int32_t> Order(int count);

  const Graph& graph_;
  std::span<const OpId> ops_;
  std::vector<uint8_t> in_part_;
  std::vector<int> root_, piece_;  // Per op.
  std::vector<std::pair<int, int>> edges_;
  std::vector<std::vector<OpId>> pieces_;
  size_t num_pieces_ = 0;
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_GROUP_PIECES_H_
