#include "src/solve/groups.h"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "gopt/solve/metis.h"

namespace gopt {
namespace {

constexpr double kMaxOverAverage = 3.0;  // Tasks of a cluster over the average.
constexpr int kMaxScopeDepth = 8;

struct Edge {
  int64_t bytes;
  int32_t from, to;
};

class Clusters {
 public:
  explicit Clusters(int n) : parent_(n), size_(n, 1), count_(n) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  int32_t Find(int32_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  // False if they are one already or would be larger than max_size.
  bool Merge(int32_t a, int32_t b, int64_t max_size) {
    a = Find(a);
    b = Find(b);
    if (a == b || size_[a] + size_[b] > max_size) return false;
    if (size_[a] < size_[b]) std::swap(a, b);
    parent_[b] = a;
    size_[a] += size_[b];
    --count_;
    return true;
  }
  int count() const { return count_; }

 private:
  std::vector<int32_t> parent_;
  std::vector<int64_t> size_;
  int count_;
};

std::vector<Edge> EdgesHeaviestFirst(const TaskGraph& tasks) {
  const KernelGraph& graph = tasks.kernel_graph();
  std::vector<Edge> edges;
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
    for (int32_t e = graph.input_begin[task]; e < graph.input_begin[task + 1]; ++e) {
      const KernelId source = graph.inputs[e].source;
      if (source != kNone) edges.push_back({tasks.edge_bytes(e), source, task});
    }
  }
  std::stable_sort(edges.begin(), edges.end(),
                   [](const Edge& a, const Edge& b) { return a.bytes > b.bytes; });
  return edges;
}

// First `depth` components of a module path; empty when it has fewer.
std::string_view Prefix(std::string_view scope, int depth) {
  size_t end = 0;
  for (int i = 0; i < depth; ++i) {
    if (end >= scope.size()) return {};
    if (i > 0) ++end;
    end = std::min(scope.find_first_of("./", end), scope.size());
  }
  return scope.substr(0, end);
}

void AddIfUseful(Grouping grouping, std::vector<Grouping>* groupings) {
  if (grouping.num_groups() > 0) groupings->push_back(std::move(grouping));
}

Grouping HeavyEdgeClusters(const TaskGraph& tasks, const std::vector<Edge>& edges, int count) {
  const int n = tasks.num_tasks();
  const auto max_size =
      static_cast<int64_t>(kMaxOverAverage * static_cast<double>(n) / std::max(1, count)) + 1;
  Clusters clusters(n);
  for (const Edge& edge : edges) {
    if (clusters.count() <= count) break;
    clusters.Merge(edge.from, edge.to, max_size);
  }
  std::vector<int32_t> label(n);
  for (KernelId task = 0; task < n; ++task) label[task] = clusters.Find(task);
  return Grouping::FromLabels(label, *tasks.kernels());
}

}  // namespace

Grouping Grouping::FromLabels(const std::vector<int32_t>& label, const Kernels& kernels) {
  const auto n = static_cast<int32_t>(label.size());
  int32_t labels = 0;
  for (int32_t l : label) labels = std::max(labels, l + 1);
  std::vector<int32_t> size(labels, 0), ops_of_label(labels, 0);
  for (KernelId kernel = 0; kernel < n; ++kernel) {
    if (label[kernel] < 0) continue;
    ++size[label[kernel]];
    ops_of_label[label[kernel]] += static_cast<int32_t>(kernels.ops(kernel).size());
  }
  Grouping grouping;
  grouping.begin.push_back(0);
  std::vector<int32_t> group_of_label(labels, kNone);
  for (int32_t l = 0; l < labels; ++l) {
    if (size[l] < 2 || size[l] > n - n / 8) continue;
    group_of_label[l] = grouping.num_groups();
    grouping.begin.push_back(grouping.begin.back() + ops_of_label[l]);
  }
  grouping.ops.resize(grouping.begin.back());
  grouping.group_of.assign(kernels.graph().num_ops(), kNone);
  std::vector<int32_t> next(grouping.begin.begin(), grouping.begin.end() - 1);
  for (KernelId kernel = 0; kernel < n; ++kernel) {
    const int32_t group = label[kernel] < 0 ? kNone : group_of_label[label[kernel]];
    if (group == kNone) continue;
    for (OpId op : kernels.ops(kernel)) {
      grouping.group_of[op] = group;
      grouping.ops[next[group]++] = op;
    }
  }
  return grouping;
}

Grouping HeavyEdgeClusters(const TaskGraph& tasks, int count) {
  return HeavyEdgeClusters(tasks, EdgesHeaviestFirst(tasks), count);
}

std::vector<Grouping> ScopeGroups(const TaskGraph& tasks) {
  const Graph& graph = tasks.problem().graph();
  std::vector<Grouping> groupings;
  std::vector<int32_t> previous;
  for (int depth = 1; depth <= kMaxScopeDepth; ++depth) {
    absl::flat_hash_map<std::string_view, int32_t> labels;
    std::vector<int32_t> label(tasks.num_tasks(), kNone);
    for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
      const std::string_view prefix =
          Prefix(graph.scope(tasks.kernels()->ops(task).front()), depth);
      if (prefix.empty()) continue;
      label[task] = labels.try_emplace(prefix, static_cast<int32_t>(labels.size())).first->second;
    }
    if (labels.empty()) break;
    if (label != previous) AddIfUseful(Grouping::FromLabels(label, *tasks.kernels()), &groupings);
    previous = std::move(label);
  }
  return groupings;
}

std::vector<Grouping> NeighbourhoodGroups(const TaskGraph& tasks, uint64_t seed, bool metis) {
  const int n = tasks.num_tasks();
  const int devices = tasks.num_devices();
  std::vector<Grouping> groupings;
  const std::vector<Edge> edges = EdgesHeaviestFirst(tasks);
  for (int count : {n / 6, n / 24, 8 * devices, 3 * devices}) {
    if (count < 2 || count > n / 2) continue;
    AddIfUseful(HeavyEdgeClusters(tasks, edges, count), &groupings);
  }
  for (int count : {4 * devices, 16 * devices}) {
    if (!metis || count > n / 2) continue;
    const absl::StatusOr<std::vector<int32_t>> parts = MetisParts(tasks, count, seed);
    if (parts.ok()) AddIfUseful(Grouping::FromLabels(*parts, *tasks.kernels()), &groupings);
  }
  for (Grouping& grouping : ScopeGroups(tasks)) groupings.push_back(std::move(grouping));
  return groupings;
}

}  // namespace gopt
