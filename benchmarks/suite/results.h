#ifndef GOPT_BENCHMARKS_SUITE_RESULTS_H_
#define GOPT_BENCHMARKS_SUITE_RESULTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmarks/suite/cell.h"
#include "gopt/cost/bounds.h"

namespace gopt::suite {

// What is known of a row before anything was solved.
struct RowFacts {
  std::string setting;
  std::string name;
  std::string family;
  std::string suite;
  int devices = 1;
  std::string machine;
  uint64_t graph_hash = 0;  // GraphHash.
  int64_t ops = 0;
  int64_t edges = 0;
  int64_t memory_limit_bytes = 0;  // Per device.
  Nanoseconds critical_path = 0;
  Nanoseconds lower_bound = 0;
};

// The cells of one or more runs, kept in a JSON file (docs/formats/suite_json.md). One thread at a
// time.
class SuiteResults {
 public:
  // An absent file is an empty suite; InvalidArgument names the file and the field.
  static absl::StatusOr<SuiteResults> Load(const std::string& path);
  static absl::StatusOr<SuiteResults> FromText(std::string_view text, std::string_view source);

  void PutRow(const RowFacts& row);
  // Puts these solvers first, in this order; others that are known follow.
  void OrderSolvers(const std::vector<std::string>& solvers);
  // Replaces the cell of equal place and conditions; with `only_one`, every cell of that place.
  void Put(Cell cell, bool only_one = true);

  // Null: not there. Valid until the next Put.
  const Cell* Find(const Place& place, const Conditions& conditions) const;
  // Cells of one row and solver whose machine and graph are still the row's, by seed.
  std::vector<const Cell*> Seeds(const RowFacts& row, const std::string& solver) const;
  // The fastest of them that is ok, over all solvers; null: none.
  const Cell* Fastest(const RowFacts& row) const;
  const RowFacts* FindRow(std::string_view setting, std::string_view row) const;  // Null: none.

  const std::vector<RowFacts>& rows() const { return rows_; }  // In the order of the first PutRow.
  const std::vector<std::string>& solvers() const { return solvers_; }

  // The file's text, a line per item. `summary` (an object) is what the cells come to,
  // for readers that do not want to work it out again; reading passes over it.
  std::string ToText(const nlohmann::json& summary) const;
  // Atomic.
  absl::Status Save(const std::string& path, const nlohmann::json& summary) const;

 private:
  using Line = std::tuple<std::string, std::string, std::string>;  // Setting, row, solver.

  std::vector<RowFacts> rows_;
  std::vector<std::string> solvers_;
  std::map<Line, std::vector<Cell>> cells_;  // Each by seed.
};

}  // namespace gopt::suite

#endif  // GOPT_BENCHMARKS_SUITE_RESULTS_H_
