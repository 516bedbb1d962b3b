#ifndef GOPT_SRC_SOLVE_RECOMPUTE_SEARCH_H_
#define GOPT_SRC_SOLVE_RECOMPUTE_SEARCH_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/random.h"
#include "gopt/base/types.h"
#include "gopt/plan/kernels.h"
#include "src/solve/recompute_model.h"

namespace gopt {

// What a set of recomputed kernels is to reach.
struct RecomputeGoal {
  std::vector<int64_t> limit;  // Bytes per device.
  bool least_peak = false;     // Instead of the limits: the largest peak as small as possible.
};

// A set and what the model says of it. Smaller is better: first by bytes, then by time.
struct RecomputeSet {
  std::vector<uint8_t> chosen;  // Per spot.
  int64_t over = 0;             // Bytes above the limits, summed; the largest peak for least_peak.
  Nanoseconds added = 0;

  bool BetterThan(const RecomputeSet& other) const {
    return over != other.over ? over < other.over : added < other.added;
  }
};

// Looks for sets on the model alone. The methods are described at RecomputeOptions. One thread.
class GOPT_API RecomputeSearch {
 public:
  // stop: asked between evaluations. The model must outlive this.
  RecomputeSearch(const RecomputeModel& model, const Kernels& kernels, RecomputeGoal goal,
                  uint64_t seed, std::function<bool()> stop);

  void SetGoal(RecomputeGoal goal) { goal_ = std::move(goal); }
  RecomputeSet Nothing();
  // neighbours: what is recomputed next to a candidate counts as its cost, which keeps chains of
  // recomputation short.
  RecomputeSet Greedy(bool neighbours);
  RecomputeSet Segments();
  RecomputeSet Anneal(const RecomputeSet& start, int64_t moves);

 private:
  // What recomputing a spot would do at one moment.
  struct Value {
    int64_t freed = 0;
    double ratio = 0.0;  // Bytes over nanoseconds; not positive: of no use.
  };

  RecomputeSet Judge();  // state_.chosen
  int64_t Over(const std::vector<int64_t>& peak) const;

  bool FreeAtPeak(bool neighbours);
  Value ValueOf(int32_t spot, int32_t place, bool neighbours);
  int64_t FreedAt(int32_t spot, int32_t place) const;
  bool IsFreed(const RecomputeModel::Storage& storage, int32_t place) const;
  // Fills need_: the spot, and what it reads that is gone at `place`. Returns the bytes of what
  // stays longer for it.
  int64_t CollectNeeds(int32_t spot, int32_t place);
  double NeighbourCost();
  void Choose(int32_t spot);
  void ForgetComponents();
  int32_t Root(int32_t spot);
  void Join(int32_t a, int32_t b);
  template <typename Visit>
  void VisitNeighbours(int32_t spot, Visit visit) const;

  std::vector<int32_t> SegmentOfSpots(int64_t count) const;
  void ChooseSegments(const std::vector<int32_t>& segment, int32_t used);
  RecomputeSet FewestSegments(const std::vector<int32_t>& segment, int32_t count);

  void Flip(int32_t spot, bool chosen);
  void ProposeRange();
  void ProposeGroup();
  void ProposeSingles();
  double Energy(const RecomputeSet& set) const;
  void MakeGroups(const Kernels& kernels);

  const RecomputeModel& model_;
  RecomputeGoal goal_;
  Random random_;
  const std::function<bool()> stop_;
  RecomputeModel::State state_;
  std::vector<int32_t> candidates_;           // Spots that may be chosen, ascending.
  std::vector<std::vector<int32_t>> groups_;  // Candidates of one scope, one type, or both.
  double price_ = 0.0;                        // Nanoseconds that a byte over the limit is worth.

  std::vector<int32_t> need_;       // Of the candidate in hand,
  std::vector<int32_t> needed_by_;  // per spot: marked with the candidate's number.
  int32_t stamp_ = 0;
  std::vector<int32_t> parent_;    // Chosen spots that hang together share a root,
  std::vector<double> component_;  // which has the sum of their times.
  struct Change {
    int32_t spot;
    uint8_t before;
  };
  std::vector<Change> changes_;
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_RECOMPUTE_SEARCH_H_
