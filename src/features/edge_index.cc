#include "src/features/edge_index.h"

#include <ATen/ops/empty.h>

#include <algorithm>

namespace gopt {
namespace {

at::Tensor LongTensor(int64_t size) { return at::empty({size}, at::kLong); }

std::span<int64_t> Values(const at::Tensor& tensor) {
  return {tensor.mutable_data_ptr<int64_t>(), static_cast<size_t>(tensor.numel())};
}

// Counting sort of the edges, which are in order of targets, by source.
void SortBySource(const Graph& graph, std::span<const int64_t> source, std::span<int64_t> out_begin,
                  std::span<int64_t> out_edge) {
  out_begin[0] = 0;
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    out_begin[op + 1] = out_begin[op] + static_cast<int64_t>(graph.successors(op).size());
  }
  std::vector<int64_t> next(out_begin.begin(), out_begin.end() - 1);
  for (size_t e = 0; e < source.size(); ++e) {
    out_edge[next[source[e]]++] = static_cast<int64_t>(e);
  }
}

// A transfer between average devices; saturates as all times do.
class Transfer {
 public:
  Transfer(double latency, double inverse_bandwidth)
      : latency_(latency), inverse_bandwidth_(inverse_bandwidth) {}
  double operator()(double bytes) const {
    return std::min(latency_ + bytes * inverse_bandwidth_, static_cast<double>(kSaturated));
  }

 private:
  double latency_, inverse_bandwidth_;
};

// Bytes of the distinct ports of each predecessor that the op reads.
class EdgeBytes {
 public:
  EdgeBytes(const Graph& graph, const EdgeIndex& edges, EdgeTraffic* traffic)
      : graph_(graph),
        edges_(edges),
        traffic_(*traffic),
        edge_of_source_(graph.num_ops()),
        last_reader_(graph.num_ports(), kNone) {}

  void Add(OpId reader) {
    const int64_t begin = edges_.in_begin[reader], end = edges_.in_begin[reader + 1];
    for (int64_t e = begin; e < end; ++e) edge_of_source_[edges_.source[e]] = e;
    for (const PortId port : graph_.operands(reader)) {
      if (last_reader_[port] == reader) continue;
      last_reader_[port] = reader;
      const int64_t e = edge_of_source_[graph_.producer(port)];
      traffic_.bytes[e] += static_cast<double>(graph_.port_bytes(port));
      traffic_.control_only[e] = 0;
    }
  }

 private:
  const Graph& graph_;
  const EdgeIndex& edges_;
  EdgeTraffic& traffic_;
  std::vector<int64_t> edge_of_source_;
  std::vector<OpId> last_reader_;
};

double PortTransfer(const Graph& graph, OpId op, const Transfer& transfer) {
  if (!graph.in_kernel(op) && graph.kind(op) != OpKind::kParameter) return 0.0;
  double sum = 0.0;
  for (int i = 0; i < graph.num_ports(op); ++i) {
    const PortId port = graph.first_port(op) + i;
    const std::span<const OpId> readers = graph.readers(port);
    const bool moves = std::any_of(readers.begin(), readers.end(),
                                   [&](OpId reader) { return graph.in_kernel(reader); });
    if (moves) sum += transfer(static_cast<double>(graph.port_bytes(port)));
  }
  return sum;
}

}  // namespace

EdgeIndex FillEdges(const Graph& graph, GraphFeatures* features) {
  const int64_t ops = graph.num_ops(), count = graph.num_edges();
  for (at::Tensor* tensor : {&features->edge_source, &features->edge_target, &features->out_edge}) {
    *tensor = LongTensor(count);
  }
  features->in_begin = LongTensor(ops + 1);
  features->out_begin = LongTensor(ops + 1);
  const std::span<int64_t> source = Values(features->edge_source);
  const std::span<int64_t> target = Values(features->edge_target);
  const std::span<int64_t> in_begin = Values(features->in_begin);
  const std::span<int64_t> out_begin = Values(features->out_begin);
  int64_t e = 0;
  for (OpId op = 0; op < ops; ++op) {
    in_begin[op] = e;
    for (const OpId producer : graph.predecessors(op)) {
      source[e] = producer;
      target[e++] = op;
    }
  }
  in_begin[ops] = e;
  SortBySource(graph, source, out_begin, Values(features->out_edge));
  return {source, target, in_begin, out_begin};
}

EdgeTraffic MakeEdgeTraffic(const Graph& graph, const EdgeIndex& edges, double mean_latency,
                            double mean_inverse_bandwidth) {
  const Transfer transfer(mean_latency, mean_inverse_bandwidth);
  EdgeTraffic traffic;
  traffic.bytes.assign(edges.size(), 0.0);
  traffic.control_only.assign(edges.size(), 1);
  traffic.port_transfer.resize(graph.num_ops());
  EdgeBytes bytes(graph, edges, &traffic);
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    bytes.Add(op);
    traffic.port_transfer[op] = PortTransfer(graph, op, transfer);
  }
  traffic.transfer.assign(edges.size(), 0.0);
  for (int64_t e = 0; e < edges.size(); ++e) {
    const auto source = static_cast<OpId>(edges.source[e]);
    const auto target = static_cast<OpId>(edges.target[e]);
    if (traffic.control_only[e] != 0 || NeverMoves(graph, source, target)) continue;
    traffic.transfer[e] = transfer(traffic.bytes[e]);
  }
  return traffic;
}

}  // namespace gopt
