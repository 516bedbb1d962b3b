#include "gopt/plan/kernel_graph.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "src/graph/cycle.h"
#include "src/plan/copy_chooser.h"
#include "src/plan/describe.h"

namespace gopt {
namespace {

// Sorts and makes distinct; rows are nearly always in order already.
template <typename Row>
void Normalize(Row* row) {
  if (!std::is_sorted(row->begin(), row->end())) std::sort(row->begin(), row->end());
  row->erase(std::unique(row->begin(), row->end()), row->end());
}

void PrefixSums(std::vector<int32_t>* counts) {
  std::partial_sum(counts->begin(), counts->end(), counts->begin());
}

constexpr DeviceId kMaxDeviceId = 1 << 20;  // Bounds the chooser's tables.

absl::Status CheckDevices(const Kernels& kernels, std::span<const DeviceId> device) {
  if (device.empty() && !kernels.copies_depend_on_device()) return absl::OkStatus();
  if (device.size() != static_cast<size_t>(kernels.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("kernel graph: ", device.size(), " devices for ", kernels.size(), " kernels"));
  }
  for (const DeviceId id : device) {
    if (id >= 0 && id < kMaxDeviceId) continue;
    return absl::InvalidArgumentError(absl::StrCat("kernel graph: device ", id, " does not exist"));
  }
  return absl::OkStatus();
}

// Builds a KernelGraph port by port, so that rows come out sorted without being sorted.
class KernelGraphBuilder {
 public:
  KernelGraphBuilder(const Kernels& kernels, std::span<const DeviceId> device)
      : kernels_(kernels), graph_(kernels.graph()), chooser_(kernels, device) {}

  absl::StatusOr<KernelGraph> Build() {
    result_.num_kernels = kernels_.size();
    if (kernels_.has_clones()) copy_is_read_.assign(kernels_.columns().ops.size(), 0);
    GOPT_RETURN_IF_ERROR(CollectReads());
    FillInputs();
    FillOutputs();
    FillParameterReaders();
    FillControls();
    GOPT_RETURN_IF_ERROR(CheckCopiesAreRead());
    FillNeighbours();
    GOPT_RETURN_IF_ERROR(FillOrder());
    return std::move(result_);
  }

 private:
  struct Read {
    KernelId source;  // kNone: a parameter.
    KernelId reader;
    bool operator==(const Read&) const = default;
    auto operator<=>(const Read&) const = default;
  };
  // The reads of one port: reads_[begin .. end).
  struct PortReads {
    PortId port;
    int32_t begin, end;
  };
  // The reads of one copy of one port.
  struct CopyReads {
    PortId port;
    KernelId source;
    int32_t begin, end;
  };

  // One entry per distinct (port, copy, reading kernel), by port, source, reader.
  absl::Status CollectReads() {
    for (PortId port = 0; port < graph_.num_ports(); ++port) {
      const OpId producer = graph_.producer(port);
      const bool parameter = graph_.kind(producer) == OpKind::kParameter;
      if (!parameter && !graph_.in_kernel(producer)) continue;
      if (!parameter) chooser_.Load(producer);
      row_.clear();
      for (const OpId reader : graph_.readers(port)) {
        for (const KernelId kernel : kernels_.kernels_of(reader)) {
          const KernelId source = parameter ? kNone : Choose(producer, kernel);
          if (source != kernel) row_.push_back({source, kernel});
        }
      }
      if (row_.empty()) continue;
      Normalize(&row_);
      if (reads_.size() + row_.size() > std::numeric_limits<int32_t>::max()) {
        return absl::InvalidArgumentError("kernel graph: more than 2^31 edges");
      }
      const int32_t begin = static_cast<int32_t>(reads_.size());
      reads_.insert(reads_.end(), row_.begin(), row_.end());
      ports_.push_back({port, begin, static_cast<int32_t>(reads_.size())});
    }
    return absl::OkStatus();
  }

  KernelId Choose(OpId op, KernelId reader) {
    const KernelId kernel = chooser_.Choose(reader);
    if (kernels_.has_clones()) copy_is_read_[CopyIndex(op, kernel)] = 1;
    return kernel;
  }

  // Position of the op's copy in `kernel` among all copies, by op and kernel.
  size_t CopyIndex(OpId op, KernelId kernel) const {
    const std::span<const KernelId> copies = kernels_.kernels_of(op);
    const auto it = std::lower_bound(copies.begin(), copies.end(), kernel);
    return static_cast<size_t>(copies.data() - kernels_.kernels_of(0).data()) +
           static_cast<size_t>(it - copies.begin());
  }

  void FillInputs() {
    result_.input_begin.assign(kernels_.size() + 1, 0);
    for (const Read& read : reads_) ++result_.input_begin[read.reader + 1];
    PrefixSums(&result_.input_begin);
    result_.inputs.resize(reads_.size());
    std::vector<int32_t> next(result_.input_begin.begin(), result_.input_begin.end() - 1);
    for (const PortReads& port : ports_) {
      for (int32_t i = port.begin; i < port.end; ++i) {
        result_.inputs[next[reads_[i].reader]++] = {port.port, reads_[i].source};
      }
    }
  }

  std::vector<CopyReads> GroupByCopy() const {
    std::vector<CopyReads> groups;
    for (const PortReads& port : ports_) {
      for (int32_t i = port.begin; i < port.end; ++i) {
        if (reads_[i].source == kNone) continue;
        if (i == port.begin || reads_[i].source != reads_[i - 1].source) {
          groups.push_back({port.port, reads_[i].source, i, i});
        }
        groups.back().end = i + 1;
      }
    }
    return groups;
  }

  void FillOutputs() {
    const std::vector<CopyReads> groups = GroupByCopy();
    result_.output_begin.assign(kernels_.size() + 1, 0);
    for (const CopyReads& group : groups) ++result_.output_begin[group.source + 1];
    PrefixSums(&result_.output_begin);
    std::vector<int32_t> next(result_.output_begin.begin(), result_.output_begin.end() - 1);
    result_.outputs.resize(groups.size());
    result_.reader_begin.assign(groups.size() + 1, 0);
    std::vector<int32_t> position(groups.size());
    for (size_t g = 0; g < groups.size(); ++g) {
      position[g] = next[groups[g].source]++;
      result_.outputs[position[g]] = groups[g].port;
      result_.reader_begin[position[g] + 1] = groups[g].end - groups[g].begin;
    }
    PrefixSums(&result_.reader_begin);
    result_.readers.resize(result_.reader_begin.back());
    for (size_t g = 0; g < groups.size(); ++g) {
      int32_t at = result_.reader_begin[position[g]];
      for (int32_t i = groups[g].begin; i < groups[g].end; ++i) {
        result_.readers[at++] = reads_[i].reader;
      }
    }
  }

  void FillParameterReaders() {
    const std::span<const OpId> parameters = graph_.parameters();
    result_.parameter_reader_begin.assign(1, 0);
    size_t at = 0;
    std::vector<KernelId> row;
    for (const OpId parameter : parameters) {
      row.clear();
      while (at < ports_.size() && graph_.producer(ports_[at].port) < parameter) ++at;
      for (; at < ports_.size() && graph_.producer(ports_[at].port) == parameter; ++at) {
        for (int32_t i = ports_[at].begin; i < ports_[at].end; ++i) {
          row.push_back(reads_[i].reader);
        }
      }
      Normalize(&row);
      result_.parameter_readers.insert(result_.parameter_readers.end(), row.begin(), row.end());
      result_.parameter_reader_begin.push_back(
          static_cast<int32_t>(result_.parameter_readers.size()));
    }
  }

  // Control edges by source op, so that each op's copies are loaded once.
  void FillControls() {
    std::vector<std::pair<OpId, KernelId>> edges;  // Source op, waiting kernel.
    for (const OpId op : graph_.kernel_ops()) {
      for (const OpId source : graph_.controls(op)) {
        if (!graph_.in_kernel(source)) continue;  // Holds at 0.
        for (const KernelId kernel : kernels_.kernels_of(op)) edges.push_back({source, kernel});
      }
    }
    if (kernels_.has_clones()) Normalize(&edges);
    std::vector<std::pair<KernelId, KernelId>> waits;  // Waiting kernel, awaited kernel.
    for (const auto& [source, kernel] : edges) {
      chooser_.Load(source);
      const KernelId awaited = Choose(source, kernel);
      if (awaited != kernel) waits.push_back({kernel, awaited});
    }
    Normalize(&waits);
    result_.control_begin.assign(kernels_.size() + 1, 0);
    for (const auto& [kernel, awaited] : waits) ++result_.control_begin[kernel + 1];
    PrefixSums(&result_.control_begin);
    for (const auto& [kernel, awaited] : waits) result_.controls.push_back(awaited);
  }

  absl::Status CheckCopiesAreRead() const {
    if (!kernels_.has_clones()) return absl::OkStatus();
    for (const OpId op : graph_.kernel_ops()) {
      const std::span<const KernelId> copies = kernels_.kernels_of(op);
      if (copies.size() == 1 || IsOutput(op)) continue;
      for (const KernelId kernel : copies) {
        if (copy_is_read_[CopyIndex(op, kernel)] != 0) continue;
        return absl::InvalidArgumentError(
            absl::StrCat(DescribeKernel(kernels_, kernel), ": nobody reads its copy of ",
                         graph_.Describe(op), ", which is no output"));
      }
    }
    return absl::OkStatus();
  }

  bool IsOutput(OpId op) const {
    const PortId first = graph_.first_port(op);
    for (PortId port = first; port < first + graph_.num_ports(op); ++port) {
      if (graph_.is_output(port)) return true;
    }
    return false;
  }

  void FillNeighbours() {
    result_.predecessor_begin.assign(1, 0);
    result_.successor_begin.assign(kernels_.size() + 1, 0);
    std::vector<KernelId> row;
    for (KernelId kernel = 0; kernel < kernels_.size(); ++kernel) {
      row.clear();
      for (const auto& input : KernelGraph::Row(result_.inputs, result_.input_begin, kernel)) {
        if (input.source != kNone) row.push_back(input.source);
      }
      const auto controls = KernelGraph::Row(result_.controls, result_.control_begin, kernel);
      row.insert(row.end(), controls.begin(), controls.end());
      Normalize(&row);
      for (const KernelId before : row) ++result_.successor_begin[before + 1];
      result_.predecessors.insert(result_.predecessors.end(), row.begin(), row.end());
      result_.predecessor_begin.push_back(static_cast<int32_t>(result_.predecessors.size()));
    }
    PrefixSums(&result_.successor_begin);
    result_.successors.resize(result_.predecessors.size());
    std::vector<int32_t> next(result_.successor_begin.begin(), result_.successor_begin.end() - 1);
    for (KernelId kernel = 0; kernel < kernels_.size(); ++kernel) {
      for (const KernelId before :
           KernelGraph::Row(result_.predecessors, result_.predecessor_begin, kernel)) {
        result_.successors[next[before]++] = kernel;
      }
    }
  }

  bool IdsAreTopological() const {
    for (KernelId kernel = 0; kernel < kernels_.size(); ++kernel) {
      const auto row = KernelGraph::Row(result_.predecessors, result_.predecessor_begin, kernel);
      if (!row.empty() && row.back() > kernel) return false;
    }
    return true;
  }

  absl::Status FillOrder() {
    if (IdsAreTopological()) {
      result_.topological_order.resize(kernels_.size());
      std::iota(result_.topological_order.begin(), result_.topological_order.end(), 0);
      return absl::OkStatus();
    }
    result_.topological_order = TopologicalOrder(result_.successor_begin, result_.successors);
    if (result_.topological_order.size() == static_cast<size_t>(kernels_.size())) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "cycle among kernels: ",
        DescribeCycle(kernels_, ShortestCycle(result_.successor_begin, result_.successors))));
  }

  const Kernels& kernels_;
  const Graph& graph_;
  CopyChooser chooser_;
  KernelGraph result_;
  std::vector<Read> row_, reads_;
  std::vector<PortReads> ports_;
  std::vector<uint8_t> copy_is_read_;
};

}  // namespace

absl::StatusOr<KernelGraph> KernelGraph::Create(const Kernels& kernels,
                                                std::span<const DeviceId> device) {
  GOPT_RETURN_IF_ERROR(CheckDevices(kernels, device));
  return KernelGraphBuilder(kernels, device).Build();
}

KernelId ChooseCopy(const Kernels& kernels, std::span<const DeviceId> device, KernelId reader,
                    OpId op) {
  const std::span<const KernelId> copies = kernels.kernels_of(op);
  if (copies.size() == 1) return copies.front();
  if (std::binary_search(copies.begin(), copies.end(), reader)) return reader;
  const bool recomputed = kernels.is_recomputed(op);
  const auto is_for_reader = [&](KernelId kernel) {
    return !recomputed || kernels.is_backward(kernel) == kernels.is_backward(reader);
  };
  const bool none = std::none_of(copies.begin(), copies.end(), is_for_reader);
  KernelId lowest = kNone;
  for (const KernelId kernel : copies) {
    if (!none && !is_for_reader(kernel)) continue;
    if (device[kernel] == device[reader]) return kernel;
    if (lowest == kNone) lowest = kernel;
  }
  return lowest;
}

}  // namespace gopt
