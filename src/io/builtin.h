#ifndef GOPT_SRC_IO_BUILTIN_H_
#define GOPT_SRC_IO_BUILTIN_H_

#include <vector>

#include "gopt/io/exporter.h"
#include "gopt/io/importer.h"

namespace gopt {

// What the library brings along. Adding one is a line in builtin.cc.
std::vector<Registry<Importer>::Entry> BuiltinImporters();
std::vector<Registry<Exporter>::Entry> BuiltinExporters();

}  // namespace gopt

#endif  // GOPT_SRC_IO_BUILTIN_H_
