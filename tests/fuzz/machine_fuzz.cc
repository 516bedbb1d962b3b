// Machines: text, and payloads of a container.
#include "gopt/io/machine_file.h"
#include "src/io/container.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/protobuf_log.h"

namespace gopt::fuzz {
namespace {

void Check(const absl::StatusOr<Machine>& machine) {
  if (!machine.ok()) return RequireGoodError(machine.status());
  const std::string text = MachineToText(*machine);
  const auto again = MachineFromText(text);
  Require(again.ok() && MachineToText(*again) == text);
}

}  // namespace
}  // namespace gopt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gopt::fuzz::SilenceProtobuf();
  const std::string_view bytes = gopt::fuzz::AsText(data, size);
  gopt::fuzz::Check(gopt::MachineFromText(bytes));
  std::vector<std::string> warnings;
  gopt::fuzz::Check(gopt::DeserializeMachine(
      gopt::WrapInContainer(gopt::ContainerKind::kMachine, bytes, gopt::Compression::kStored), "f",
      &warnings));
  return 0;
}
