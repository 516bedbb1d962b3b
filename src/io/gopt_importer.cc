#include "src/io/gopt_importer.h"

#include "gopt/base/status_macros.h"
#include "gopt/io/graph_file.h"
#include "src/io/container.h"
#include "src/io/source.h"

namespace gopt {

bool GoptImporter::Recognizes(std::string_view path, std::string_view first_bytes) const {
  return LooksLikeContainer(first_bytes) || IsTextPath(std::string(path));
}

absl::StatusOr<Imported> GoptImporter::Import(const std::string& path,
                                              const GraphLimits& limits) const {
  Imported imported;
  GOPT_ASSIGN_OR_RETURN(imported.graph, ReadGraphFile(path, limits));
  return imported;
}

}  // namespace gopt
