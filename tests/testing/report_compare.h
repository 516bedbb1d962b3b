#ifndef TESTS_TESTING_REPORT_COMPARE_H_
#define TESTS_TESTING_REPORT_COMPARE_H_

#include <string>

#include "gopt/cost/cost_report.h"

namespace gopt::testing {

// Every field in text, one line per field or list entry: two reports are equal if and only if their
// texts are, and a diff of the texts shows where they part.
std::string ReportToText(const CostReport& report);

// "" when every field is equal, else the first lines that differ.
std::string FirstDifference(const CostReport& expected, const CostReport& actual);

}  // namespace gopt::testing

#endif  // TESTS_TESTING_REPORT_COMPARE_H_
