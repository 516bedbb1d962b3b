#include "src/io/builtin.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "src/io/dot_exporter.h"
#include "src/io/gopt_importer.h"
#include "src/io/model_explorer_exporter.h"
#include "src/io/schedule_json.h"
#include "src/io/trace_exporter.h"

namespace gopt {
namespace {

// For a class without options.
template <typename T, typename Base>
absl::StatusOr<std::shared_ptr<const Base>> Plain(const Spec& spec) {
  GOPT_RETURN_IF_ERROR(SpecReader(spec).Finish());
  return std::make_shared<const T>();
}

absl::StatusOr<std::shared_ptr<const Exporter>> MakeDot(const Spec& spec) {
  DotOptions options;
  SpecReader reader(spec);
  reader.Read("max_nodes", &options.max_nodes);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  if (options.max_nodes < 1) return absl::InvalidArgumentError("dot: max_nodes is below 1");
  return std::make_shared<const DotExporter>(options);
}

absl::StatusOr<std::shared_ptr<const Exporter>> MakeModelExplorerData(const Spec& spec) {
  using Value = ModelExplorerDataExporter::Value;
  std::string value = "time";
  SpecReader reader(spec);
  reader.Read("value", &value);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  if (value == "time") return std::make_shared<const ModelExplorerDataExporter>(Value::kTime);
  if (value == "start") return std::make_shared<const ModelExplorerDataExporter>(Value::kStart);
  if (value == "device") return std::make_shared<const ModelExplorerDataExporter>(Value::kDevice);
  return absl::InvalidArgumentError(absl::StrCat(
      "model_explorer_data: value is '", Printable(value), "', expected time, start or device"));
}

}  // namespace

std::vector<Registry<Importer>::Entry> BuiltinImporters() {
  return {
      {"gopt", "Graph files of this library, binary or text (.txtpb).",
       Plain<GoptImporter, Importer>},
      {"schedule_json", "Scheduling problems as JSON, plain or gzip, with their machine.",
       Plain<ScheduleJsonImporter, Importer>},
  };
}

std::vector<Registry<Exporter>::Entry> BuiltinExporters() {
  return {
      {"dot", "Graphviz, coloured by device; dot(max_nodes=2000), by scope above that.", MakeDot},
      {"model_explorer", "Graph for Google's Model Explorer, nested by scope.",
       Plain<ModelExplorerExporter, Exporter>},
      {"model_explorer_data", "Node data for it; model_explorer_data(value=time|start|device).",
       MakeModelExplorerData},
      {"trace", "Timeline for Perfetto and chrome://tracing.", Plain<TraceExporter, Exporter>},
  };
}

}  // namespace gopt
