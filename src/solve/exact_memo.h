#ifndef GOPT_SRC_SOLVE_EXACT_MEMO_H_
#define GOPT_SRC_SOLVE_EXACT_MEMO_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "gopt/base/types.h"
#include "src/solve/exact_instance.h"
#include "src/solve/exact_state.h"

namespace gopt {

// States that were searched to the end, so that others that cannot become better are left out.
// Memory is not looked at. A state stands for another with the same tasks started, running and
// placed alike if
// - what happens earlier makes nothing later (no contention; or channels that each carry the
//   tensors of one device only, whose sequence is then the order of bookings, and no parameter left
//   to be asked for), and every device, channel and tensor is there no later; or else
// - the two are the same but for a shift in time, and it is not the later one;
// and if it refuses no start that the other allows.
class ExactMemo {
 public:
  explicit ExactMemo(const ExactInstance& instance) : instance_(instance) {}

  void Clear();
  // Whether a state that was added stands for this one.
  bool Covers(const ExactState& state);
  // To be called when all that the state can become has been searched. Does nothing when full.
  void Add(const ExactState& state);

 private:
  bool IsMonotone(const ExactState& state) const;
  void Describe(const ExactState& state);
  void DescribeKey(const ExactState& state, bool monotone);
  void DescribeTimes(const ExactState& state, bool monotone);
  uint64_t HashKey() const;
  bool KeyIs(int64_t entry) const;
  bool NoLarger(const int64_t* values) const;
  bool NoSmaller(const int64_t* values) const;
  bool SubsetsOf(const int64_t* values, bool stored_in_described) const;

  const ExactInstance& instance_;
  std::vector<int64_t> key_, times_, sets_;  // Of the state described last.
  // Entries: next entry of the same hash, lengths of key and times, key, times, sets.
  std::vector<int64_t> arena_;
  absl::flat_hash_map<uint64_t, int64_t> first_;
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_EXACT_MEMO_H_
