#include "src/cost/compiled_kernels.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "gopt/base/status_macros.h"

namespace gopt {
namespace {

// Beyond this many entries (512 MiB) kernel times are computed when asked for.
constexpr size_t kMaxTabulatedTimes = size_t{1} << 26;

class Compiler {
 public:
  Compiler(const Problem& problem, const Kernels& kernels, const RooflineCostModel& costs,
           const CompiledKernels* similar, CompiledKernels* result)
      : graph_(problem.graph()),
        kernels_(kernels),
        costs_(costs),
        similar_(similar),
        out_(*result) {
    const bool clones =
        kernels.has_clones() || (similar_ != nullptr && similar_->kernels->has_clones());
    if (clones || (similar_ != nullptr && similar_->time.empty())) similar_ = nullptr;
  }

  void Compile() {
    out_.num_kernels = kernels_.size();
    TabulateTimes();
    CountMissing();
    TransposeControls();
    IndexParameterReads();
    out_.output_bytes.reserve(out_.graph.outputs.size());
    for (PortId port : out_.graph.outputs) out_.output_bytes.push_back(graph_.port_bytes(port));
    CollectStorages();
    BoundBytes();
    CountUnmodelled();
  }

 private:
  void TabulateTimes() {
    out_.num_classes = costs_.num_device_classes();
    const size_t entries =
        static_cast<size_t>(out_.num_kernels) * static_cast<size_t>(out_.num_classes);
    if (entries > kMaxTabulatedTimes) return;
    out_.time.reserve(entries);
    for (KernelId kernel = 0; kernel < out_.num_kernels; ++kernel) {
      if (similar_ != nullptr && CopyTimes(kernel)) continue;
      for (int c = 0; c < out_.num_classes; ++c) {
        out_.time.push_back(costs_.KernelTime(kernels_.ops(kernel), out_.Outputs(kernel),
                                              costs_.class_representative(c)));
      }
    }
  }

  // Without clones the ops of a kernel say what of it others read, and so its time.
  bool CopyTimes(KernelId kernel) {
    const auto ops = kernels_.ops(kernel);
    const KernelId twin = similar_->kernels->kernel_of(ops.front());
    const auto same = similar_->Ops(twin);
    if (!std::equal(ops.begin(), ops.end(), same.begin(), same.end())) return false;
    const auto begin = similar_->time.begin() + static_cast<ptrdiff_t>(twin) * out_.num_classes;
    out_.time.insert(out_.time.end(), begin, begin + out_.num_classes);
    return true;
  }

  void CountMissing() {
    out_.missing.reserve(out_.num_kernels);
    for (KernelId kernel = 0; kernel < out_.num_kernels; ++kernel) {
      int32_t missing = out_.graph.control_begin[kernel + 1] - out_.graph.control_begin[kernel];
      for (const auto& input :
           KernelGraph::Row(out_.graph.inputs, out_.graph.input_begin, kernel)) {
        missing += input.source != kNone;
      }
      out_.missing.push_back(missing);
    }
  }

  void TransposeControls() {
    if (out_.graph.controls.empty()) return;
    std::vector<int32_t>& begin = out_.control_reader_begin;
    begin.assign(out_.num_kernels + 1, 0);
    for (KernelId source : out_.graph.controls) ++begin[source + 1];
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    out_.control_readers.resize(out_.graph.controls.size());
    std::vector<int32_t> next(begin.begin(), begin.end() - 1);
    for (KernelId kernel = 0; kernel < out_.num_kernels; ++kernel) {
      for (KernelId source :
           KernelGraph::Row(out_.graph.controls, out_.graph.control_begin, kernel)) {
        out_.control_readers[next[source]++] = kernel;
      }
    }
  }

  void IndexParameterReads() {
    const std::vector<KernelId>& readers = out_.graph.parameter_readers;
    std::vector<int32_t>& begin = out_.parameter_read_begin;
    begin.assign(out_.num_kernels + 1, 0);
    for (KernelId kernel : readers) ++begin[kernel + 1];
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    out_.parameter_reads.resize(readers.size());
    out_.read_parameter.resize(readers.size());
    std::vector<int32_t> next(begin.begin(), begin.end() - 1);
    for (size_t p = 0; p + 1 < out_.graph.parameter_reader_begin.size(); ++p) {
      const int32_t end = out_.graph.parameter_reader_begin[p + 1];
      for (int32_t read = out_.graph.parameter_reader_begin[p]; read < end; ++read) {
        out_.read_parameter[read] = static_cast<int32_t>(p);
        out_.parameter_reads[next[readers[read]]++] = read;
      }
    }
  }

  void CollectStorages() {
    found_of_storage_.assign(graph_.num_storages(), kNone);
    out_.storage_begin.assign(1, 0);
    out_.output_storage.assign(out_.graph.outputs.size(), kNone);
    for (KernelId kernel = 0; kernel < out_.num_kernels; ++kernel) {
      int64_t run_bytes = 0;
      const size_t first = out_.storages.size();
      for (OpId op : kernels_.ops(kernel)) {
        run_bytes = SaturatingAdd(run_bytes, graph_.scratch_bytes(op));
        run_bytes = SaturatingAdd(run_bytes, CollectStoragesOf(kernel, op));
      }
      int64_t start_bytes = run_bytes;
      for (size_t i = first; i < out_.storages.size(); ++i) {
        start_bytes = SaturatingAdd(start_bytes, out_.storages[i].bytes);
      }
      out_.run_bytes.push_back(run_bytes);
      out_.start_bytes.push_back(start_bytes);
      out_.storage_begin.push_back(static_cast<int32_t>(out_.storages.size()));
    }
  }

  // Adds the op's storages that outlive the kernel; returns the bytes of those that live only while
  // it runs.
  int64_t CollectStoragesOf(KernelId kernel, OpId op) {
    found_.clear();
    const std::vector<PortId>& outputs = out_.graph.outputs;
    const auto row_end = outputs.begin() + out_.graph.output_begin[kernel + 1];
    for (int i = 0; i < graph_.num_ports(op); ++i) {
      const PortId port = graph_.first_port(op) + i;
      const StorageId storage = graph_.storage(port);
      int32_t& index = found_of_storage_[storage];
      if (index == kNone) {
        index = static_cast<int32_t>(found_.size());
        found_.push_back({.storage = storage, .port = port});
      }
      Found& found = found_[index];
      found.is_output = found.is_output || graph_.is_output(port);
      const auto entry =
          std::lower_bound(outputs.begin() + out_.graph.output_begin[kernel], row_end, port);
      if (entry == row_end || *entry != port) continue;
      found.used = true;
      out_.output_storage[entry - outputs.begin()] = index;  // Provisional.
    }
    int64_t unused = 0;
    for (Found& found : found_) {
      found_of_storage_[found.storage] = kNone;
      const int64_t bytes = graph_.storage_bytes(found.storage);
      if (found.used || found.is_output) {
        found.position = static_cast<int32_t>(out_.storages.size());
        out_.storages.push_back(
            {.bytes = bytes, .port = found.port, .op = op, .is_output = found.is_output});
      } else if (kernels_.ops(kernel).size() == 1) {
        unused = SaturatingAdd(unused, bytes);
      }
    }
    for (auto entry = std::lower_bound(outputs.begin() + out_.graph.output_begin[kernel], row_end,
                                       graph_.first_port(op));
         entry != row_end && graph_.producer(*entry) == op; ++entry) {
      int32_t& storage = out_.output_storage[entry - outputs.begin()];
      storage = found_[storage].position;
    }
    return unused;
  }

  void BoundBytes() {
    int64_t most = 0;
    for (size_t i = 0; i < graph_.parameters().size(); ++i) {
      most = SaturatingAdd(most, PersistentBytes(graph_, static_cast<int>(i)));
    }
    for (int64_t bytes : out_.start_bytes) most = SaturatingAdd(most, bytes);
    for (const auto& input : out_.graph.inputs) {
      most = SaturatingAdd(most, graph_.port_bytes(input.port));
    }
    out_.most_bytes = most;
  }

  void CountUnmodelled() {
    for (KernelId kernel = 0; kernel < out_.num_kernels; ++kernel) {
      for (OpId op : kernels_.ops(kernel)) {
        if (graph_.kind(op) == OpKind::kCollective) ++out_.collectives;
        if (graph_.flops(op) >= 0) continue;
        int measured = 0;
        for (int c = 0; c < out_.num_classes; ++c) measured += costs_.IsMeasured(op, c);
        if (measured == 0) {
          ++out_.unknown_flops_everywhere;
        } else if (measured < out_.num_classes) {
          out_.unknown_flops_somewhere.emplace_back(kernel, op);
        }
      }
    }
  }

  // A storage of the op in hand.
  struct Found {
    StorageId storage;
    PortId port;
    bool is_output = false;
    bool used = false;  // By somebody outside the kernel.
    int32_t position = kNone;
  };

  const Graph& graph_;
  const Kernels& kernels_;
  const RooflineCostModel& costs_;
  const CompiledKernels* similar_;  // Null: none of use.
  CompiledKernels& out_;
  std::vector<Found> found_;
  std::vector<int32_t> found_of_storage_;  // Position in found_, or kNone.
};

}  // namespace

int64_t PersistentBytes(const Graph& graph, int parameter) {
  const PortId port = graph.first_port(graph.parameters()[parameter]);
  const __int128 bytes =
      static_cast<__int128>(graph.port_bytes(port)) * (1 + graph.optimizer_copies(port));
  return bytes > kSaturated ? kSaturated : static_cast<int64_t>(bytes);
}

absl::StatusOr<CompiledKernels> CompiledKernels::Create(const Problem& problem,
                                                        std::shared_ptr<const Kernels> kernels,
                                                        std::span<const DeviceId> device,
                                                        const RooflineCostModel& costs,
                                                        const CompiledKernels* similar) {
  CompiledKernels result;
  GOPT_ASSIGN_OR_RETURN(result.graph, KernelGraph::Create(*kernels, device));
  result.kernels = std::move(kernels);
  Compiler(problem, *result.kernels, costs, similar, &result).Compile();
  return result;
}

}  // namespace gopt
