// The one-line form of graphs.
#include "gopt/graph/graph_text.h"
#include "gopt/io/graph_file.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto graph = gopt::ParseGraph(gopt::fuzz::AsText(data, size));
  if (!graph.ok()) {
    gopt::fuzz::RequireGoodError(graph.status());
    return 0;
  }
  gopt::fuzz::Require(!gopt::GraphToText(**graph).empty() || (*graph)->num_ops() == 0);
  const auto again = gopt::DeserializeGraph(gopt::SerializeGraph(**graph));
  gopt::fuzz::Require(again.ok() && (*again)->fingerprint() == (*graph)->fingerprint());
  return 0;
}
