// Constraints as text protos.
#include "gopt/graph/graph_text.h"
#include "gopt/io/plan_file.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/protobuf_log.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gopt::fuzz::SilenceProtobuf();
  static const auto& graph =
      *new std::shared_ptr<const gopt::Graph>(*gopt::ParseGraph("a:matmul -> b:relu -> c:reduce"));
  const auto constraints = gopt::ConstraintsFromText(gopt::fuzz::AsText(data, size), *graph);
  if (!constraints.ok()) {
    gopt::fuzz::RequireGoodError(constraints.status());
    return 0;
  }
  const std::string text = gopt::ConstraintsToText(*constraints);
  const auto again = gopt::ConstraintsFromText(text, *graph);
  gopt::fuzz::Require(again.ok() && gopt::ConstraintsToText(*again) == text);
  return 0;
}
