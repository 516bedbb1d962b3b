#include "src/solve/signatures.h"

#include <string_view>

#include "absl/container/flat_hash_map.h"

namespace gopt {
namespace {

// The finalizer of splitmix64 (Steele, Lea, Flood, 2014), over what came before.
uint64_t Mix(uint64_t hash, uint64_t value) {
  uint64_t z = (hash ^ value) + 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint64_t HashOp(const Graph& graph, OpId op, int32_t type) {
  uint64_t hash = Mix(0, static_cast<uint64_t>(type));
  hash = Mix(hash, static_cast<uint64_t>(graph.fusion_class(op)));
  hash = Mix(hash, static_cast<uint64_t>(graph.phase(op)));
  const PortId first = graph.first_port(op);
  for (PortId port = first; port < first + graph.num_ports(op); ++port) {
    hash = Mix(hash, static_cast<uint64_t>(graph.dtype(port)));
    hash = Mix(hash, static_cast<uint64_t>(graph.port_bytes(port)));
    for (const int64_t dim : graph.dims(port)) hash = Mix(hash, static_cast<uint64_t>(dim));
  }
  return hash;
}

}  // namespace

Signatures::Signatures(const Graph& graph) : op_look_(graph.num_ops(), kNone) {
  absl::flat_hash_map<std::string_view, int32_t> types;
  absl::flat_hash_map<uint64_t, int32_t> looks;
  for (const OpId op : graph.kernel_ops()) {
    const int32_t type =
        types.try_emplace(graph.op_type(op), static_cast<int32_t>(types.size())).first->second;
    const auto [it, added] = looks.try_emplace(HashOp(graph, op, type), num_op_looks_);
    if (added) ++num_op_looks_;
    op_look_[op] = it->second;
  }
}

const std::vector<uint64_t>& Signatures::OfKernels(const std::shared_ptr<const Kernels>& kernels) {
  if (kernels_ == kernels) return kernel_look_;
  kernels_ = kernels;
  kernel_look_.resize(kernels->size());
  for (KernelId k = 0; k < kernels->size(); ++k) {
    uint64_t hash = 0;
    for (const OpId op : kernels->ops(k)) hash = Mix(hash, static_cast<uint64_t>(op_look_[op]) + 1);
    kernel_look_[k] = hash;
  }
  return kernel_look_;
}

}  // namespace gopt
