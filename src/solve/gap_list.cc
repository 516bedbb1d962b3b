#include "src/solve/gap_list.h"

#include <algorithm>

namespace gopt {

void GapList::Clear() {
  nodes_.clear();
  root_ = kNone;
  tail_ = 0;
  random_ = 2463534242u;
}

// Xorshift (Marsaglia, 2003).
uint32_t GapList::NextPriority() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  return random_;
}

void GapList::Update(Index index) {
  Node& node = nodes_[index];
  node.longest = std::max({node.end - node.begin, Longest(node.left), Longest(node.right)});
}

Nanoseconds GapList::Find(Nanoseconds ready, Nanoseconds length) const {
  if (ready >= tail_) return ready;
  if (Longest(root_) < length) return tail_;
  // Gaps that end at ready + length or later are a suffix; later_ are the roots of its parts.
  later_.clear();
  const Nanoseconds earliest_end = SaturatingAdd(ready, length);
  for (Index index = root_; index != kNone;) {
    const bool too_early = nodes_[index].end < earliest_end;
    if (!too_early) later_.push_back(index);
    index = too_early ? nodes_[index].right : nodes_[index].left;
  }
  for (; !later_.empty(); later_.pop_back()) {
    const Node& node = nodes_[later_.back()];
    if (node.end - std::max(node.begin, ready) >= length) return std::max(node.begin, ready);
    if (Longest(node.right) >= length) return nodes_[FirstFit(node.right, length)].begin;
  }
  return tail_;
}

GapList::Index GapList::FirstFit(Index index, Nanoseconds length) const {
  while (true) {
    const Node& node = nodes_[index];
    if (Longest(node.left) >= length) {
      index = node.left;
    } else if (node.end - node.begin >= length) {
      return index;
    } else {
      index = node.right;
    }
  }
}

// Ends at the gap with begin <= time < end, if there is one.
void GapList::FindPath(Nanoseconds time) {
  path_.clear();
  for (Index index = root_; index != kNone;) {
    path_.push_back(index);
    const Node& node = nodes_[index];
    if (node.begin <= time && time < node.end) return;
    index = time < node.begin ? node.left : node.right;
  }
}

void GapList::Take(Nanoseconds start, Nanoseconds length) {
  const Nanoseconds end = SaturatingAdd(start, length);
  if (start >= tail_) {
    if (start > tail_) Insert(tail_, start);
    tail_ = end;
    return;
  }
  FindPath(start);
  Node& gap = nodes_[path_.back()];
  if (start < gap.begin || start >= gap.end) return;  // No time at the edge of a busy interval.
  const Nanoseconds gap_end = gap.end;
  if (gap.begin == start) {
    gap.begin = end;
  } else {
    gap.end = start;
  }
  const bool split = gap.end == start && gap_end > end;
  for (size_t i = path_.size(); i-- > 0;) Update(path_[i]);
  if (split) Insert(end, gap_end);
}

// Adds a leaf and rotates it up to its place.
void GapList::Insert(Nanoseconds begin, Nanoseconds end) {
  const Index leaf = static_cast<Index>(nodes_.size());
  nodes_.push_back({begin, end, end - begin, kNone, kNone, NextPriority()});
  path_.clear();
  Index* link = &root_;
  while (*link != kNone) {
    path_.push_back(*link);
    Node& node = nodes_[*link];
    link = begin < node.begin ? &node.left : &node.right;
  }
  *link = leaf;
  size_t depth = path_.size();
  while (depth > 0 && nodes_[path_[depth - 1]].priority < nodes_[leaf].priority) {
    Rotate(--depth, leaf);
  }
  while (depth > 0) Update(path_[--depth]);
}

// Lifts `child` over its parent path_[depth].
void GapList::Rotate(size_t depth, Index child) {
  const Index parent = path_[depth];
  Node& above = nodes_[parent];
  Node& below = nodes_[child];
  if (above.left == child) {
    above.left = below.right;
    below.right = parent;
  } else {
    above.right = below.left;
    below.left = parent;
  }
  Update(parent);
  Update(child);
  if (depth == 0) {
    root_ = child;
  } else {
    Node& top = nodes_[path_[depth - 1]];
    (top.left == parent ? top.left : top.right) = child;
  }
}

}  // namespace gopt
