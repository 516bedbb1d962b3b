#include "src/solve/metis_graph.h"

#include <algorithm>
#include <cmath>

namespace gopt {
namespace {

struct HalfEdge {
  int32_t from;
  int32_t to;
  double bytes;
};

void NumberVertices(const TaskGraph& tasks, PartitionGraph* graph) {
  std::vector<int32_t> vertex_of_group(tasks.num_groups(), kNone);
  graph->vertex_of_task.resize(tasks.num_tasks());
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
    const int32_t group = tasks.group(task);
    int32_t vertex = group == kNone ? kNone : vertex_of_group[group];
    if (vertex == kNone) {
      vertex = graph->num_vertices();
      graph->time.push_back(0.0);
      if (group != kNone) vertex_of_group[group] = vertex;
    }
    graph->vertex_of_task[task] = vertex;
    graph->time[vertex] += tasks.mean_time(task);
  }
}

// Both directions of each tensor from its maker, or from the task at a parameter's home, to each
// reader.
std::vector<HalfEdge> ListEdges(const TaskGraph& tasks, const PartitionGraph& graph) {
  const KernelGraph& kernels = tasks.kernel_graph();
  std::vector<HalfEdge> edges;
  edges.reserve(2 * kernels.inputs.size());
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
    for (int32_t e = kernels.input_begin[task]; e < kernels.input_begin[task + 1]; ++e) {
      KernelId source = kernels.inputs[e].source;
      if (source == kNone) {
        source = tasks.home_task(tasks.edge_tensor(e) - static_cast<int>(kernels.outputs.size()));
      }
      if (source == kNone) continue;
      const int32_t from = graph.vertex_of_task[source], to = graph.vertex_of_task[task];
      if (from == to) continue;
      const double bytes = static_cast<double>(tasks.edge_bytes(e));
      edges.push_back({from, to, bytes});
      edges.push_back({to, from, bytes});
    }
  }
  return edges;
}

// Sorts by first vertex (counting sort), then adds up parallel edges.
void Compress(const std::vector<HalfEdge>& edges, PartitionGraph* graph) {
  const int n = graph->num_vertices();
  std::vector<int64_t> place(n + 1, 0);
  for (const HalfEdge& edge : edges) ++place[edge.from + 1];
  for (int v = 0; v < n; ++v) place[v + 1] += place[v];
  const std::vector<int64_t> row = place;
  std::vector<int64_t> sorted(edges.size());
  for (size_t i = 0; i < edges.size(); ++i) sorted[place[edges[i].from]++] = i;

  std::vector<int64_t> position(n, -1);  // Of the neighbour in the current row.
  graph->begin.assign(1, 0);
  for (int v = 0; v < n; ++v) {
    for (int64_t i = row[v]; i < row[v + 1]; ++i) {
      const HalfEdge& edge = edges[sorted[i]];
      if (position[edge.to] < graph->begin[v]) {
        position[edge.to] = static_cast<int64_t>(graph->neighbour.size());
        graph->neighbour.push_back(edge.to);
        graph->bytes.push_back(0.0);
      }
      graph->bytes[position[edge.to]] += edge.bytes;
    }
    graph->begin.push_back(static_cast<int64_t>(graph->neighbour.size()));
  }
}

}  // namespace

PartitionGraph PartitionGraph::Create(const TaskGraph& tasks) {
  PartitionGraph graph;
  NumberVertices(tasks, &graph);
  Compress(ListEdges(tasks, graph), &graph);
  return graph;
}

std::vector<int32_t> ScaleTo32Bits(std::span<const double> weights, int32_t least) {
  double sum = 0.0;
  for (double weight : weights) sum += weight;
  constexpr double kLargestSum = 1 << 30;
  constexpr double kSmallestSum = 1 << 20;  // Below, rounding to integers would lose proportions.
  double scale = 1.0;
  if (sum > kLargestSum) scale = kLargestSum / sum;
  if (sum > 0.0 && sum < kSmallestSum) scale = kSmallestSum / sum;
  std::vector<int32_t> scaled;
  scaled.reserve(weights.size());
  for (double weight : weights) {
    scaled.push_back(std::max(least, static_cast<int32_t>(std::floor(weight * scale))));
  }
  return scaled;
}

}  // namespace gopt
