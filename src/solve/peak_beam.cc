// Beam search over sets of finished items.

#include <algorithm>
#include <map>
#include <memory>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "src/solve/peak_lists.h"
#include "src/solve/peak_state.h"

namespace gopt {
namespace {

constexpr size_t kMostChoices = 16;  // Of each set: those that add least.

class Beam {
 public:
  Beam(const PeakInstance& instance, int width, int64_t budget, PeakMeter* meter)
      : instance_(instance), width_(width), budget_(budget), meter_(*meter) {}

  OrderAndPeak Run() {
    auto first = std::make_shared<PeakState>(instance_);
    first->ForceWithin(budget_);
    OrderAndPeak result = {.order = {}, .peak = kSaturated};
    if (first->complete()) return Finished(*first);
    Expand({.peak = budget_, .state = std::move(first)});
    while (!waiting_.empty() && !meter_.Out()) {
      auto level = waiting_.extract(waiting_.begin());
      for (Child& child : Best(std::move(level.mapped()))) {
        Node node = Make(child);
        if (!node.state->complete()) {
          Expand(std::move(node));
        } else if (node.peak < result.peak || result.order.empty()) {
          result = Finished(*node.state);
        }
      }
    }
    return result;
  }

 private:
  struct Node {
    int64_t peak;  // So far, at least the budget.
    std::shared_ptr<const PeakState> state;
  };
  // What comes of one more item, not yet made.
  struct Child {
    Node parent;
    int32_t item;
    int64_t peak, live;
    std::pair<uint64_t, uint64_t> hash;
  };

  OrderAndPeak Finished(const PeakState& state) const {
    OrderAndPeak result;
    result.order.assign(state.order().begin(), state.order().end());
    result.peak = instance_.Peak(result.order);
    return result;
  }

  void Expand(Node node) {
    PeakState state = *node.state;
    const int64_t before = state.steps();
    std::vector<int32_t> choices(state.ready().begin(), state.ready().end());
    const auto key = [&](int32_t item) {
      return std::tuple(std::max(node.peak, state.RunBytes(item)), state.NetBytes(item), item);
    };
    std::sort(choices.begin(), choices.end(),
              [&](int32_t a, int32_t b) { return key(a) < key(b); });
    choices.resize(std::min(choices.size(), kMostChoices));
    for (int32_t item : choices) {
      const int64_t peak = std::max(node.peak, state.RunBytes(item));
      state.Do(item);
      state.ForceWithin(peak);
      waiting_[state.order().size()].push_back(
          {.parent = node, .item = item, .peak = peak, .live = state.live(), .hash = state.hash()});
      state.UndoTo(node.state->order().size());
    }
    meter_.Spend(state.steps() - before);
  }

  std::vector<Child> Best(std::vector<Child> children) const {
    std::sort(children.begin(), children.end(), [](const Child& a, const Child& b) {
      return std::tie(a.peak, a.live, a.hash) < std::tie(b.peak, b.live, b.hash);
    });
    absl::flat_hash_set<std::pair<uint64_t, uint64_t>> seen;
    std::vector<Child> best;
    for (Child& child : children) {
      if (static_cast<int>(best.size()) == width_) break;
      if (seen.insert(child.hash).second) best.push_back(std::move(child));
    }
    return best;
  }

  Node Make(const Child& child) {
    auto state = std::make_shared<PeakState>(*child.parent.state);
    const int64_t before = state->steps();
    state->Do(child.item);
    state->ForceWithin(child.peak);
    meter_.Spend(state->steps() - before + instance_.num_items() / 8);  // The copies cost too.
    return {.peak = child.peak, .state = std::move(state)};
  }

  const PeakInstance& instance_;
  const int width_;
  const int64_t budget_;
  PeakMeter& meter_;
  std::map<size_t, std::vector<Child>> waiting_;  // By items done.
};

}  // namespace

OrderAndPeak BeamOrder(const PeakInstance& instance, int width, int64_t budget, PeakMeter* meter) {
  return Beam(instance, width, budget, meter).Run();
}

}  // namespace gopt
