#ifndef GOPT_SRC_IO_GOPT_IMPORTER_H_
#define GOPT_SRC_IO_GOPT_IMPORTER_H_

#include <string>
#include <string_view>

#include "gopt/io/importer.h"

namespace gopt {

// Our own graph files, container or text.
class GoptImporter final : public Importer {
 public:
  std::string name() const override { return "gopt"; }
  bool Recognizes(std::string_view path, std::string_view first_bytes) const override;
  absl::StatusOr<Imported> Import(const std::string& path,
                                  const GraphLimits& limits) const override;
};

}  // namespace gopt

#endif  // GOPT_SRC_IO_GOPT_IMPORTER_H_
