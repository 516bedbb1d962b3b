#include "gopt/io/plan_file.h"

#include <utility>

#include "gopt/base/check.h"
#include "gopt/base/status_macros.h"
#include "src/io/container.h"
#include "src/io/file_bytes.h"
#include "src/io/plan_proto.h"
#include "src/io/proto_guard.h"
#include "src/io/proto_text.h"
#include "src/io/schema_version.h"
#include "src/io/source.h"

namespace gopt {
namespace {

constexpr int64_t kMaxPlanBytes = int64_t{512} << 20;

absl::StatusOr<PlanFile> CheckedPlan(const v1::PlanProto& proto, std::shared_ptr<const Graph> graph,
                                     bool text, std::string_view source,
                                     std::vector<std::string> warnings_so_far,
                                     std::vector<std::string>* warnings) {
  GOPT_RETURN_IF_ERROR(CheckSchemaVersion(proto.schema_major(), proto.schema_minor(), text, source,
                                          &warnings_so_far));
  auto file = PlanFromProto(proto, std::move(graph));
  if (!file.ok()) return InSource(source, file.status());
  DeliverWarnings(std::move(warnings_so_far), warnings);
  return file;
}

}  // namespace

std::string SerializePlan(const PlanFile& file) {
  GOPT_CHECK(file.plan.kernels != nullptr);
  return WrapInContainer(ContainerKind::kPlan, ToProto(file).SerializeAsString());
}

absl::StatusOr<PlanFile> DeserializePlan(std::string_view bytes, std::shared_ptr<const Graph> graph,
                                         std::string_view source,
                                         std::vector<std::string>* warnings) {
  std::string buffer;
  GOPT_ASSIGN_OR_RETURN(
      const std::string_view message,
      UnwrapContainer(bytes, ContainerKind::kPlan, source, kMaxPlanBytes, &buffer));
  std::vector<std::string> found;
  v1::PlanProto proto;
  GOPT_RETURN_IF_ERROR(ParseGuarded(message, source, &proto, &found));
  return CheckedPlan(proto, std::move(graph), /*text=*/false, source, std::move(found), warnings);
}

std::string PlanToText(const PlanFile& file) {
  GOPT_CHECK(file.plan.kernels != nullptr);
  return PrintTextProto(ToProto(file));
}

absl::StatusOr<PlanFile> PlanFromText(std::string_view text, std::shared_ptr<const Graph> graph,
                                      std::string_view source) {
  v1::PlanProto proto;
  GOPT_RETURN_IF_ERROR(ParseTextProto(text, source, kMaxPlanBytes, &proto));
  return CheckedPlan(proto, std::move(graph), /*text=*/true, source, {}, nullptr);
}

absl::Status WritePlanFile(const PlanFile& file, const std::string& path) {
  return WriteFileAtomically(path, IsTextPath(path) ? PlanToText(file) : SerializePlan(file));
}

absl::StatusOr<PlanFile> ReadPlanFile(const std::string& path, std::shared_ptr<const Graph> graph,
                                      std::vector<std::string>* warnings) {
  GOPT_ASSIGN_OR_RETURN(const std::string bytes, ReadFileBytes(path, kMaxPlanBytes));
  if (IsTextPath(path)) return PlanFromText(bytes, std::move(graph), path);
  return DeserializePlan(bytes, std::move(graph), path, warnings);
}

}  // namespace gopt
