#include "src/io/builtin.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "src/io/dnn_partitioning.h"
#include "src/io/dot_exporter.h"
#include "src/io/gopt_importer.h"
#include "src/io/model_explorer_exporter.h"
#include "src/io/pipedream.h"
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

absl::StatusOr<std::shared_ptr<const Importer>> MakeDnnPartitioning(const Spec& spec) {
  DnnPartitioningOptions options;
  SpecReader reader(spec);
  reader.Read("expert", &options.expert);
  reader.Read("unlinked", &options.unlinked);
  reader.Read("memory", &options.memory);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  return std::make_shared<const DnnPartitioningImporter>(std::move(options));
}

absl::StatusOr<std::shared_ptr<const Importer>> MakePipeDream(const Spec& spec) {
  PipeDreamOptions options;
  SpecReader reader(spec);
  reader.Read("training", &options.training);
  reader.Read("parameters", &options.parameters);
  reader.Read("optimizer_copies", &options.optimizer_copies);
  reader.Read("drop_warmup", &options.drop_warmup);
  reader.Read("kind", &options.kind);
  reader.Read("devices", &options.devices);
  reader.Read("bandwidth", &options.bandwidth);
  reader.Read("latency", &options.latency);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  if (options.optimizer_copies < 0 || options.optimizer_copies > 16) {
    return absl::InvalidArgumentError(absl::StrCat("pipedream: optimizer_copies is ",
                                                   options.optimizer_copies, ", expected 0 to 16"));
  }
  return std::make_shared<const PipeDreamImporter>(std::move(options));
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
      {"dnn_partitioning",
       "Inputs of msr-fiddle's placement experiments; "
       "dnn_partitioning(expert=FILE,unlinked=false).",
       MakeDnnPartitioning},
      {"gopt", "Graph files of this library, binary or text (.txtpb).",
       Plain<GoptImporter, Importer>},
      {"pipedream",
       "PipeDream's layer profiles; pipedream(training=true,drop_warmup=false,devices=4).",
       MakePipeDream},
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
