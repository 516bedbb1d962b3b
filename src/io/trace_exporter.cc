#include "src/io/trace_exporter.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/plan/kernel_graph.h"
#include "src/io/export_request.h"
#include "src/io/json_text.h"

namespace gopt {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kProcess = 1;
constexpr size_t kMaxOpsListed = 32;

// The format counts in microseconds; thousandths keep the nanoseconds.
double Microseconds(Nanoseconds time) { return static_cast<double>(time) / 1000.0; }

class Trace {
 public:
  Trace(const ExportRequest& request, std::string* out)
      : graph_(request.problem->graph()),
        machine_(request.problem->machine()),
        plan_(*request.plan),
        report_(*request.report),
        events_(out) {}

  absl::Status Write() {
    GOPT_RETURN_IF_ERROR(FindReaders());
    Name("process_name", 0, machine_.name().empty() ? "machine" : machine_.name());
    for (DeviceId d = 0; d < machine_.num_devices(); ++d) {
      NameTrack(d, absl::StrCat(machine_.device(d).name, " (", machine_.device(d).kind, ")"));
    }
    WriteKernels();
    WriteTransfers();
    WriteMemory();
    events_.Finish();
    return absl::OkStatus();
  }

 private:
  using ReaderKey = std::tuple<PortId, KernelId, DeviceId>;

  // The kernel that first reads each tensor on each device it is sent to.
  absl::Status FindReaders() {
    GOPT_ASSIGN_OR_RETURN(const KernelGraph kernels,
                          KernelGraph::Create(*plan_.kernels, plan_.device));
    for (KernelId k = 0; k < kernels.num_kernels; ++k) {
      for (const KernelGraph::Input& input :
           KernelGraph::Row(kernels.inputs, kernels.input_begin, k)) {
        const auto [it, is_new] =
            first_reader_.try_emplace(ReaderKey(input.port, input.source, plan_.device[k]), k);
        if (!is_new && Span(k).start < Span(it->second).start) it->second = k;
      }
    }
    return absl::OkStatus();
  }

  const KernelSpan& Span(KernelId kernel) const { return report_.kernel_spans[kernel]; }

  void Name(const char* what, int track, const std::string& name) {
    events_.Add({{"ph", "M"},
                 {"pid", kProcess},
                 {"tid", track},
                 {"name", what},
                 {"args", {{"name", name}}}});
  }

  void NameTrack(int track, const std::string& name) {
    Name("thread_name", track, name);
    events_.Add({{"ph", "M"},
                 {"pid", kProcess},
                 {"tid", track},
                 {"name", "thread_sort_index"},
                 {"args", {{"sort_index", track}}}});
  }

  void Slice(int track, const std::string& name, std::string_view category, Nanoseconds start,
             Nanoseconds end, Json args) {
    events_.Add({{"ph", "X"},
                 {"pid", kProcess},
                 {"tid", track},
                 {"ts", Microseconds(start)},
                 {"dur", Microseconds(end - start)},
                 {"name", name},
                 {"cat", category},
                 {"args", std::move(args)}});
  }

  void WriteKernels() {
    std::vector<uint8_t> critical(report_.kernel_spans.size(), 0);
    for (const CriticalStep& step : report_.critical_chain) critical[step.kernel] = 1;
    for (KernelId k = 0; k < plan_.kernels->size(); ++k) {
      const KernelSpan& span = Span(k);
      Json args = {{"kernel", k}, {"rank", plan_.rank[k]}};
      const auto ops = plan_.kernels->ops(k);
      Json& list = args["ops"] = Json::array();
      for (OpId op : ops.first(std::min(ops.size(), kMaxOpsListed))) {
        list.push_back(absl::StrCat(std::string(graph_.op_name(op)), " (",
                                    std::string(graph_.op_type(op)), ")"));
      }
      if (ops.size() > kMaxOpsListed) args["more_ops"] = ops.size() - kMaxOpsListed;
      if (critical[k] != 0) args["critical"] = true;
      const Phase phase = ops.empty() ? Phase::kUnspecified : graph_.phase(ops[0]);
      Slice(span.device, KernelLabel(*plan_.kernels, k), ToString(phase), span.start, span.end,
            std::move(args));
    }
  }

  // The track of a channel on which [start, ...) is free: transfers overlap where the report was
  // made without contention.
  int ChannelTrack(ChannelId channel, Nanoseconds start, Nanoseconds end) {
    std::vector<std::pair<int, Nanoseconds>>& lanes = lanes_[channel];  // Track, busy until.
    for (auto& [track, busy_until] : lanes) {
      if (busy_until > start) continue;
      busy_until = end;
      return track;
    }
    const int track = machine_.num_devices() + num_channel_tracks_++;
    std::string name = machine_.channel(channel).name;
    if (!lanes.empty()) absl::StrAppend(&name, " (", lanes.size() + 1, ")");
    NameTrack(track, name);
    lanes.emplace_back(track, end);
    return track;
  }

  void Flow(const char* phase, size_t id, int track, Nanoseconds time) {
    Json event = {
        {"ph", phase}, {"pid", kProcess},    {"tid", track},     {"ts", Microseconds(time)},
        {"id", id},    {"name", "transfer"}, {"cat", "transfer"}};
    if (*phase == 'f') event["bp"] = "e";  // Binds to the slice that encloses it.
    events_.Add(event);
  }

  void WriteTransfers() {
    std::vector<size_t> order(report_.transfer_spans.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return report_.transfer_spans[a].start < report_.transfer_spans[b].start;
    });
    for (size_t i : order) WriteTransfer(i, report_.transfer_spans[i]);
  }

  void WriteTransfer(size_t id, const TransferSpan& transfer) {
    const OpId op = graph_.producer(transfer.port);
    const std::string name(graph_.op_name(op));
    const bool parameter = transfer.producer == kNone;
    bool started = false;
    if (!parameter) {
      const KernelSpan& maker = Span(transfer.producer);
      Flow("s", id, maker.device, std::max(maker.start, maker.end - 1));
      started = true;
    }
    for (ChannelId channel : machine_.route(transfer.from, transfer.to)) {
      const int track = ChannelTrack(channel, transfer.start, transfer.end);
      Slice(track, name, parameter ? "parameter" : "tensor", transfer.start, transfer.end,
            {{"port", transfer.port},
             {"bytes", transfer.bytes},
             {"from", machine_.device(transfer.from).name},
             {"to", machine_.device(transfer.to).name},
             {"request_us", Microseconds(transfer.request)},
             {"arrival_us", Microseconds(transfer.arrival)}});
      Flow(started ? "t" : "s", id, track, transfer.start);
      started = true;
    }
    const auto reader =
        first_reader_.find(ReaderKey(transfer.port, transfer.producer, transfer.to));
    if (reader == first_reader_.end() || !started) return;
    Flow("f", id, Span(reader->second).device, Span(reader->second).start);
  }

  void WriteMemory() {
    for (size_t d = 0; d < report_.memory_samples.size(); ++d) {
      const std::string name =
          absl::StrCat("memory of ", machine_.device(static_cast<DeviceId>(d)).name);
      for (const MemorySample& sample : report_.memory_samples[d]) {
        events_.Add({{"ph", "C"},
                     {"pid", kProcess},
                     {"ts", Microseconds(sample.time)},
                     {"name", name},
                     {"args", {{"bytes", sample.bytes}}}});
      }
    }
  }

  const Graph& graph_;
  const Machine& machine_;
  const Plan& plan_;
  const CostReport& report_;
  absl::flat_hash_map<ReaderKey, KernelId> first_reader_;
  absl::flat_hash_map<ChannelId, std::vector<std::pair<int, Nanoseconds>>> lanes_;
  int num_channel_tracks_ = 0;
  JsonList events_;
};

}  // namespace

absl::StatusOr<std::string> TraceExporter::Export(const ExportRequest& request) const {
  GOPT_RETURN_IF_ERROR(CheckRequest(request));
  GOPT_RETURN_IF_ERROR(NeedTimeline(request, name()));
  const Json about = {{"graph", request.problem->graph().name()},
                      {"producer", request.plan->producer},
                      {"step_time_ns", request.report->step_time}};
  std::string out = absl::StrCat("{\"displayTimeUnit\":\"ns\",\"otherData\":", ToJsonText(about),
                                 ",\"traceEvents\":");
  GOPT_RETURN_IF_ERROR(Trace(request, &out).Write());
  out.append("}\n");
  return out;
}

}  // namespace gopt
