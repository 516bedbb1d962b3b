#include "gopt/io/training_file.h"

#include <utility>
#include <vector>

#include "gopt/base/status_macros.h"
#include "src/io/file_bytes.h"
#include "src/io/proto_text.h"
#include "src/io/schema_version.h"
#include "src/io/source.h"
#include "src/io/training_proto.h"

namespace gopt {
namespace {

constexpr int64_t kMaxConfigBytes = int64_t{4} << 20;

}  // namespace

std::string ToText(const TrainingConfig& config) {
  v1::TrainingConfigProto proto = ToProto(config);
  proto.set_schema_major(kSchemaMajor);
  proto.set_schema_minor(kSchemaMinor);
  return PrintTextProto(proto);
}

absl::StatusOr<TrainingConfig> TrainingConfigFromText(std::string_view text,
                                                      std::string_view source) {
  v1::TrainingConfigProto proto;
  GOPT_RETURN_IF_ERROR(ParseTextProto(text, source, kMaxConfigBytes, &proto));
  std::vector<std::string> warnings;
  GOPT_RETURN_IF_ERROR(CheckSchemaVersion(proto.schema_major(), proto.schema_minor(),
                                          /*absent_ok=*/true, source, &warnings));
  auto config = TrainingConfigFromProto(proto);
  if (!config.ok()) return InSource(source, config.status());
  GOPT_RETURN_IF_ERROR(InSource(source, CheckTrainingConfig(*config)));
  DeliverWarnings(std::move(warnings), nullptr);
  return config;
}

absl::StatusOr<TrainingConfig> ReadTrainingConfigFile(const std::string& path) {
  GOPT_ASSIGN_OR_RETURN(const std::string bytes, ReadFileBytes(path, kMaxConfigBytes));
  return TrainingConfigFromText(bytes, path);
}

}  // namespace gopt
