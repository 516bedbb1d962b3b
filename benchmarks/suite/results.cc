#include "benchmarks/suite/results.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "src/io/file_bytes.h"

namespace gopt::suite {
namespace {

constexpr std::string_view kFormat = "gopt_suite";
constexpr int kFormatVersion = 1;
constexpr int64_t kMaxFileBytes = int64_t{256} << 20;

nlohmann::json RowToJson(const RowFacts& row) {
  return {{"setting", row.setting},
          {"name", row.name},
          {"family", row.family},
          {"suite", row.suite},
          {"devices", row.devices},
          {"machine", row.machine},
          {"graph_hash", HashText(row.graph_hash)},
          {"ops", row.ops},
          {"edges", row.edges},
          {"memory_limit_bytes", row.memory_limit_bytes},
          {"critical_path_ns", row.critical_path},
          {"lower_bound_ns", row.lower_bound}};
}

RowFacts RowFromJson(const nlohmann::json& json) {
  RowFacts row;
  row.setting = json.at("setting");
  row.name = json.at("name");
  row.family = json.at("family");
  row.suite = json.at("suite");
  row.devices = json.at("devices");
  row.machine = json.at("machine");
  (void)absl::SimpleHexAtoi(json.at("graph_hash").get<std::string>(), &row.graph_hash);
  row.ops = json.at("ops");
  row.edges = json.at("edges");
  row.memory_limit_bytes = json.at("memory_limit_bytes");
  row.critical_path = json.at("critical_path_ns");
  row.lower_bound = json.at("lower_bound_ns");
  return row;
}

// One item a line, so that a change of one cell is a change of one line.
void AppendLines(const std::string& name, const nlohmann::json& items, std::string* text) {
  absl::StrAppend(text, ",\n\"", name, "\": [");
  const char* separator = "\n";
  for (const nlohmann::json& item : items) {
    absl::StrAppend(text, separator, item.dump());
    separator = ",\n";
  }
  absl::StrAppend(text, "\n]");
}

absl::Status FileError(std::string_view source, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(std::string(source), ": ", std::string(what)));
}

}  // namespace

absl::StatusOr<SuiteResults> SuiteResults::Load(const std::string& path) {
  absl::StatusOr<std::string> bytes = ReadFileBytes(path, kMaxFileBytes);
  if (absl::IsNotFound(bytes.status())) return SuiteResults();
  GOPT_RETURN_IF_ERROR(bytes.status());
  return FromText(*bytes, path);
}

absl::StatusOr<SuiteResults> SuiteResults::FromText(std::string_view text,
                                                    std::string_view source) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  SuiteResults results;
  try {
    if (!json.is_object() || json.at("format") != kFormat) {
      return FileError(source, "is no file of suite results");
    }
    if (json.at("format_version") != kFormatVersion) {
      return FileError(source, "is of another version of the format");
    }
    results.solvers_ = json.at("solvers").get<std::vector<std::string>>();
    for (const nlohmann::json& row : json.at("rows")) results.PutRow(RowFromJson(row));
    for (const nlohmann::json& item : json.at("cells")) {
      absl::StatusOr<Cell> cell = CellFromJson(item);
      if (!cell.ok()) return FileError(source, std::string(cell.status().message()));
      results.Put(*std::move(cell), /*only_one=*/false);
    }
  } catch (const nlohmann::json::exception& error) {
    return FileError(source, error.what());
  }
  return results;
}

void SuiteResults::PutRow(const RowFacts& row) {
  for (RowFacts& known : rows_) {
    if (known.setting == row.setting && known.name == row.name) {
      known = row;
      return;
    }
  }
  rows_.push_back(row);
}

void SuiteResults::OrderSolvers(const std::vector<std::string>& solvers) {
  std::vector<std::string> order = solvers;
  for (std::string& known : solvers_) {
    if (std::find(solvers.begin(), solvers.end(), known) == solvers.end()) {
      order.push_back(std::move(known));
    }
  }
  solvers_ = std::move(order);
}

void SuiteResults::Put(Cell cell, bool only_one) {
  const Place& place = cell.place;
  if (std::find(solvers_.begin(), solvers_.end(), place.solver) == solvers_.end()) {
    solvers_.push_back(place.solver);
  }
  std::vector<Cell>& line = cells_[{place.setting, place.row, place.solver}];
  std::erase_if(line, [&](const Cell& known) {
    return known.place == place && (only_one || known.conditions == cell.conditions);
  });
  const auto after =
      std::upper_bound(line.begin(), line.end(), place.seed,
                       [](uint64_t seed, const Cell& known) { return seed < known.place.seed; });
  line.insert(after, std::move(cell));
}

const Cell* SuiteResults::Find(const Place& place, const Conditions& conditions) const {
  const auto line = cells_.find({place.setting, place.row, place.solver});
  if (line == cells_.end()) return nullptr;
  for (const Cell& cell : line->second) {
    if (cell.place == place && cell.conditions == conditions) return &cell;
  }
  return nullptr;
}

std::vector<const Cell*> SuiteResults::Seeds(const RowFacts& row, const std::string& solver) const {
  std::vector<const Cell*> seeds;
  const auto line = cells_.find({row.setting, row.name, solver});
  if (line == cells_.end()) return seeds;
  for (const Cell& cell : line->second) {
    if (cell.conditions.graph_hash == row.graph_hash && cell.conditions.machine == row.machine) {
      seeds.push_back(&cell);
    }
  }
  return seeds;
}

const Cell* SuiteResults::Fastest(const RowFacts& row) const {
  const Cell* fastest = nullptr;
  for (const std::string& solver : solvers_) {
    for (const Cell* cell : Seeds(row, solver)) {
      if (!cell->ok()) continue;
      if (fastest == nullptr || cell->step_time < fastest->step_time) fastest = cell;
    }
  }
  return fastest;
}

const RowFacts* SuiteResults::FindRow(std::string_view setting, std::string_view row) const {
  for (const RowFacts& facts : rows_) {
    if (facts.setting == setting && facts.name == row) return &facts;
  }
  return nullptr;
}

std::string SuiteResults::ToText(const nlohmann::json& summary) const {
  std::string text = absl::StrCat("{\"format\": \"", std::string(kFormat),
                                  "\", \"format_version\": ", kFormatVersion,
                                  ",\n\"solvers\": ", nlohmann::json(solvers_).dump());
  nlohmann::json rows = nlohmann::json::array(), cells = nlohmann::json::array();
  for (const RowFacts& row : rows_) rows.push_back(RowToJson(row));
  for (const auto& [place, line] : cells_) {
    for (const Cell& cell : line) cells.push_back(ToJson(cell));
  }
  AppendLines("rows", rows, &text);
  for (const auto& [name, value] : summary.items()) {
    if (value.is_array()) {
      AppendLines(name, value, &text);
    } else {
      absl::StrAppend(&text, ",\n\"", name, "\": ", value.dump());
    }
  }
  AppendLines("cells", cells, &text);
  return text + "\n}\n";
}

absl::Status SuiteResults::Save(const std::string& path, const nlohmann::json& summary) const {
  return WriteFileAtomically(path, ToText(summary));
}

}  // namespace gopt::suite
