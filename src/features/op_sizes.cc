#include "src/features/op_sizes.h"

#include <algorithm>

#include "src/features/scale.h"

namespace gopt {
namespace {

// Ports of one storage count once.
void AddOutputs(const Graph& graph, OpSizes* sizes) {
  std::vector<uint8_t> seen(graph.num_storages(), 0);
  for (PortId port = 0; port < graph.num_ports(); ++port) {
    const StorageId storage = graph.storage(port);
    if (seen[storage] != 0) continue;
    seen[storage] = 1;
    sizes->output_bytes[graph.producer(port)] += static_cast<double>(graph.storage_bytes(storage));
  }
}

double PersistentBytes(const Graph& graph, OpId parameter) {
  double bytes = 0.0;
  for (int i = 0; i < graph.num_ports(parameter); ++i) {
    const PortId port = graph.first_port(parameter) + i;
    bytes += static_cast<double>(graph.port_bytes(port)) * (1.0 + graph.optimizer_copies(port));
  }
  return bytes;
}

void AddReads(const EdgeIndex& edges, const EdgeTraffic& traffic, OpSizes* sizes) {
  double total = 0.0, count = 0.0;
  for (int64_t e = 0; e < edges.size(); ++e) {
    sizes->read_bytes[edges.target[e]] += traffic.bytes[e];
    sizes->parameter_bytes_read[edges.target[e]] += sizes->persistent_bytes[edges.source[e]];
    total += traffic.bytes[e];
    count += traffic.bytes[e] > 0.0 ? 1.0 : 0.0;
  }
  sizes->mean_edge = MeanOf(total, count);
}

void AddMeans(const Graph& graph, OpSizes* sizes) {
  double read = 0.0, flops = 0.0;
  for (const OpId op : graph.kernel_ops()) {
    sizes->total_output += sizes->output_bytes[op];
    read += sizes->read_bytes[op];
    flops += std::max(0.0, graph.flops(op));
  }
  const auto kernels = static_cast<double>(graph.kernel_ops().size());
  sizes->mean_output = MeanOf(sizes->total_output, kernels);
  sizes->mean_read = MeanOf(read, kernels);
  sizes->mean_flops = MeanOf(flops, kernels);
  sizes->mean_persistent =
      MeanOf(sizes->total_persistent, static_cast<double>(graph.parameters().size()));
}

}  // namespace

OpSizes MakeOpSizes(const Graph& graph, const EdgeIndex& edges, const EdgeTraffic& traffic) {
  OpSizes sizes;
  for (std::vector<double>* column : {&sizes.output_bytes, &sizes.read_bytes,
                                      &sizes.persistent_bytes, &sizes.parameter_bytes_read}) {
    column->assign(graph.num_ops(), 0.0);
  }
  AddOutputs(graph, &sizes);
  for (const OpId parameter : graph.parameters()) {
    sizes.persistent_bytes[parameter] = PersistentBytes(graph, parameter);
    sizes.total_persistent += sizes.persistent_bytes[parameter];
  }
  AddReads(edges, traffic, &sizes);
  AddMeans(graph, &sizes);
  return sizes;
}

}  // namespace gopt
