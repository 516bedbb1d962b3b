// Inputs of the dnn-partitioning experiments, and splits by experts.
#include "src/io/dnn_partitioning.h"
#include "tests/fuzz/import_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = gopt::fuzz::AsText(data, size);
  const auto split = gopt::ParseDnnPartitioningSplit(text, {});
  if (!split.ok()) gopt::fuzz::RequireGoodError(split.status());
  gopt::fuzz::RequireGoodImport(gopt::ImportDnnPartitioningText(text, "f", {.unlinked = true}));
  return 0;
}
