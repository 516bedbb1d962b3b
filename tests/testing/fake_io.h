#ifndef TESTS_TESTING_FAKE_IO_H_
#define TESTS_TESTING_FAKE_IO_H_

#include <string>
#include <utility>

#include "gopt/io/exporter.h"
#include "gopt/io/importer.h"

namespace gopt::testing {

// Stands for any exporter: gives back the text it was made with.
class FakeExporter final : public Exporter {
 public:
  explicit FakeExporter(absl::StatusOr<std::string> result) : result_(std::move(result)) {}
  std::string name() const override { return "fake"; }
  std::string file_extension() const override { return ".fake"; }
  absl::StatusOr<std::string> Export(const ExportRequest& request) const override {
    if (request.problem == nullptr) return absl::InvalidArgumentError("no problem");
    return result_;
  }

 private:
  const absl::StatusOr<std::string> result_;
};

// Stands for any importer: owns the files whose path ends with ".fake" and holds the same graph in
// each.
class FakeImporter final : public Importer {
 public:
  explicit FakeImporter(std::shared_ptr<const Graph> graph) : graph_(std::move(graph)) {}
  std::string name() const override { return "fake"; }
  bool Recognizes(std::string_view path, std::string_view) const override {
    return path.size() >= 5 && path.substr(path.size() - 5) == ".fake";
  }
  absl::StatusOr<Imported> Import(const std::string&, const GraphLimits&) const override {
    Imported imported;
    imported.graph = graph_;
    return imported;
  }

 private:
  const std::shared_ptr<const Graph> graph_;
};

}  // namespace gopt::testing

#endif  // TESTS_TESTING_FAKE_IO_H_
