#include "src/plan/fused_bytes.h"

#include <utility>

namespace gopt {

OpBytes ResolveOpBytes(const Graph& graph) {
  OpBytes bytes;
  bytes.read.reserve(graph.num_ops());
  bytes.written.reserve(graph.num_ops());
  std::vector<OpId> last_reader(static_cast<size_t>(graph.num_ports()), kNone);
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    int64_t read = 0, written = 0;
    for (const PortId port : graph.operands(op)) {
      if (std::exchange(last_reader[port], op) == op) continue;
      read = SaturatingAdd(read, graph.port_bytes(port));
    }
    for (int i = 0; i < graph.num_ports(op); ++i) {
      written = SaturatingAdd(written, graph.port_bytes(graph.first_port(op) + i));
    }
    bytes.read.push_back(graph.bytes_read(op) >= 0 ? graph.bytes_read(op) : read);
    bytes.written.push_back(graph.bytes_written(op) >= 0 ? graph.bytes_written(op) : written);
  }
  return bytes;
}

}  // namespace gopt
