#ifndef GOPT_SRC_SOLVE_PEAK_STATE_H_
#define GOPT_SRC_SOLVE_PEAK_STATE_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "src/solve/peak_instance.h"

namespace gopt {

// A set of finished items that holds the predecessors of each, and what is alive then. Items are
// done one by one, and undone in the reverse order; both cost what they change.
//
// Forced items. Let live(S) be the bytes alive after the set S, and let D be a set of items that
// can be done next, within the budget, such that live(S + D) <= live(S + D') for every D' in D that
// can be done on its own, the empty one included. Then if S can be finished within the budget, it
// can be by doing D first. Proof: a tensor is alive if any of its takers and not all of its givers
// are in the set: the first is submodular, and so is the second, hence live. Take the order that
// finishes S, and move D to its front. Before the rest of it, P, S + P becomes S + P + D, and
//   live(S + P + D) <= live(S + P) + live(S + D) - live(S + (P and D)) <= live(S + P);
// what an item takes at its start can only become less. So nothing exceeds the budget that did not.
//
// ForceWithin looks for such D among single items (that give back at least what they take), and
// among an item and those that it makes ready: by turns one item that takes, the only one that is
// ready by then, and all that give back, until no more is alive than before. Any D' in such a D
// holds the items that take up to some turn, and of those that give back only some, so the
// condition holds by submodularity once more.
class GOPT_API PeakState {
 public:
  explicit PeakState(const PeakInstance& instance);

  const PeakInstance& instance() const { return instance_; }
  int64_t live() const { return live_; }
  bool complete() const { return static_cast<int>(order_.size()) == instance_.num_items(); }
  std::span<const int32_t> order() const { return order_; }  // Items done, first to last.
  std::span<const int32_t> ready() const { return ready_; }  // Can be done next; in no order.
  // Of the set, not of its order. 128 bits: equal ones are taken to be equal sets.
  std::pair<uint64_t, uint64_t> hash() const { return hash_; }

  // For an item that is ready: what is alive while it runs (no more than base_bytes if it takes no
  // time), and what it adds to the live bytes.
  int64_t RunBytes(int32_t item) const {
    return instance_.takes_time[item] == 0 ? instance_.base_bytes
                                           : live_ + start_[item] + instance_.run_bytes[item];
  }
  int64_t NetBytes(int32_t item) const { return start_[item] - give_[item]; }

  void Do(int32_t item);
  void UndoTo(size_t length);  // Until so many items are done.
  // Does forced items while there are any, none of which exceeds the budget.
  void ForceWithin(int64_t budget);

  // Do and undo calls so far.
  int64_t steps() const { return steps_; }

 private:
  static constexpr int kMostTried = 64;  // Ready items that are tried for a longer D, newest first;
  static constexpr size_t kMostLong = 512;  // and the items of a D.

  void Undo(int32_t item);
  void Take(int32_t tensor, int32_t by, int sign);
  void GiveOne(int32_t tensor, int32_t item);
  void UngiveOne(int32_t tensor, int32_t item);
  void AddReady(int32_t item);
  void RemoveReady(int32_t item);
  void Refresh(int32_t item);  // Whether it is among the ready that give back.
  bool ForceSingle(int64_t budget);
  bool ForceFrom(int32_t item, int64_t budget);
  bool GiveBackAmong(std::vector<int32_t>* open, int64_t budget, int64_t until);
  void DoAndOpen(int32_t item, std::vector<int32_t>* open);

  const PeakInstance& instance_;
  int64_t live_ = 0;
  int64_t steps_ = 0;
  std::pair<uint64_t, uint64_t> hash_ = {0, 0};
  std::vector<int32_t> order_, ready_, giving_, open_;
  std::vector<int32_t> ready_at_, giving_at_;  // Per item: where in ready_, giving_; or kNone.
  std::vector<int32_t> waiting_;               // Per item: predecessors that are not done.
  std::vector<int64_t> start_;                 // Per item: bytes of tensors it would take,
  std::vector<int64_t> give_;                  // and give back.
  std::vector<int32_t> taken_;                 // Per tensor: takers done.
  std::vector<int32_t> left_;                  // Per tensor: givers not done, and the exclusive or
  std::vector<int32_t> last_;                  // of them: the last one when one is left.
  std::vector<std::pair<uint64_t, uint64_t>> key_;
};

// Per position of a legal order: what is alive while its item runs.
GOPT_API std::vector<int64_t> RunBytesAlong(const PeakInstance& instance,
                                            std::span<const int32_t> order);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_PEAK_STATE_H_
