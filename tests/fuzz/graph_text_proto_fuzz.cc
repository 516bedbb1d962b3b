// Graphs as text protos.
#include "gopt/io/graph_file.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/protobuf_log.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gopt::fuzz::SilenceProtobuf();
  const auto graph = gopt::GraphFromTextProto(gopt::fuzz::AsText(data, size));
  if (!graph.ok()) {
    gopt::fuzz::RequireGoodError(graph.status());
    return 0;
  }
  const auto again = gopt::GraphFromTextProto(gopt::GraphToTextProto(**graph));
  gopt::fuzz::Require(again.ok() && (*again)->fingerprint() == (*graph)->fingerprint());
  return 0;
}
