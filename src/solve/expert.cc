#include "gopt/solve/expert.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "src/solve/admit.h"
#include "src/solve/contiguous_cut.h"
#include "src/solve/part_mapping.h"

namespace gopt {
namespace {

// A coarser grain of scopes is good enough if its busiest device has at most this much more work.
constexpr double kTolerance = 1.1;
constexpr int kDeepestScope = 16;

// The first `depth` names of a module path.
std::string_view ScopePrefix(std::string_view scope, int depth) {
  size_t end = 0;
  for (int i = 0; i < depth; ++i) {
    end = scope.find_first_of("./", end);
    if (end == std::string_view::npos) return scope;
    ++end;
  }
  return scope.substr(0, end - 1);
}

int Depth(std::string_view scope) {
  if (scope.empty()) return 0;
  return 1 + static_cast<int>(std::count_if(scope.begin(), scope.end(),
                                            [](char c) { return c == '.' || c == '/'; }));
}

// Groups tasks into segments, the runs' items, in the order in which the forward pass enters them.
class Segments {
 public:
  explicit Segments(const TaskGraph& tasks) : tasks_(tasks), graph_(tasks.kernel_graph()) {
    const Graph& ops = tasks.problem().graph();
    bool any_forward = false;
    for (KernelId task = 0; task < tasks.num_tasks(); ++task) any_forward |= IsForward(task);
    everything_is_forward_ = !any_forward;
    for (OpId op : ops.kernel_ops()) {
      deepest_ = std::max(deepest_, std::min(Depth(ops.scope(op)), kDeepestScope));
    }
    position_.resize(tasks.num_tasks());
    for (size_t i = 0; i < graph_.topological_order.size(); ++i) {
      position_[graph_.topological_order[i]] = static_cast<int32_t>(i);
    }
  }

  // Of any scope; 0: the graph has none.
  int deepest() const { return deepest_; }
  int size() const { return size_; }
  int32_t of(KernelId task) const { return segment_[task]; }

  // One segment per scope of this depth; depth 0: one per forward task.
  void Build(int depth) {
    size_ = 0;
    segment_.assign(tasks_.num_tasks(), kNone);
    segment_of_scope_.clear();
    for (KernelId task : graph_.topological_order) {
      if (IsForward(task)) segment_[task] = ForwardSegment(task, depth);
    }
    for (KernelId task : graph_.topological_order) {
      if (!IsForward(task)) segment_[task] = CounterpartSegment(task, depth);
    }
    FollowNeighbours();
  }

 private:
  OpId Op(KernelId task) const { return tasks_.kernels()->ops(task).front(); }
  const Graph& ops() const { return tasks_.problem().graph(); }

  bool IsForward(KernelId task) const {
    const Phase phase = ops().phase(Op(task));
    return everything_is_forward_ || phase == Phase::kForward || phase == Phase::kUnspecified;
  }

  int32_t ForwardSegment(KernelId task, int depth) {
    if (depth == 0) return size_++;
    const std::string_view scope = ops().scope(Op(task));
    if (scope.empty()) return kNone;
    const auto [it, is_new] = segment_of_scope_.try_emplace(ScopePrefix(scope, depth), size_);
    if (is_new) ++size_;
    return it->second;
  }

  // Of the forward twin, the parameter's first reader, or the scope.
  int32_t CounterpartSegment(KernelId task, int depth) const {
    const OpId op = Op(task);
    if (const OpId twin = ops().forward_twin(op); twin != kNone) {
      const KernelId twin_task = tasks_.kernels()->kernel_of(twin);
      if (twin_task != kNone && segment_[twin_task] != kNone) return segment_[twin_task];
    }
    if (ops().phase(op) == Phase::kOptimizer) {
      if (const int32_t segment = FirstReaderSegment(task); segment != kNone) return segment;
    }
    if (depth == 0 || ops().scope(op).empty()) return kNone;
    const auto it = segment_of_scope_.find(ScopePrefix(ops().scope(op), depth));
    return it == segment_of_scope_.end() ? kNone : it->second;
  }

  int32_t FirstReaderSegment(KernelId optimizer) const {
    for (int32_t e = graph_.input_begin[optimizer]; e < graph_.input_begin[optimizer + 1]; ++e) {
      if (graph_.inputs[e].source != kNone) continue;
      const int parameter = tasks_.edge_tensor(e) - static_cast<int>(graph_.outputs.size());
      for (KernelId reader :
           KernelGraph::Row(graph_.parameter_readers, graph_.parameter_reader_begin, parameter)) {
        if (IsForward(reader) && segment_[reader] != kNone) return segment_[reader];
      }
    }
    return kNone;
  }

  // The latest task before, else the earliest task after, that has a segment; else the first.
  void FollowNeighbours() {
    for (KernelId task : graph_.topological_order) {
      if (segment_[task] != kNone) continue;
      KernelId latest = kNone;
      for (KernelId p : KernelGraph::Row(graph_.predecessors, graph_.predecessor_begin, task)) {
        if (segment_[p] == kNone) continue;
        if (latest == kNone || position_[p] > position_[latest]) latest = p;
      }
      if (latest != kNone) segment_[task] = segment_[latest];
    }
    const std::vector<KernelId>& order = graph_.topological_order;
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      if (segment_[*it] != kNone) continue;
      KernelId earliest = kNone;
      for (KernelId s : KernelGraph::Row(graph_.successors, graph_.successor_begin, *it)) {
        if (earliest == kNone || position_[s] < position_[earliest]) earliest = s;
      }
      segment_[*it] = earliest == kNone ? 0 : segment_[earliest];
    }
    size_ = std::max(size_, 1);
  }

  const TaskGraph& tasks_;
  const KernelGraph& graph_;
  bool everything_is_forward_ = false;
  int deepest_ = 0;
  std::vector<int32_t> position_;  // In topological order.
  int size_ = 0;
  std::vector<int32_t> segment_;  // Per task.
  std::unordered_map<std::string_view, int32_t> segment_of_scope_;
};

class ExpertPlacer {
 public:
  ExpertPlacer(const TaskGraph& tasks, const PlacementOptions& options)
      : tasks_(tasks), options_(options), segments_(tasks), rate_(DeviceRates(tasks)) {
    for (DeviceId d = 0; d < tasks.num_devices(); ++d) {
      room_.push_back(std::min(tasks.problem().memory_limit(d), options.byte_limit));
    }
  }

  // The coarsest grain that balances about as well as the finest.
  std::vector<DeviceId> Place() {
    segments_.Build(segments_.deepest());
    const Cut finest = CutSegments();
    std::vector<DeviceId> wish = Wish(finest);
    for (int depth = 1; depth < segments_.deepest(); ++depth) {
      segments_.Build(depth);
      const Cut cut = CutSegments();
      if (cut.bottleneck <= kTolerance * finest.bottleneck) return Wish(cut);
    }
    return wish;
  }

 private:
  Cut CutSegments() const {
    std::vector<double> work(segments_.size(), 0.0);
    std::vector<int64_t> bytes(segments_.size(), 0);
    for (KernelId task = 0; task < tasks_.num_tasks(); ++task) {
      work[segments_.of(task)] += tasks_.mean_time(task);
      int64_t& sum = bytes[segments_.of(task)];
      sum = SaturatingAdd(sum, tasks_.persistent_bytes(task));
      sum = SaturatingAdd(sum, SaturatingCeil(options_.activation_weight *
                                              static_cast<double>(tasks_.activation_bytes(task))));
    }
    return CutContiguously({.work = work, .bytes = bytes, .rate = rate_, .room = room_});
  }

  std::vector<DeviceId> Wish(const Cut& cut) const {
    std::vector<DeviceId> device(tasks_.num_tasks());
    for (KernelId task = 0; task < tasks_.num_tasks(); ++task) {
      device[task] = cut.bin[segments_.of(task)];
    }
    return device;
  }

  const TaskGraph& tasks_;
  const PlacementOptions& options_;
  Segments segments_;
  std::vector<double> rate_;
  std::vector<int64_t> room_;
};

}  // namespace

std::vector<DeviceId> ExpertPlacement(const TaskGraph& tasks, const PlacementOptions& placement) {
  if (tasks.num_tasks() == 0) return {};
  return Admit(tasks, ExpertPlacer(tasks, placement).Place(), placement);
}

}  // namespace gopt
