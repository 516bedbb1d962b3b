#ifndef TESTS_TESTING_IMPORTER_CONFORMANCE_H_
#define TESTS_TESTING_IMPORTER_CONFORMANCE_H_

#include <string>

#include "gopt/io/importer.h"

namespace gopt::testing {

// What every importer must do, as EXPECTs. `bytes` is a small good file, written to a folder of the
// test's own under `file_name`. It is recognized and read, twice the same; a machine and an expert
// placement, if there are any, fit the graph; a missing file is NotFound; cut, flipped or replaced
// bytes give a graph or a Status that names the file, never a crash; limits hold.
void TestImporterConformance(const Importer& importer, const std::string& file_name,
                             const std::string& bytes);

}  // namespace gopt::testing

#endif  // TESTS_TESTING_IMPORTER_CONFORMANCE_H_
