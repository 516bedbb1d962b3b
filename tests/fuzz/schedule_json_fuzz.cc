// Scheduling problems as JSON, plain or gzip.
#include "gopt/io/graph_file.h"
#include "src/io/schedule_json.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto imported =
      gopt::ImportScheduleBytes(gopt::fuzz::AsText(data, size), "f", {.max_bytes = 1 << 22});
  if (!imported.ok()) {
    gopt::fuzz::RequireGoodError(imported.status());
    return 0;
  }
  gopt::fuzz::Require(imported->graph != nullptr && imported->machine.has_value());
  gopt::fuzz::Require(gopt::DeserializeGraph(gopt::SerializeGraph(*imported->graph)).ok());
  return 0;
}
