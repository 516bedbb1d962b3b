#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"
#include "gopt/base/status_macros.h"
#include "gopt/io/exporter.h"
#include "gopt/io/importer.h"
#include "src/io/builtin.h"
#include "src/io/file_bytes.h"

namespace gopt {
namespace {

constexpr int64_t kFirstBytes = 64;

// Never destroyed, so that it may be used from destructors of other static objects.
template <typename T>
Registry<T>& NewRegistry(const char* noun, std::vector<typename Registry<T>::Entry> entries) {
  auto* registry = new Registry<T>(noun);
  for (auto& entry : entries) GOPT_CHECK(registry->Register(std::move(entry)).ok());
  return *registry;
}

}  // namespace

Registry<Importer>& Importers() {
  static Registry<Importer>& registry = NewRegistry<Importer>("importer", BuiltinImporters());
  return registry;
}

Registry<Exporter>& Exporters() {
  static Registry<Exporter>& registry = NewRegistry<Exporter>("exporter", BuiltinExporters());
  return registry;
}

absl::StatusOr<Imported> ImportFile(const std::string& path, const GraphLimits& limits,
                                    std::string_view spec) {
  if (!spec.empty()) {
    GOPT_ASSIGN_OR_RETURN(const auto importer, Importers().Create(spec));
    return importer->Import(path, limits);
  }
  GOPT_ASSIGN_OR_RETURN(const std::string first_bytes, ReadFirstBytes(path, kFirstBytes));
  std::string names;
  for (const auto& [name, summary] : Importers().NamesAndSummaries()) {
    GOPT_ASSIGN_OR_RETURN(const auto importer, Importers().Create(Spec{name, {}}));
    if (importer->Recognizes(path, first_bytes)) return importer->Import(path, limits);
    absl::StrAppend(&names, names.empty() ? "" : ", ", name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": no importer recognizes the file; registered: ", names));
}

}  // namespace gopt
