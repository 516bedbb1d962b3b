#ifndef TESTS_TESTING_EXPORTER_CONFORMANCE_H_
#define TESTS_TESTING_EXPORTER_CONFORMANCE_H_

#include <vector>

#include "gopt/io/exporter.h"

namespace gopt::testing {

// A problem, a plan for it and what it costs, timeline included.
struct ExportCase {
  Problem problem;
  Plan plan;
  CostReport report;
  ExportRequest request() const { return {&problem, &plan, &report}; }
};

// Small random problems with fusion, clones, parameters and transfers; the same for one seed.
std::vector<ExportCase> ExportCases(int count, uint64_t seed);

// What every exporter must do, as EXPECTs: accept every legal case, also the graph without ops;
// give the same bytes twice and on two threads; refuse requests without a problem or with a plan or
// report of another problem as InvalidArgument; say FailedPrecondition, never more, for what it
// lacks; hand on names with quotes, line ends and non-Latin letters without breaking its format
// (".json" must parse).
void TestExporterConformance(const Exporter& exporter);

}  // namespace gopt::testing

#endif  // TESTS_TESTING_EXPORTER_CONFORMANCE_H_
