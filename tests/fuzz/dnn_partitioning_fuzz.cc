// Inputs of the dnn-partitioning experiments, and splits by experts.
#include "gopt/io/graph_file.h"
#include "src/io/dnn_partitioning.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = gopt::fuzz::AsText(data, size);
  const auto split = gopt::ParseDnnPartitioningSplit(text, {});
  if (!split.ok()) gopt::fuzz::RequireGoodError(split.status());
  const auto imported = gopt::ImportDnnPartitioningText(text, "f", {.unlinked = true});
  if (!imported.ok()) {
    gopt::fuzz::RequireGoodError(imported.status());
    return 0;
  }
  gopt::fuzz::Require(imported->graph != nullptr && imported->machine.has_value());
  gopt::fuzz::Require(gopt::DeserializeGraph(gopt::SerializeGraph(*imported->graph)).ok());
  return 0;
}
