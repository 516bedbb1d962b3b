#include "src/io/schedule_json.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/graph/graph_builder.h"
#include "gopt/graph/graph_text.h"
#include "src/io/file_bytes.h"
#include "src/io/gzip.h"
#include "src/io/source.h"

namespace gopt {
namespace {

absl::Status CheckLength(const char* field, size_t length, size_t ops) {
  if (length == ops) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("field '", field, "' has ", length, " entries for ", ops, " ops"));
}

absl::Status CheckLengths(const ScheduleJson& schedule) {
  const size_t ops = schedule.cost_ns.size();
  if (schedule.ops >= 0) {
    GOPT_RETURN_IF_ERROR(CheckLength("cost_ns", ops, static_cast<size_t>(schedule.ops)));
  }
  GOPT_RETURN_IF_ERROR(CheckLength("output_bytes", schedule.output_bytes.size(), ops));
  for (const std::vector<int64_t>& grouping : schedule.scopes) {
    GOPT_RETURN_IF_ERROR(CheckLength("scopes", grouping.size(), ops));
  }
  if (schedule.expert.empty()) return absl::OkStatus();
  return CheckLength("expert", schedule.expert.size(), ops);
}

// "g0/<coarse>.g1/<fine>": groupings nest, so they read as a path.
std::string ScopeOf(const ScheduleJson& schedule, size_t op) {
  std::string scope;
  for (size_t g = 0; g < schedule.scopes.size(); ++g) {
    absl::StrAppend(&scope, g == 0 ? "" : ".", "g", g, "/", schedule.scopes[g][op]);
  }
  return scope;
}

absl::StatusOr<std::shared_ptr<const Graph>> BuildGraph(const ScheduleJson& schedule,
                                                        const GraphLimits& limits,
                                                        std::vector<OpId>* op_of_entry) {
  GraphBuilder builder(schedule.name, "schedule_json");
  const size_t ops = schedule.cost_ns.size();
  for (size_t op = 0; op < ops; ++op) {
    OpOptions options;
    options.name = absl::StrCat("op", op);
    options.type = "op";
    options.scope = ScopeOf(schedule, op);
    options.phase = Phase::kUnspecified;
    PortOptions port;
    port.bytes = schedule.output_bytes[op];
    port.dtype = DType::kUnknown;
    builder.AddPort(builder.AddOp(std::move(options)), std::move(port));
  }
  for (size_t e = 0; e < schedule.edges.size(); ++e) {
    const auto [from, to] = schedule.edges[e];
    if (from >= static_cast<int64_t>(ops) || to >= static_cast<int64_t>(ops)) {
      return absl::InvalidArgumentError(absl::StrCat("field 'edges', entry ", e, ": ", from, " -> ",
                                                     to, " is not among the ", ops, " ops"));
    }
    const PortId port = static_cast<PortId>(from);  // The builder's: one port per op, in order.
    builder.AddOperands(static_cast<OpId>(to), std::span<const PortId>(&port, 1));
  }
  builder.AddCostTable("schedule_json", std::string(kTextDeviceKind), schedule.cost_ns);
  if (!schedule.set.empty()) builder.SetMetadata("set", schedule.set);
  if (!schedule.family.empty()) builder.SetMetadata("family", schedule.family);
  return builder.Build(op_of_entry, limits);
}

}  // namespace

absl::StatusOr<Imported> ImportSchedule(const ScheduleJson& schedule, const GraphLimits& limits) {
  GOPT_RETURN_IF_ERROR(CheckLengths(schedule));
  if (schedule.devices < 1 || schedule.devices > 1024) {
    return absl::InvalidArgumentError(
        absl::StrCat("field 'devices' is ", schedule.devices, ", expected 1 to 1024"));
  }
  Imported imported;
  std::vector<OpId> op_of_entry;
  GOPT_ASSIGN_OR_RETURN(imported.graph, BuildGraph(schedule, limits, &op_of_entry));
  UniformMachineOptions options;
  options.count = static_cast<int>(schedule.devices);
  options.kind = std::string(kTextDeviceKind);
  options.bandwidth = schedule.bandwidth_bytes_per_s;
  options.latency = schedule.latency_ns;
  GOPT_ASSIGN_OR_RETURN(imported.machine, UniformMachine(options));
  imported.expert_placement.resize(schedule.expert.size());
  for (size_t entry = 0; entry < schedule.expert.size(); ++entry) {
    if (schedule.expert[entry] >= schedule.devices) {
      return absl::InvalidArgumentError(absl::StrCat("field 'expert', entry ", entry, ": device ",
                                                     schedule.expert[entry], " of ",
                                                     schedule.devices));
    }
    imported.expert_placement[op_of_entry[entry]] = static_cast<DeviceId>(schedule.expert[entry]);
  }
  imported.figures = schedule.figures;
  return imported;
}

absl::StatusOr<Imported> ImportScheduleBytes(std::string_view bytes, std::string_view source,
                                             const GraphLimits& limits) {
  std::string inflated;
  if (LooksLikeGzip(bytes)) {
    auto content = Gunzip(bytes, limits.max_bytes);
    if (!content.ok()) return InSource(source, content.status());
    inflated = *std::move(content);
    bytes = inflated;
  }
  auto schedule = ParseScheduleJson(bytes, limits);
  if (!schedule.ok()) return InSource(source, schedule.status());
  auto imported = ImportSchedule(*schedule, limits);
  if (!imported.ok()) return InSource(source, imported.status());
  return imported;
}

bool ScheduleJsonImporter::Recognizes(std::string_view path, std::string_view first_bytes) const {
  const absl::string_view name(path.data(), path.size());
  if (absl::EndsWith(name, ".json.gz")) return LooksLikeGzip(first_bytes);
  const size_t text = first_bytes.find_first_not_of(" \t\r\n");
  return absl::EndsWith(name, ".json") && text != std::string_view::npos &&
         first_bytes[text] == '{';
}

absl::StatusOr<Imported> ScheduleJsonImporter::Import(const std::string& path,
                                                      const GraphLimits& limits) const {
  GOPT_ASSIGN_OR_RETURN(const std::string bytes, ReadFileBytes(path, limits.max_bytes));
  return ImportScheduleBytes(bytes, path, limits);
}

}  // namespace gopt
