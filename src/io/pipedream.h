#ifndef GOPT_SRC_IO_PIPEDREAM_H_
#define GOPT_SRC_IO_PIPEDREAM_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/io/importer.h"

namespace gopt {

// A profile of PipeDream (Narayanan et al., SOSP 2019) as the file states it;
// docs/formats/pipedream.md.
struct PipeDreamProfile {
  struct Node {
    std::string name;         // "node7"
    std::string description;  // "Conv2d(3, 64, kernel_size=(3, 3))"
    int64_t line;             // In the file, from 1.
    Nanoseconds forward = 0, backward = 0;
    std::vector<int64_t> activation_bytes;  // Several: the node gives a tuple.
    int64_t parameter_bytes = 0;
    int stage = kNone;  // Of a split that PipeDream made.
  };
  std::vector<Node> nodes;                         // In the file's order.
  std::vector<std::pair<int32_t, int32_t>> edges;  // Producer, reader.
};

struct PipeDreamOptions {
  bool training = true;          // With a backward op per forward op; its time is in the profile.
  bool parameters = true;        // PARAMETER ops, and in training an op that updates each.
  int optimizer_copies = 1;      // State of each parameter, in copies of it: momentum.
  bool drop_warmup = false;      // An input whose loading outweighs all other ops takes no time.
  std::string kind = "device";   // Device kind that the times are for.
  int devices = 4;               // The profile names no machine: so many equal devices ...
  double bandwidth = 16e9;       // ... with channels of so many bytes per second
  Nanoseconds latency = 20'000;  // and this latency.
};

// InvalidArgument names the line and the node.
absl::StatusOr<PipeDreamProfile> ParsePipeDream(std::string_view text, const GraphLimits& limits);

GOPT_API absl::StatusOr<Imported> ImportPipeDreamText(std::string_view text,
                                                      std::string_view source,
                                                      const PipeDreamOptions& options = {},
                                                      const GraphLimits& limits = {});

class PipeDreamImporter final : public Importer {
 public:
  explicit PipeDreamImporter(PipeDreamOptions options = {}) : options_(std::move(options)) {}

  std::string name() const override { return "pipedream"; }
  bool Recognizes(std::string_view path, std::string_view first_bytes) const override;
  absl::StatusOr<Imported> Import(const std::string& path,
                                  const GraphLimits& limits) const override;

 private:
  PipeDreamOptions options_;
};

}  // namespace gopt

#endif  // GOPT_SRC_IO_PIPEDREAM_H_
