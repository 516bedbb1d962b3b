#include "src/solve/peak_lists.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "src/solve/peak_state.h"

namespace gopt {
namespace {

constexpr int kMostPasses = 8;
constexpr size_t kMostLookedAt = 2'048;  // Ready items, for each next one.
constexpr int64_t kStepsForPasses = 8;   // This part of them, for lists that are not the best.

class ListScheduler {
 public:
  ListScheduler(const PeakInstance& instance, PeakRule rule, int64_t budget, PeakMeter* meter)
      : instance_(instance), rule_(rule), meter_(*meter), state_(instance), limit_(budget) {
    place_.resize(instance.num_items());
    for (size_t i = 0; i < instance.program.size(); ++i) {
      place_[instance.program[i]] = static_cast<int32_t>(i);
    }
    waits_.assign(instance.num_items(), 1);
    ready_since_.assign(instance.num_items(), 0);
  }

  // False if an item exceeded `most` and the rest was not put in order.
  bool Run(int64_t most) {
    strict_ = most < kSaturated;
    bool within = true;
    while (within && !state_.complete()) {
      if (!meter_.Cut()) state_.ForceWithin(limit_);
      if (state_.complete()) break;
      const int32_t next = meter_.Cut() ? FirstOfProgram() : Next();
      limit_ = std::max(limit_, state_.RunBytes(next));
      within = limit_ <= most;
      if (within) state_.Do(next);
    }
    meter_.Spend(state_.steps());
    return within;
  }
  std::vector<int32_t> Order() const { return {state_.order().begin(), state_.order().end()}; }

 private:
  int32_t Next() {
    LookAtDone();
    if (rule_ == PeakRule::kProgram) {
      const int32_t first = FirstOfProgram();
      if (state_.RunBytes(first) <= limit_) return first;
    }
    // To begin something else because it needs less would leave ever more begun.
    const bool depth_first = rule_ == PeakRule::kNewest && !strict_;
    const auto key = [&](int32_t item) {
      const int64_t run = state_.RunBytes(item);
      return std::tuple(depth_first ? 0 : std::max<int64_t>(0, run - limit_), Value(item),
                        place_[item]);
    };
    const auto newest = state_.ready().last(std::min(state_.ready().size(), kMostLookedAt));
    return *std::min_element(newest.begin(), newest.end(),
                             [&](int32_t a, int32_t b) { return key(a) < key(b); });
  }

  int64_t Value(int32_t item) const {
    switch (rule_) {
      case PeakRule::kProgram:
        break;
      case PeakRule::kNewest:
        return -ready_since_[item];
      case PeakRule::kNetBytes:
        return state_.NetBytes(item);
      case PeakRule::kRunBytes:
        return state_.RunBytes(item);
    }
    return 0;
  }

  void LookAtDone() {
    for (; looked_at_ < state_.order().size(); ++looked_at_) {
      const int32_t item = state_.order()[looked_at_];
      waits_[item] = 0;
      for (int32_t next : instance_.successors[item]) {
        ready_since_[next] = static_cast<int32_t>(looked_at_) + 1;
      }
    }
  }

  // It is ready, since all that it waits for comes before it in the program.
  int32_t FirstOfProgram() {
    LookAtDone();
    while (waits_[instance_.program[first_]] == 0) ++first_;
    return instance_.program[first_];
  }

  const PeakInstance& instance_;
  const PeakRule rule_;
  PeakMeter& meter_;
  PeakState state_;
  int64_t limit_;  // The budget, or the peak so far.
  bool strict_ = false;
  std::vector<int32_t> place_;        // Per item: in the program.
  std::vector<uint8_t> waits_;        // Per item: not yet seen to be done.
  std::vector<int32_t> ready_since_;  // Per ready item: so many were done. 0: from the start.
  size_t looked_at_ = 0;              // Items of the order.
  size_t first_ = 0;                  // Of the program: those before are done.
};

bool Improve(OrderAndPeak candidate, OrderAndPeak* best) {
  if (candidate.peak >= best->peak) return false;
  *best = std::move(candidate);
  return true;
}

// One pass against the direction of the order, or along it.
OrderAndPeak Pass(PeakInstance* instance, PeakInstance* reversed, bool backwards,
                  const OrderAndPeak& from, int64_t budget, PeakMeter* meter) {
  PeakInstance* const side = backwards ? reversed : instance;
  side->program = from.order;
  if (backwards) std::reverse(side->program.begin(), side->program.end());
  OrderAndPeak result = ListOrder(*side, PeakRule::kProgram, budget, meter);
  if (backwards) std::reverse(result.order.begin(), result.order.end());
  return result;
}

// From one order, while its own peak gets less.
OrderAndPeak ImprovedByPasses(const PeakInstance& instance, int64_t budget, PeakMeter* meter,
                              OrderAndPeak from) {
  PeakInstance forwards = instance, reversed = instance.Reversed();
  OrderAndPeak last = from;
  int idle = 0;
  for (int pass = 0; pass < kMostPasses && idle < 2 && from.peak > budget; ++pass) {
    if (meter->Cut()) break;
    last = Pass(&forwards, &reversed, pass % 2 == 0, last, budget, meter);
    idle = Improve(last, &from) ? 0 : idle + 1;
  }
  return from;
}

}  // namespace

OrderAndPeak ListOrder(const PeakInstance& instance, PeakRule rule, int64_t budget,
                       PeakMeter* meter) {
  ListScheduler lists(instance, rule, budget, meter);
  lists.Run(kSaturated);
  OrderAndPeak result = {.order = lists.Order(), .peak = 0};
  result.peak = instance.Peak(result.order);
  return result;
}

std::vector<int32_t> ListOrderWithin(const PeakInstance& instance, PeakRule rule, int64_t budget,
                                     PeakMeter* meter) {
  ListScheduler lists(instance, rule, budget, meter);
  return lists.Run(budget) ? lists.Order() : std::vector<int32_t>();
}

OrderAndPeak BestListOrder(const PeakInstance& instance, int64_t budget, PeakMeter* meter) {
  OrderAndPeak best = {.order = instance.program, .peak = instance.Peak(instance.program)};
  std::vector<OrderAndPeak> lists;
  for (PeakRule rule : kPeakRules) {
    if (best.peak <= budget || meter->Cut()) return best;
    lists.push_back(ListOrder(instance, rule, budget, meter));
    Improve(lists.back(), &best);
  }
  // The list of least peak first; it is not always the one that passes make the most of.
  std::stable_sort(lists.begin(), lists.end(),
                   [](const OrderAndPeak& a, const OrderAndPeak& b) { return a.peak < b.peak; });
  for (size_t i = 0; i < lists.size(); ++i) {
    if (best.peak <= budget || meter->Cut()) break;
    if (i > 0 && meter->spent() >= meter->total() / kStepsForPasses) break;
    Improve(ImprovedByPasses(instance, budget, meter, std::move(lists[i])), &best);
  }
  return best;
}

}  // namespace gopt
