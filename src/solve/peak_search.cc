#include "src/solve/peak_search.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "src/solve/peak_state.h"

namespace gopt {
namespace {

constexpr int kAllBoundedItems = 1'000;  // Up to so many items each gives a bound,
constexpr int kSomeBoundedItems = 100;   // else so many do.
constexpr int64_t kProbesAtLeast = 8;    // A budget may take this part of the steps.
constexpr int kSmallestWindow = 64;
constexpr int64_t kStepsPerWindowItem = 400;
constexpr int64_t kItemsPerStep = 4;         // Items that are looked at in the time of a step.
constexpr size_t kMostChoices = 20'000'000;  // On the stack of a search: then it gives up.

class DepthFirst {
 public:
  DepthFirst(const PeakInstance& instance, int64_t budget, int64_t most_steps, PeakMeter* meter)
      : budget_(budget),
        most_steps_(std::min(most_steps, meter->left())),
        meter_(*meter),
        state_(instance) {}

  FitAnswer Run() {
    FitAnswer answer;
    Enter();
    bool more = true;
    while (more && !state_.complete() && !OutOfSteps()) more = Step();
    meter_.Spend(Steps());
    if (state_.complete()) {
      answer.kind = FitAnswer::Kind::kFits;
      answer.order.assign(state_.order().begin(), state_.order().end());
    } else if (!more) {
      answer.kind = FitAnswer::Kind::kCannot;
      answer.least_over = least_over_;
    }
    return answer;
  }

 private:
  // A set that was entered, and what to try next from it: choices_[next .. end).
  struct Frame {
    size_t length;
    size_t begin, next, end;
  };

  int64_t Steps() const { return state_.steps() + looked_at_ / kItemsPerStep; }
  bool OutOfSteps() {
    return Steps() >= most_steps_ || choices_.size() >= kMostChoices || meter_.Cut();
  }

  // Tries the next choice of the deepest set that has one. False: there is none anywhere.
  bool Step() {
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      state_.UndoTo(frame.length);
      if (frame.next < frame.end) {
        state_.Do(choices_[frame.next++]);
        Enter();
        return true;
      }
      choices_.resize(frame.begin);
      frames_.pop_back();
    }
    return false;
  }

  void Enter() {
    state_.ForceWithin(budget_);
    if (state_.complete() || !seen_.insert(state_.hash()).second) return;
    const size_t begin = choices_.size();
    looked_at_ += static_cast<int64_t>(state_.ready().size());
    for (int32_t item : state_.ready()) {
      if (state_.RunBytes(item) <= budget_) {
        choices_.push_back(item);
      } else {
        least_over_ = std::min(least_over_, state_.RunBytes(item));
      }
    }
    std::sort(choices_.begin() + static_cast<std::ptrdiff_t>(begin), choices_.end(),
              [&](int32_t a, int32_t b) {
                return std::pair(state_.NetBytes(a), a) < std::pair(state_.NetBytes(b), b);
              });
    frames_.push_back({state_.order().size(), begin, begin, choices_.size()});
  }

  const int64_t budget_;
  const int64_t most_steps_;
  PeakMeter& meter_;
  PeakState state_;
  std::vector<Frame> frames_;
  std::vector<int32_t> choices_;
  absl::flat_hash_set<std::pair<uint64_t, uint64_t>> seen_;
  int64_t least_over_ = kSaturated;
  int64_t looked_at_ = 0;  // Ready items, in all.
};

// Whether it can go as soon as it is ready: it takes nothing, nobody waits for it, and as much was
// alive when the last of its predecessors ran.
bool IsFree(const PeakInstance& instance, int32_t item) {
  if (!instance.successors[item].empty() || !instance.takes[item].empty()) return false;
  if (instance.takes_time[item] == 0) return true;
  const auto before = instance.predecessors[item];
  return instance.run_bytes[item] == 0 && !before.empty() &&
         std::all_of(before.begin(), before.end(),
                     [&](int32_t other) { return instance.takes_time[other] != 0; });
}

// Free items right after the last of their predecessors.
std::vector<int32_t> WithFreeItemsEarly(const PeakInstance& instance,
                                        std::span<const int32_t> order,
                                        const std::vector<uint8_t>& is_free) {
  std::vector<int32_t> waiting(instance.num_items()), result;
  for (int32_t item = 0; item < instance.num_items(); ++item) {
    waiting[item] = static_cast<int32_t>(instance.predecessors[item].size());
  }
  for (int32_t item : order) {
    if (is_free[item] != 0 && waiting[item] == 0 && instance.predecessors[item].empty()) {
      result.push_back(item);
    }
    if (is_free[item] != 0) continue;
    result.push_back(item);
    for (int32_t next : instance.successors[item]) {
      if (--waiting[next] == 0 && is_free[next] != 0) result.push_back(next);
    }
  }
  return result;
}

// By lists, which is cheap, then by search; backwards where forwards is too long: what is forced
// differs then, what fits does not.
FitAnswer FitOneWay(const PeakInstance& instance, int64_t budget, int64_t most_steps,
                    PeakMeter* meter) {
  for (PeakRule rule : {PeakRule::kProgram, PeakRule::kRunBytes, PeakRule::kNewest}) {
    std::vector<int32_t> order = ListOrderWithin(instance, rule, budget, meter);
    if (!order.empty()) return {.kind = FitAnswer::Kind::kFits, .order = std::move(order)};
  }
  return FitWithin(instance, budget, most_steps, meter);
}

FitAnswer FitEitherWay(const PeakInstance& instance, const PeakInstance& reversed, int64_t budget,
                       int64_t most_steps, PeakMeter* meter) {
  FitAnswer answer = FitOneWay(instance, budget, most_steps, meter);
  if (answer.kind != FitAnswer::Kind::kUnknown) return answer;
  answer = FitOneWay(reversed, budget, most_steps, meter);
  std::reverse(answer.order.begin(), answer.order.end());
  return answer;
}

int64_t PeakOutside(const PeakInstance& instance, std::span<const int32_t> order, int first,
                    int last) {
  const std::vector<int64_t> bytes = RunBytesAlong(instance, order);
  int64_t most = instance.base_bytes;
  for (int i = 0; i < static_cast<int>(bytes.size()); ++i) {
    if (i < first || i >= last) most = std::max(most, bytes[i]);
  }
  return most;
}

}  // namespace

void Splice(std::span<const int32_t> of_window, int first, std::vector<int32_t>* order) {
  std::vector<int32_t> items;
  for (int32_t item : of_window) items.push_back((*order)[first + item]);
  std::copy(items.begin(), items.end(), order->begin() + first);
}

FitAnswer FitWithin(const PeakInstance& instance, int64_t budget, int64_t most_steps,
                    PeakMeter* meter) {
  return DepthFirst(instance, budget, most_steps, meter).Run();
}

int64_t PeakBoundOf(const PeakInstance& instance, std::span<const int32_t> order) {
  const std::vector<int64_t> bytes = RunBytesAlong(instance, order);
  std::vector<int32_t> places(order.size());
  std::iota(places.begin(), places.end(), 0);
  std::stable_sort(places.begin(), places.end(),
                   [&](int32_t a, int32_t b) { return bytes[a] > bytes[b]; });
  const bool all = instance.num_items() <= kAllBoundedItems;
  const size_t stride = all ? 1 : std::max<size_t>(1, order.size() / kSomeBoundedItems);
  int64_t bound = instance.base_bytes;
  for (size_t i = 0; i < places.size(); i += stride) {
    if (bytes[places[i]] <= bound) break;  // An item's bound is no more than it has in any order.
    bound = std::max(bound, instance.PeakBound(order[places[i]]));
  }
  return bound;
}

int64_t NarrowPeak(const PeakInstance& instance, int64_t bound, int64_t enough, int64_t most_steps,
                   PeakMeter* meter, OrderAndPeak* best) {
  if (best->peak <= std::max(bound, enough)) return std::min(bound, best->peak);
  const PeakInstance reversed = instance.Reversed();
  const int64_t end = meter->spent() + most_steps;
  int64_t unknown = -1;  // The largest budget that was given up.
  int64_t budget = std::max(bound, enough);
  while (bound < best->peak && best->peak > enough && !meter->Out() && meter->spent() < end) {
    FitAnswer answer = FitEitherWay(instance, reversed, budget, most_steps / kProbesAtLeast, meter);
    switch (answer.kind) {
      case FitAnswer::Kind::kFits:
        *best = {.order = std::move(answer.order), .peak = 0};
        best->peak = instance.Peak(best->order);
        break;
      case FitAnswer::Kind::kCannot:
        bound = std::max(bound, answer.least_over);
        break;
      case FitAnswer::Kind::kUnknown:
        unknown = std::max(unknown, budget);
        break;
    }
    const int64_t low = std::max({bound, unknown + 1, enough});
    if (low >= best->peak) break;
    budget = low + (best->peak - 1 - low) / 2;
  }
  return std::min(bound, best->peak);
}

std::vector<int> CutPositions(const PeakInstance& instance, std::vector<int32_t>* order) {
  const int items = instance.num_items();
  std::vector<uint8_t> is_free(items);
  for (int32_t item = 0; item < items; ++item) is_free[item] = IsFree(instance, item);
  *order = WithFreeItemsEarly(instance, *order, is_free);
  std::vector<int> place(items);
  for (int i = 0; i < items; ++i) place[(*order)[i]] = i;
  // Sinks of the first i + 1 items and sources of those from i on, free items left out.
  std::vector<int> sinks(items + 1, 0), sources(items + 1, 0);
  for (int32_t item = 0; item < items; ++item) {
    if (is_free[item] != 0) continue;
    int first_after = items, last_before = -1;
    for (int32_t next : instance.successors[item]) {
      if (is_free[next] == 0) first_after = std::min(first_after, place[next]);
    }
    for (int32_t before : instance.predecessors[item]) {
      last_before = std::max(last_before, place[before]);
    }
    ++sinks[place[item]];
    --sinks[first_after];
    ++sources[last_before + 1];
    --sources[place[item] + 1];
  }
  std::partial_sum(sinks.begin(), sinks.end(), sinks.begin());
  std::partial_sum(sources.begin(), sources.end(), sources.begin());
  std::vector<int> cuts = {0};
  for (int i = 1; i < items; ++i) {
    const bool alone = sinks[i] == 1 && sources[i] == 1 && is_free[(*order)[i]] == 0;
    if (alone) cuts.push_back(i);
  }
  cuts.push_back(items);
  return cuts;
}

void ImproveByWindows(const PeakInstance& instance, int64_t enough, PeakMeter* meter,
                      OrderAndPeak* best) {
  const int items = instance.num_items();
  int width = std::min(kSmallestWindow, items);
  while (best->peak > enough && !meter->Out()) {
    meter->Spend(items / kItemsPerStep);
    int at = kNone;
    const int64_t peak = instance.Peak(best->order, &at);
    if (at == kNone) return;
    const int first = std::clamp(at - width * 2 / 3, 0, items - width);
    const PeakInstance window = instance.Window(best->order, first, first + width);
    OrderAndPeak part = {.order = window.program, .peak = peak};
    NarrowPeak(window, PeakBoundOf(window, part.order),
               std::max(enough, PeakOutside(instance, best->order, first, first + width)),
               kStepsPerWindowItem * width, meter, &part);
    if (part.peak < peak) {
      Splice(part.order, first, &best->order);
      best->peak = instance.Peak(best->order);
    } else if (width == items) {
      return;
    } else {
      width = std::min(items, width * 2);
    }
  }
}

}  // namespace gopt
