#include "src/solve/segments.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "src/solve/priorities.h"

namespace gopt {
namespace {

constexpr int kDeepestScope = 16;

int Depth(std::string_view scope) {
  if (scope.empty()) return 0;
  return 1 + static_cast<int>(std::count_if(scope.begin(), scope.end(),
                                            [](char c) { return c == '.' || c == '/'; }));
}

}  // namespace

std::string_view ScopePrefix(std::string_view scope, int depth) {
  size_t end = 0;
  for (int i = 0; i < depth; ++i) {
    end = scope.find_first_of("./", end);
    if (end == std::string_view::npos) return scope;
    ++end;
  }
  return scope.substr(0, end - 1);
}

std::string_view LayerOfScope(std::string_view scope) {
  for (size_t begin = 0; begin < scope.size();) {
    const size_t end = std::min(scope.find_first_of("./", begin), scope.size());
    const std::string_view name = scope.substr(begin, end - begin);
    if (!name.empty() && std::all_of(name.begin(), name.end(), absl::ascii_isdigit)) {
      return scope.substr(0, end);
    }
    begin = end + 1;
  }
  return scope;
}

OpId TrustedTwin(const Graph& graph, OpId op) {
  const OpId twin = graph.forward_twin(op);
  if (twin == kNone || graph.scope(op).empty()) return twin;
  return graph.scope(twin) == graph.scope(op) ? twin : kNone;
}

Segments::Segments(const TaskGraph& tasks, bool trust_twins)
    : tasks_(tasks),
      graph_(tasks.kernel_graph()),
      trust_twins_(trust_twins),
      position_(TopologicalRanks(tasks)) {
  bool any_forward = false;
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) any_forward |= is_forward(task);
  everything_is_forward_ = !any_forward;
  for (OpId op : ops().kernel_ops()) {
    deepest_ = std::max(deepest_, std::min(Depth(ops().scope(op)), kDeepestScope));
  }
}

bool Segments::is_forward(KernelId task) const {
  const Phase phase = ops().phase(Op(task));
  return everything_is_forward_ || phase == Phase::kForward || phase == Phase::kUnspecified;
}

void Segments::Build(const std::function<std::string_view(std::string_view scope)>& key) {
  Begin();
  key_ = key;
  for (KernelId task : graph_.topological_order) {
    if (!is_forward(task)) continue;
    const std::string_view name = key_(ops().scope(Op(task)));
    if (name.empty()) continue;
    const auto [it, is_new] = segment_of_key_.try_emplace(name, size_);
    if (is_new) ++size_;
    if (is_new) keys_.push_back(name);
    segment_[task] = it->second;
  }
  End();
}

void Segments::BuildDepth(int depth) {
  if (depth > 0) {
    Build([depth](std::string_view scope) { return ScopePrefix(scope, depth); });
    return;
  }
  Begin();
  for (KernelId task : graph_.topological_order) {
    if (is_forward(task)) segment_[task] = size_++;
  }
  End();
}

void Segments::Begin() {
  size_ = 0;
  segment_.assign(tasks_.num_tasks(), kNone);
  segment_of_key_.clear();
  keys_.clear();
  key_ = [](std::string_view) { return std::string_view(); };
}

void Segments::End() {
  for (KernelId task : graph_.topological_order) {
    if (!is_forward(task)) segment_[task] = CounterpartSegment(task);
  }
  FollowNeighbours();
}

// Of the forward twin, the parameter's first reader, or the scope.
int32_t Segments::CounterpartSegment(KernelId task) const {
  const OpId op = Op(task);
  const OpId twin = trust_twins_ ? ops().forward_twin(op) : TrustedTwin(ops(), op);
  if (twin != kNone) {
    const KernelId twin_task = tasks_.kernels()->kernel_of(twin);
    if (twin_task != kNone && segment_[twin_task] != kNone) return segment_[twin_task];
  }
  if (ops().phase(op) == Phase::kOptimizer) {
    if (const int32_t segment = FirstReaderSegment(task); segment != kNone) return segment;
  }
  const auto it = segment_of_key_.find(key_(ops().scope(op)));
  return it == segment_of_key_.end() ? kNone : it->second;
}

int32_t Segments::FirstReaderSegment(KernelId optimizer) const {
  for (int32_t e = graph_.input_begin[optimizer]; e < graph_.input_begin[optimizer + 1]; ++e) {
    if (graph_.inputs[e].source != kNone) continue;
    const int parameter = tasks_.edge_tensor(e) - static_cast<int>(graph_.outputs.size());
    for (KernelId reader :
         KernelGraph::Row(graph_.parameter_readers, graph_.parameter_reader_begin, parameter)) {
      if (is_forward(reader) && segment_[reader] != kNone) return segment_[reader];
    }
  }
  return kNone;
}

// The latest task before, else the earliest task after, that has a segment; else the first.
void Segments::FollowNeighbours() {
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

}  // namespace gopt
