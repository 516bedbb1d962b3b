// Graph files: the bytes as they are, and as the payload of a container whose checksums are right.
#include <string>
#include <vector>

#include "gopt/io/graph_file.h"
#include "src/io/container.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/protobuf_log.h"

namespace gopt::fuzz {
namespace {

void Check(std::string_view bytes) {
  std::vector<std::string> warnings;
  const auto graph = DeserializeGraph(bytes, "f", {.max_bytes = 1 << 24}, &warnings);
  if (!graph.ok()) return RequireGoodError(graph.status());
  const auto again = DeserializeGraph(SerializeGraph(**graph));
  Require(again.ok());
  Require((*again)->fingerprint() == (*graph)->fingerprint());
}

}  // namespace
}  // namespace gopt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gopt::fuzz::SilenceProtobuf();
  const std::string_view bytes = gopt::fuzz::AsText(data, size);
  gopt::fuzz::Check(bytes);
  gopt::fuzz::Check(
      gopt::WrapInContainer(gopt::ContainerKind::kGraph, bytes, gopt::Compression::kStored));
  return 0;
}
