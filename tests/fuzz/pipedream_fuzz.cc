// Profiles of PipeDream.
#include "gopt/io/graph_file.h"
#include "src/io/pipedream.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto imported = gopt::ImportPipeDreamText(gopt::fuzz::AsText(data, size), "f");
  if (!imported.ok()) {
    gopt::fuzz::RequireGoodError(imported.status());
    return 0;
  }
  gopt::fuzz::Require(imported->graph != nullptr && imported->machine.has_value());
  gopt::fuzz::Require(gopt::DeserializeGraph(gopt::SerializeGraph(*imported->graph)).ok());
  return 0;
}
