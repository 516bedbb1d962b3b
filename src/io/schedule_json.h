#ifndef GOPT_SRC_IO_SCHEDULE_JSON_H_
#define GOPT_SRC_IO_SCHEDULE_JSON_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/io/importer.h"

namespace gopt {

// A scheduling problem as the file states it; docs/formats/schedule_json.md.
struct ScheduleJson {
  std::string name, set, family;
  int64_t ops = -1;      // -1: not stated.
  int64_t devices = -1;  // Required.
  int64_t latency_ns = -1;
  double bandwidth_bytes_per_s = -1.0;
  std::vector<int64_t> cost_ns;                    // One per op.
  std::vector<int64_t> output_bytes;               // One per op.
  std::vector<std::pair<int64_t, int64_t>> edges;  // Producer, reader.
  std::vector<std::vector<int64_t>> scopes;        // Groupings; a group id per op in each.
  std::vector<int64_t> expert;                     // A device per op, or empty.
  std::map<std::string, double> figures;           // Every number named "prototype_...".
};

// Reads the text without building a tree of it: memory is that of the result. Checks types, counts
// and limits as it goes; InvalidArgument names the field and the entry.
absl::StatusOr<ScheduleJson> ParseScheduleJson(std::string_view text, const GraphLimits& limits);

// Graph (one port per op, measured times for device kind "device", groupings as scopes
// "g0/<id>.g1/<id>"), machine (one channel per ordered pair), expert placement and figures.
absl::StatusOr<Imported> ImportSchedule(const ScheduleJson& schedule, const GraphLimits& limits);

// Both, from the bytes of a file, plain or gzip. `source` names it in messages.
GOPT_API absl::StatusOr<Imported> ImportScheduleBytes(std::string_view bytes,
                                                      std::string_view source,
                                                      const GraphLimits& limits = {});

// Scheduling problems as JSON, plain or gzip.
class ScheduleJsonImporter final : public Importer {
 public:
  std::string name() const override { return "schedule_json"; }
  bool Recognizes(std::string_view path, std::string_view first_bytes) const override;
  absl::StatusOr<Imported> Import(const std::string& path,
                                  const GraphLimits& limits) const override;
};

}  // namespace gopt

#endif  // GOPT_SRC_IO_SCHEDULE_JSON_H_
