#ifndef TESTS_FUZZ_IMPORT_CHECK_H_
#define TESTS_FUZZ_IMPORT_CHECK_H_

#include "absl/status/statusor.h"
#include "gopt/io/graph_file.h"
#include "gopt/io/importer.h"
#include "tests/fuzz/fuzz_input.h"

namespace gopt::fuzz {

// An import is a good error, or a graph with a machine, which can be saved and loaded.
inline void RequireGoodImport(const absl::StatusOr<Imported>& imported) {
  if (!imported.ok()) return RequireGoodError(imported.status());
  Require(imported->graph != nullptr && imported->machine.has_value());
  Require(DeserializeGraph(SerializeGraph(*imported->graph)).ok());
}

}  // namespace gopt::fuzz

#endif  // TESTS_FUZZ_IMPORT_CHECK_H_
