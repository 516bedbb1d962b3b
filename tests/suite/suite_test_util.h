#ifndef TESTS_SUITE_SUITE_TEST_UTIL_H_
#define TESTS_SUITE_SUITE_TEST_UTIL_H_

#include <string>

#include "benchmarks/suite/results.h"

namespace gopt::suite {

inline RowFacts SomeRow(const std::string& name, const std::string& setting = "p100") {
  RowFacts row;
  row.setting = setting;
  row.name = name;
  row.family = "chain";
  row.suite = "file";
  row.devices = 2;
  row.machine = "p100x2";
  row.graph_hash = 0xfedcba9876543210;
  row.ops = 10;
  row.edges = 12;
  row.memory_limit_bytes = int64_t{16} << 30;
  row.critical_path = 40'000'000;
  row.lower_bound = 50'000'000;
  return row;
}

// A run that went well, on SomeRow(row).
inline Cell SomeCell(const std::string& row, const std::string& solver, Nanoseconds step_time,
                     uint64_t seed = 0) {
  Cell cell;
  cell.place = {"p100", row, solver, seed};
  cell.conditions = {"p100x2", 0xfedcba9876543210, 100, 0.0, "", "1.0"};
  cell.outcome = CellOutcome::kOk;
  cell.step_time = step_time;
  cell.peak_bytes = 1'000 + static_cast<int64_t>(seed);
  cell.found_by = solver;
  cell.evaluations = 100;
  cell.seconds = 0.5;
  cell.stop = "evaluations";
  cell.curve = {{1, 0.25, 2 * step_time}, {60, 0.5, step_time}};
  return cell;
}

inline Cell OutOfMemoryCell(const std::string& row, const std::string& solver) {
  Cell cell = SomeCell(row, solver, 90'000'000);
  cell.outcome = CellOutcome::kOutOfMemory;
  cell.reason = "out of memory: device 0";
  return cell;
}

}  // namespace gopt::suite

#endif  // TESTS_SUITE_SUITE_TEST_UTIL_H_
