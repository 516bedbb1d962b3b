// Scheduling problems as JSON, plain or gzip.
#include "src/io/schedule_json.h"
#include "tests/fuzz/import_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gopt::fuzz::RequireGoodImport(
      gopt::ImportScheduleBytes(gopt::fuzz::AsText(data, size), "f", {.max_bytes = 1 << 22}));
  return 0;
}
