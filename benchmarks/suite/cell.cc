#include "benchmarks/suite/cell.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace gopt::suite {
namespace {

constexpr CellOutcome kOutcomes[] = {CellOutcome::kOk, CellOutcome::kOutOfMemory,
                                     CellOutcome::kFailed};

CellOutcome OutcomeFromText(std::string_view text) {
  for (CellOutcome outcome : kOutcomes) {
    if (ToString(outcome) == text) return outcome;
  }
  return CellOutcome::kFailed;
}

nlohmann::json CurveToJson(const std::vector<CurvePoint>& curve) {
  nlohmann::json points = nlohmann::json::array();
  for (const CurvePoint& point : curve) {
    points.push_back({point.evaluations, point.seconds, point.best});
  }
  return points;
}

std::vector<CurvePoint> CurveFromJson(const nlohmann::json& points) {
  std::vector<CurvePoint> curve;
  for (const nlohmann::json& point : points) {
    curve.push_back(
        {point.at(0).get<int64_t>(), point.at(1).get<double>(), point.at(2).get<Nanoseconds>()});
  }
  return curve;
}

uint64_t HashFromText(const std::string& text) {
  uint64_t value = 0;
  if (!absl::SimpleHexAtoi(text, &value)) value = 0;
  return value;
}

}  // namespace

std::string_view ToString(CellOutcome outcome) {
  switch (outcome) {
    case CellOutcome::kOk:
      return "ok";
    case CellOutcome::kOutOfMemory:
      return "out of memory";
    case CellOutcome::kFailed:
      return "failed";
  }
  return "failed";
}

std::string HashText(uint64_t graph_hash) {
  return absl::StrCat(absl::Hex(graph_hash, absl::kZeroPad16));
}

std::vector<CurvePoint> Thinned(const std::vector<CurvePoint>& curve, size_t most) {
  if (curve.size() <= most) return curve;
  const double first = std::log(static_cast<double>(std::max<int64_t>(1, curve[0].evaluations)));
  const double last = std::log(static_cast<double>(curve.back().evaluations));
  std::vector<CurvePoint> result{curve[0]};
  size_t next = 1;
  for (size_t i = 1; i + 1 < most; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(most - 1);
    const double until = std::exp(first + share * (last - first));
    const size_t begin = next;
    while (next + 1 < curve.size() && static_cast<double>(curve[next].evaluations) <= until) ++next;
    if (next > begin) result.push_back(curve[next - 1]);
  }
  result.push_back(curve.back());
  return result;
}

nlohmann::json ToJson(const Cell& cell) {
  return {{"setting", cell.place.setting},
          {"row", cell.place.row},
          {"solver", cell.place.solver},
          {"seed", cell.place.seed},
          {"machine", cell.conditions.machine},
          {"graph_hash", HashText(cell.conditions.graph_hash)},
          {"budget", cell.conditions.evaluations},
          {"deadline_seconds", cell.conditions.deadline_seconds},
          {"starts", cell.conditions.starts},
          {"version", cell.conditions.version},
          {"outcome", ToString(cell.outcome)},
          {"reason", cell.reason},
          {"step_time_ns", cell.step_time},
          {"peak_bytes", cell.peak_bytes},
          {"found_by", cell.found_by},
          {"evaluations", cell.evaluations},
          {"seconds", cell.seconds},
          {"stop", cell.stop},
          {"curve", CurveToJson(cell.curve)}};
}

absl::StatusOr<Cell> CellFromJson(const nlohmann::json& json) {
  try {
    Cell cell;
    cell.place = {json.at("setting"), json.at("row"), json.at("solver"), json.at("seed")};
    cell.conditions = {json.at("machine"), HashFromText(json.at("graph_hash")),
                       json.at("budget"),  json.at("deadline_seconds"),
                       json.at("starts"),  json.at("version")};
    cell.outcome = OutcomeFromText(json.at("outcome").get<std::string>());
    cell.reason = json.at("reason");
    cell.step_time = json.at("step_time_ns");
    cell.peak_bytes = json.at("peak_bytes");
    cell.found_by = json.at("found_by");
    cell.evaluations = json.at("evaluations");
    cell.seconds = json.at("seconds");
    cell.stop = json.at("stop");
    cell.curve = CurveFromJson(json.at("curve"));
    return cell;
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
}

}  // namespace gopt::suite
