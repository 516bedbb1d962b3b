#include "src/solve/recompute_search.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <queue>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gopt {
namespace {

constexpr int kMostMissed = 6;          // Rounds of greedy in a row that lower nothing.
constexpr size_t kMostNeeds = 128;      // Spots that one candidate may drag in.
constexpr int64_t kLeastPeakStep = 40;  // Looking for the least peak, this part of it is freed.
constexpr int64_t kMostSegments = 4096;
constexpr double kPricePerByte = 8.0;  // Times what a recomputed byte costs on the average.
constexpr double kTemperature = 0.02;  // Over the energy of the start.

}  // namespace

RecomputeSearch::RecomputeSearch(const RecomputeModel& model, const Kernels& kernels,
                                 RecomputeGoal goal, uint64_t seed, std::function<bool()> stop)
    : model_(model),
      goal_(std::move(goal)),
      random_(seed),
      stop_(std::move(stop)),
      state_(model.MakeState()),
      needed_by_(model.size(), 0),
      parent_(model.size()),
      component_(model.size(), 0.0) {
  double bytes = 1.0, time = 0.0;
  for (int32_t spot = 0; spot < model_.size(); ++spot) {
    if (!model_.may_choose(spot)) continue;
    candidates_.push_back(spot);
    bytes += static_cast<double>(model_.bytes(spot));
    time += static_cast<double>(model_.time(spot));
  }
  price_ = kPricePerByte * std::max(1.0, time) / bytes;
  MakeGroups(kernels);
}

void RecomputeSearch::MakeGroups(const Kernels& kernels) {
  const Graph& graph = kernels.graph();
  std::map<std::string, std::vector<int32_t>> groups;
  for (const int32_t spot : candidates_) {
    const OpId op = kernels.ops(model_.kernel(spot)).front();
    const std::string scope(graph.scope(op)), type(graph.op_type(op));
    groups[absl::StrCat("scope ", scope)].push_back(spot);
    groups[absl::StrCat("type ", type)].push_back(spot);
    groups[absl::StrCat("both ", scope, " ", type)].push_back(spot);
  }
  for (auto& [key, spots] : groups) {
    if (spots.size() > 1) groups_.push_back(std::move(spots));
  }
}

int64_t RecomputeSearch::Over(const std::vector<int64_t>& peak) const {
  if (goal_.least_peak) return *std::max_element(peak.begin(), peak.end());
  int64_t over = 0;
  for (size_t d = 0; d < peak.size(); ++d) {
    over = SaturatingAdd(over, std::max<int64_t>(0, peak[d] - goal_.limit[d]));
  }
  return over;
}

RecomputeSet RecomputeSearch::Judge() {
  model_.Evaluate(&state_);
  return {.chosen = state_.chosen, .over = Over(state_.peak), .added = state_.added};
}

RecomputeSet RecomputeSearch::Nothing() {
  std::fill(state_.chosen.begin(), state_.chosen.end(), 0);
  return Judge();
}

// --- Greedy

RecomputeSet RecomputeSearch::Greedy(bool neighbours) {
  RecomputeSet best = Nothing();
  ForgetComponents();
  for (int missed = 0; best.over > 0 && missed < kMostMissed && !stop_(); ++missed) {
    if (!FreeAtPeak(neighbours)) break;
    RecomputeSet now = Judge();
    if (!now.BetterThan(best)) continue;
    best = std::move(now);
    missed = -1;
  }
  return best;
}

// Chooses at the highest peak until it is below its limit, by the state before. False if nothing
// was chosen.
bool RecomputeSearch::FreeAtPeak(bool neighbours) {
  DeviceId worst = 0;
  const auto excess = [&](DeviceId d) {
    return state_.peak[d] - (goal_.least_peak ? 0 : goal_.limit[d]);
  };
  for (DeviceId d = 1; d < model_.num_devices(); ++d) {
    if (excess(d) > excess(worst)) worst = d;
  }
  const int32_t place = state_.peak_place[worst];
  int64_t deficit = goal_.least_peak ? 1 + state_.peak[worst] / kLeastPeakStep : excess(worst);

  std::priority_queue<std::pair<double, int32_t>> queue;
  for (const int32_t spot : candidates_) {
    if (model_.device(spot) != worst || state_.chosen[spot] != 0) continue;
    const Value value = ValueOf(spot, place, neighbours);
    if (value.ratio > 0.0) queue.push({value.ratio, -spot});
  }
  bool some = false;
  while (deficit > 0 && !queue.empty()) {
    const int32_t spot = -queue.top().second;
    queue.pop();
    if (state_.chosen[spot] != 0) continue;
    const Value value = ValueOf(spot, place, neighbours);  // Others were chosen meanwhile.
    if (value.ratio <= 0.0) continue;
    if (!queue.empty() && value.ratio < queue.top().first) {
      queue.push({value.ratio, -spot});
      continue;
    }
    for (const int32_t needed : need_) Choose(needed);
    deficit -= value.freed;
    some = true;
  }
  return some;
}

RecomputeSearch::Value RecomputeSearch::ValueOf(int32_t spot, int32_t place, bool neighbours) {
  Value value;
  value.freed = FreedAt(spot, place);
  if (value.freed <= 0) return value;
  value.freed -= CollectNeeds(spot, place);
  if (value.freed <= 0) return value;
  double cost = 1.0;
  for (const int32_t needed : need_) cost += static_cast<double>(model_.time(needed));
  if (neighbours) cost += NeighbourCost();
  value.ratio = static_cast<double>(value.freed) / cost;
  return value;
}

int64_t RecomputeSearch::FreedAt(int32_t spot, int32_t place) const {
  if (state_.place[spot] >= place) return 0;
  int64_t freed = 0;
  for (const RecomputeModel::Storage& storage : model_.made(spot)) {
    if (IsFreed(storage, place)) freed = SaturatingAdd(freed, storage.bytes);
  }
  return freed;
}

// Whether the place lies between the storage's uses in the forward and in the backward pass.
bool RecomputeSearch::IsFreed(const RecomputeModel::Storage& storage, int32_t place) const {
  if (storage.is_output || state_.last[model_.storage_index(storage)] < place) return false;
  for (const int32_t reader : model_.readers(storage)) {
    if (state_.copied[reader] != 0 && state_.copy_place[reader] <= place) return false;
    if (model_.is_backward(reader)) {
      if (state_.place[reader] <= place) return false;
    } else if (state_.moved[reader] == 0 && state_.place[reader] >= place) {
      return false;
    }
  }
  return true;
}

int64_t RecomputeSearch::CollectNeeds(int32_t spot, int32_t place) {
  ++stamp_;
  need_.assign(1, spot);
  needed_by_[spot] = stamp_;
  int64_t kept = 0;
  for (size_t i = 0; i < need_.size(); ++i) {
    for (const int32_t index : model_.read(need_[i])) {
      const RecomputeModel::Storage& storage = model_.storage(index);
      const int32_t maker = storage.maker;
      const bool is_there = state_.last[index] >= place && state_.moved[maker] == 0;
      if (is_there || state_.chosen[maker] != 0 || needed_by_[maker] == stamp_) continue;
      if (model_.may_choose(maker) && need_.size() < kMostNeeds) {
        needed_by_[maker] = stamp_;
        need_.push_back(maker);
      } else {
        kept = SaturatingAdd(kept, storage.bytes);
      }
    }
  }
  return kept;
}

template <typename Visit>
void RecomputeSearch::VisitNeighbours(int32_t spot, Visit visit) const {
  for (const int32_t index : model_.read(spot)) {
    const int32_t maker = model_.storage(index).maker;
    if (state_.chosen[maker] != 0) visit(maker);
  }
  for (const RecomputeModel::Storage& storage : model_.made(spot)) {
    for (const int32_t reader : model_.readers(storage)) {
      if (state_.chosen[reader] != 0) visit(reader);
    }
  }
}

// Of the distinct components next to need_.
double RecomputeSearch::NeighbourCost() {
  std::vector<int32_t> roots;
  for (const int32_t spot : need_) {
    VisitNeighbours(spot, [&](int32_t other) { roots.push_back(Root(other)); });
  }
  std::sort(roots.begin(), roots.end());
  roots.erase(std::unique(roots.begin(), roots.end()), roots.end());
  double cost = 0.0;
  for (const int32_t root : roots) cost += component_[root];
  return cost;
}

void RecomputeSearch::Choose(int32_t spot) {
  state_.chosen[spot] = 1;
  component_[spot] = static_cast<double>(model_.time(spot));
  VisitNeighbours(spot, [&](int32_t other) { Join(spot, other); });
}

void RecomputeSearch::ForgetComponents() {
  std::iota(parent_.begin(), parent_.end(), 0);
  std::fill(component_.begin(), component_.end(), 0.0);
}

int32_t RecomputeSearch::Root(int32_t spot) {
  while (parent_[spot] != spot) spot = parent_[spot] = parent_[parent_[spot]];
  return spot;
}

void RecomputeSearch::Join(int32_t a, int32_t b) {
  a = Root(a);
  b = Root(b);
  if (a == b) return;
  parent_[b] = a;
  component_[a] += component_[b];
}

// --- Segments

RecomputeSet RecomputeSearch::Segments() {
  RecomputeSet best = Nothing();
  const auto most = std::min<int64_t>(kMostSegments, static_cast<int64_t>(candidates_.size()));
  for (int64_t count = 2; count <= most && !stop_(); count *= 2) {
    const std::vector<int32_t> segment = SegmentOfSpots(count);
    RecomputeSet now = FewestSegments(segment, static_cast<int32_t>(count));
    if (now.BetterThan(best)) best = std::move(now);
  }
  return best;
}

// Parts of the order, of about equal bytes.
std::vector<int32_t> RecomputeSearch::SegmentOfSpots(int64_t count) const {
  double total = 1.0;
  for (const int32_t spot : candidates_) total += static_cast<double>(model_.bytes(spot));
  std::vector<int32_t> segment(model_.size(), 0);
  double sum = 0.0;
  for (int32_t spot = 0; spot < model_.size(); ++spot) {
    segment[spot] = static_cast<int32_t>(sum / total * static_cast<double>(count));
    if (model_.may_choose(spot)) sum += static_cast<double>(model_.bytes(spot));
  }
  return segment;
}

// In the first `used` segments: what no forward kernel of a later segment reads.
void RecomputeSearch::ChooseSegments(const std::vector<int32_t>& segment, int32_t used) {
  std::fill(state_.chosen.begin(), state_.chosen.end(), 0);
  for (const int32_t spot : candidates_) {
    if (segment[spot] >= used) continue;
    bool passes_on = false;
    for (const RecomputeModel::Storage& storage : model_.made(spot)) {
      for (const int32_t reader : model_.readers(storage)) {
        passes_on |= !model_.is_backward(reader) && segment[reader] != segment[spot];
      }
    }
    state_.chosen[spot] = passes_on ? 0 : 1;
  }
}

// The segments from the first on that are enough, by bisection; else those of least bytes.
RecomputeSet RecomputeSearch::FewestSegments(const std::vector<int32_t>& segment, int32_t count) {
  ChooseSegments(segment, count);
  RecomputeSet best = Judge();
  int32_t enough = count, less = 0;
  while (enough - less > 1 && !stop_()) {
    const int32_t middle = less + (enough - less) / 2;
    ChooseSegments(segment, middle);
    RecomputeSet now = Judge();
    (now.over <= best.over ? enough : less) = middle;
    if (now.BetterThan(best)) best = std::move(now);
  }
  return best;
}

// --- Annealing

double RecomputeSearch::Energy(const RecomputeSet& set) const {
  return static_cast<double>(set.added) + price_ * static_cast<double>(set.over);
}

// Worse sets are taken up to a random threshold that falls to 0.
RecomputeSet RecomputeSearch::Anneal(const RecomputeSet& start, int64_t moves) {
  RecomputeSet best = start;
  if (candidates_.empty()) return best;
  state_.chosen = start.chosen;
  double energy = Energy(start);
  const double temperature = kTemperature * energy;
  for (int64_t move = 0; move < moves && !stop_(); ++move) {
    changes_.clear();
    const double pick = random_.Uniform();
    if (pick < 0.4) {
      ProposeRange();
    } else if (pick < 0.6) {
      ProposeGroup();
    } else {
      ProposeSingles();
    }
    if (changes_.empty()) continue;
    RecomputeSet now = Judge();
    const double left = 1.0 - static_cast<double>(move) / static_cast<double>(moves);
    if (Energy(now) <= energy + temperature * left * left * random_.Uniform()) {
      energy = Energy(now);
      if (now.BetterThan(best)) best = std::move(now);
      continue;
    }
    for (auto it = changes_.rbegin(); it != changes_.rend(); ++it) {
      state_.chosen[it->spot] = it->before;
    }
  }
  return best;
}

void RecomputeSearch::Flip(int32_t spot, bool chosen) {
  if ((state_.chosen[spot] != 0) == chosen) return;
  changes_.push_back({spot, state_.chosen[spot]});
  state_.chosen[spot] = chosen ? 1 : 0;
}

// A part of the order of any size: nothing of it, all of it, or all but what it passes on.
void RecomputeSearch::ProposeRange() {
  const auto n = static_cast<int64_t>(candidates_.size());
  const int octaves = 1 + static_cast<int>(std::log2(static_cast<double>(n)));
  const int64_t length = std::min<int64_t>(n, int64_t{1} << random_.Below(octaves));
  const int64_t begin = random_.Below(n - length + 1);
  const int64_t kind = random_.Below(3);
  const int32_t last = candidates_[begin + length - 1];
  for (int64_t i = begin; i < begin + length; ++i) {
    const int32_t spot = candidates_[i];
    bool passes_on = false;
    for (const RecomputeModel::Storage& storage : model_.made(spot)) {
      for (const int32_t reader : model_.readers(storage)) {
        passes_on |= !model_.is_backward(reader) && reader > last;
      }
    }
    Flip(spot, kind == 1 || (kind == 2 && !passes_on));
  }
}

// A scope or a type, everywhere or in one part of the order.
void RecomputeSearch::ProposeGroup() {
  if (groups_.empty()) return;
  const std::vector<int32_t>& group = groups_[random_.Below(static_cast<int64_t>(groups_.size()))];
  const auto n = static_cast<int64_t>(group.size());
  const int64_t length = random_.Below(2) == 0 ? n : 1 + random_.Below(n);
  const int64_t begin = random_.Below(n - length + 1);
  const bool chosen = random_.Below(2) == 0;
  for (int64_t i = begin; i < begin + length; ++i) Flip(group[i], chosen);
}

void RecomputeSearch::ProposeSingles() {
  for (int64_t count = 1 + random_.Below(4); count > 0; --count) {
    const int32_t spot = candidates_[random_.Below(static_cast<int64_t>(candidates_.size()))];
    Flip(spot, state_.chosen[spot] == 0);
  }
}

}  // namespace gopt
