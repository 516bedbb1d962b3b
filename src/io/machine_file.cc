#include "gopt/io/machine_file.h"

#include <utility>

#include "gopt/base/status_macros.h"
#include "src/io/container.h"
#include "src/io/file_bytes.h"
#include "src/io/machine_proto.h"
#include "src/io/proto_guard.h"
#include "src/io/proto_text.h"
#include "src/io/schema_version.h"
#include "src/io/source.h"

namespace gopt {
namespace {

constexpr int64_t kMaxMachineBytes = int64_t{64} << 20;

absl::StatusOr<Machine> CheckedMachine(const v1::MachineProto& proto, bool text,
                                       std::string_view source,
                                       std::vector<std::string> warnings_so_far,
                                       std::vector<std::string>* warnings) {
  GOPT_RETURN_IF_ERROR(CheckSchemaVersion(proto.schema_major(), proto.schema_minor(), text, source,
                                          &warnings_so_far));
  auto machine = MachineFromProto(proto);
  if (!machine.ok()) return InSource(source, machine.status());
  DeliverWarnings(std::move(warnings_so_far), warnings);
  return machine;
}

}  // namespace

std::string SerializeMachine(const Machine& machine) {
  return WrapInContainer(ContainerKind::kMachine, ToProto(machine).SerializeAsString());
}

absl::StatusOr<Machine> DeserializeMachine(std::string_view bytes, std::string_view source,
                                           std::vector<std::string>* warnings) {
  std::string buffer;
  GOPT_ASSIGN_OR_RETURN(
      const std::string_view message,
      UnwrapContainer(bytes, ContainerKind::kMachine, source, kMaxMachineBytes, &buffer));
  std::vector<std::string> found;
  v1::MachineProto proto;
  GOPT_RETURN_IF_ERROR(ParseGuarded(message, source, &proto, &found));
  return CheckedMachine(proto, /*text=*/false, source, std::move(found), warnings);
}

std::string MachineToText(const Machine& machine) { return PrintTextProto(ToProto(machine)); }

absl::StatusOr<Machine> MachineFromText(std::string_view text, std::string_view source) {
  v1::MachineProto proto;
  GOPT_RETURN_IF_ERROR(ParseTextProto(text, source, kMaxMachineBytes, &proto));
  return CheckedMachine(proto, /*text=*/true, source, {}, nullptr);
}

absl::Status WriteMachineFile(const Machine& machine, const std::string& path) {
  return WriteFileAtomically(path,
                             IsTextPath(path) ? MachineToText(machine) : SerializeMachine(machine));
}

absl::StatusOr<Machine> ReadMachineFile(const std::string& path,
                                        std::vector<std::string>* warnings) {
  GOPT_ASSIGN_OR_RETURN(const std::string bytes, ReadFileBytes(path, kMaxMachineBytes));
  if (IsTextPath(path)) return MachineFromText(bytes, path);
  return DeserializeMachine(bytes, path, warnings);
}

}  // namespace gopt
