#ifndef GOPT_BENCHMARKS_SUITE_CELL_H_
#define GOPT_BENCHMARKS_SUITE_CELL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/solve/solver.h"
#include "nlohmann/json.hpp"

namespace gopt::suite {

// Where a result stands in the suite's table.
struct Place {
  std::string setting;  // "p100"
  std::string row;      // "gnmt8"
  std::string solver;   // Spec as asked for: "anneal", "heft(contention=true)".
  uint64_t seed = 0;

  bool operator==(const Place&) const = default;
  auto operator<=>(const Place&) const = default;
};

// What a result depends on besides its place. Equal place and conditions, equal step time, on any
// machine and any number of threads, unless a deadline is set.
struct Conditions {
  std::string machine;            // Preset with its memory limit.
  uint64_t graph_hash = 0;        // GraphHash.
  int64_t evaluations = 0;        // Budget.
  double deadline_seconds = 0.0;  // 0: none.
  std::string starts;             // Solvers whose plans the search was given; "": its own starts.
  std::string version;            // Of the library.

  bool operator==(const Conditions&) const = default;
};

enum class CellOutcome : uint8_t { kOk, kOutOfMemory, kFailed };
std::string_view ToString(CellOutcome outcome);  // "ok", "out of memory", "failed"

// One solver's run on one row with one seed.
struct Cell {
  Place place;
  Conditions conditions;
  CellOutcome outcome = CellOutcome::kFailed;
  std::string reason;         // Why it is not ok.
  Nanoseconds step_time = 0;  // Out of memory: of the least bad plan; failed: 0.
  int64_t peak_bytes = 0;     // Largest of any device.
  std::string found_by;       // For portfolios the inner solver.
  int64_t evaluations = 0;    // Spent.
  double seconds = 0.0;
  std::string stop;               // StopReason.
  std::vector<CurvePoint> curve;  // Best so far; at most kCurvePoints.

  bool ok() const { return outcome == CellOutcome::kOk; }
};

inline constexpr size_t kCurvePoints = 100;

// At most `most` (at least 2) of the points: the first, the last, and what was best after numbers
// of evaluations that lie evenly on a logarithmic axis.
std::vector<CurvePoint> Thinned(const std::vector<CurvePoint>& curve, size_t most = kCurvePoints);

nlohmann::json ToJson(const Cell& cell);
// InvalidArgument names the field.
absl::StatusOr<Cell> CellFromJson(const nlohmann::json& json);

// Hashes are written as 16 hexadecimal digits: JSON numbers are doubles to many readers.
std::string HashText(uint64_t graph_hash);

}  // namespace gopt::suite

#endif  // GOPT_BENCHMARKS_SUITE_CELL_H_
