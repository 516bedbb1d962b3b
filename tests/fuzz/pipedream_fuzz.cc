// Profiles of PipeDream.
#include "src/io/pipedream.h"
#include "tests/fuzz/import_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gopt::fuzz::RequireGoodImport(gopt::ImportPipeDreamText(gopt::fuzz::AsText(data, size), "f"));
  return 0;
}
