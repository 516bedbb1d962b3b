#ifndef GOPT_SRC_PLAN_FUSED_BYTES_H_
#define GOPT_SRC_PLAN_FUSED_BYTES_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/graph/graph.h"

namespace gopt {

// Bytes that each op reads and writes when it runs alone: the graph's, and where these are unknown
// the sum of its distinct operand and of its output ports.
struct OpBytes {
  std::vector<int64_t> read, written;  // Per op.
};
GOPT_API OpBytes ResolveOpBytes(const Graph& graph);

// What a fused kernel moves, and what it saves against its ops run one by one.
struct FusedBytes {
  int64_t moved = 0;
  int64_t saved = 0;
};

// What one op of a fused kernel saves by the rule of docs/simulator.md, "Fused": what it need not
// read and write. made_here(op): whether an op of the kernel; leaves(port): whether somebody
// outside reads this port of an op of the kernel. Outputs are seen to here.
template <typename MadeHere, typename Leaves>
int64_t CountSavedByOp(const Graph& graph, const OpBytes& bytes, OpId op, const MadeHere& made_here,
                       const Leaves& leaves) {
  int64_t saved = 0;
  absl::InlinedVector<PortId, 16> made;  // Operands that this kernel makes.
  for (const PortId port : graph.operands(op)) {
    if (made_here(graph.producer(port))) made.push_back(port);
  }
  if (made.size() > 1) {
    std::sort(made.begin(), made.end());
    made.erase(std::unique(made.begin(), made.end()), made.end());
  }
  int64_t read_left = bytes.read[op];
  for (const PortId port : made) {
    const int64_t not_read = std::min(graph.port_bytes(port), read_left);
    read_left -= not_read;
    saved = SaturatingAdd(saved, not_read);
  }
  int64_t written_left = bytes.written[op];
  const PortId first = graph.first_port(op);
  for (PortId port = first; port < first + graph.num_ports(op); ++port) {
    if (graph.is_output(port) || leaves(port)) continue;
    const int64_t not_written = std::min(graph.port_bytes(port), written_left);
    written_left -= not_written;
    saved = SaturatingAdd(saved, not_written);
  }
  return saved;
}

// The same for all its ops.
template <typename MadeHere, typename Leaves>
FusedBytes CountFusedBytes(const Graph& graph, const OpBytes& bytes, std::span<const OpId> ops,
                           const MadeHere& made_here, const Leaves& leaves) {
  int64_t sum = 0, saved = 0;
  for (const OpId op : ops) {
    sum = SaturatingAdd(sum, SaturatingAdd(bytes.read[op], bytes.written[op]));
    saved = SaturatingAdd(saved, CountSavedByOp(graph, bytes, op, made_here, leaves));
  }
  return {.moved = sum - saved, .saved = saved};
}

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_FUSED_BYTES_H_
