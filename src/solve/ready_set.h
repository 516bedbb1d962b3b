#ifndef GOPT_SRC_SOLVE_READY_SET_H_
#define GOPT_SRC_SOLVE_READY_SET_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gopt {

// A set of integers below a capacity with the smallest at hand: a tree of 64-way bitsets, three
// words deep for 262,144. Insert and PopMin touch one word per level.
class ReadySet {
 public:
  // Empty, for integers in [0, capacity). Keeps buffers.
  void Reset(size_t capacity) {
    levels_.clear();
    size_t words = (capacity + 63) / 64;
    if (words == 0) words = 1;
    size_t total = 0;
    while (true) {
      levels_.push_back(total);
      total += words;
      if (words == 1) break;
      words = (words + 63) / 64;
    }
    words_.assign(total, 0);
  }

  bool empty() const { return words_[levels_.back()] == 0; }

  void Insert(int32_t value) {
    auto index = static_cast<size_t>(value);
    for (size_t level : levels_) {
      uint64_t& word = words_[level + (index >> 6)];
      const bool known = word != 0;
      word |= uint64_t{1} << (index & 63);
      if (known) return;  // The levels above have it.
      index >>= 6;
    }
  }

  // The smallest; the set must not be empty.
  int32_t Min() const {
    size_t index = 0;
    for (size_t i = levels_.size(); i-- > 0;) {
      index = (index << 6) | static_cast<size_t>(std::countr_zero(words_[levels_[i] + index]));
    }
    return static_cast<int32_t>(index);
  }

  // Removes and returns the smallest; the set must not be empty.
  int32_t PopMin() {
    const int32_t value = Min();
    auto index = static_cast<size_t>(value);
    for (size_t level : levels_) {
      uint64_t& word = words_[level + (index >> 6)];
      word &= ~(uint64_t{1} << (index & 63));
      if (word != 0) break;
      index >>= 6;
    }
    return value;
  }

 private:
  std::vector<uint64_t> words_;
  std::vector<size_t> levels_;  // First word of each level, leaves first.
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_READY_SET_H_
