#include "tests/testing/report_compare.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace gopt::testing {
namespace {

bool Same(const KernelSpan& a, const KernelSpan& b) {
  return a.kernel == b.kernel && a.device == b.device && a.start == b.start && a.end == b.end;
}

bool Same(const TransferSpan& a, const TransferSpan& b) {
  return a.port == b.port && a.producer == b.producer && a.from == b.from && a.to == b.to &&
         a.bytes == b.bytes && a.request == b.request && a.start == b.start && a.end == b.end &&
         a.arrival == b.arrival;
}

bool Same(const MemorySample& a, const MemorySample& b) {
  return a.time == b.time && a.bytes == b.bytes;
}

bool Same(const CriticalStep& a, const CriticalStep& b) {
  return a.kernel == b.kernel && a.reason == b.reason && a.cause == b.cause;
}

template <typename T>
bool Same(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const T& x, const T& y) { return Same(x, y); });
}

bool Same(const CostReport& a, const CostReport& b) {
  return a.outcome == b.outcome && a.reason == b.reason && a.step_time == b.step_time &&
         a.samples == b.samples && a.busy == b.busy && a.peak_bytes == b.peak_bytes &&
         a.bytes_over_limit == b.bytes_over_limit && a.transfers == b.transfers &&
         a.transfer_bytes == b.transfer_bytes && a.unknown_flops_ops == b.unknown_flops_ops &&
         a.unmodelled_collectives == b.unmodelled_collectives && a.start_order == b.start_order &&
         Same(a.kernel_spans, b.kernel_spans) && Same(a.transfer_spans, b.transfer_spans) &&
         Same(a.memory_samples, b.memory_samples) && Same(a.critical_chain, b.critical_chain);
}

}  // namespace

std::string ReportToText(const CostReport& report) {
  std::string text = absl::StrCat(
      "outcome ", std::string(ToString(report.outcome)), "\nreason ", report.reason, "\nstep_time ",
      report.step_time, "\nsamples ", absl::StrJoin(report.samples, " "), "\nbusy ",
      absl::StrJoin(report.busy, " "), "\npeak_bytes ", absl::StrJoin(report.peak_bytes, " "),
      "\nbytes_over_limit ", report.bytes_over_limit, "\ntransfers ", report.transfers,
      "\ntransfer_bytes ", report.transfer_bytes);
  absl::StrAppend(&text, "\nunknown_flops_ops ", report.unknown_flops_ops,
                  "\nunmodelled_collectives ", report.unmodelled_collectives, "\nstart_order ",
                  absl::StrJoin(report.start_order, " "), "\n");
  for (const KernelSpan& span : report.kernel_spans) {
    absl::StrAppend(&text, "kernel ", span.kernel, " on ", span.device, ": ", span.start, " .. ",
                    span.end, "\n");
  }
  for (const TransferSpan& span : report.transfer_spans) {
    absl::StrAppend(&text, "transfer of port ", span.port, " of kernel ", span.producer, ", ",
                    span.from, " -> ", span.to, ", ", span.bytes, " bytes: ", span.request, " / ");
    absl::StrAppend(&text, span.start, " .. ", span.end, " / ", span.arrival, "\n");
  }
  for (size_t device = 0; device < report.memory_samples.size(); ++device) {
    for (const MemorySample& sample : report.memory_samples[device]) {
      absl::StrAppend(&text, "memory of ", device, " from ", sample.time, ": ", sample.bytes, "\n");
    }
  }
  for (const CriticalStep& step : report.critical_chain) {
    absl::StrAppend(&text, "chain ", step.kernel, " reason ", static_cast<int>(step.reason),
                    " cause ", step.cause, "\n");
  }
  return text;
}

std::string FirstDifference(const CostReport& expected, const CostReport& actual) {
  if (Same(expected, actual)) return "";
  const std::string a = ReportToText(expected), b = ReportToText(actual);
  const std::vector<std::string> left = absl::StrSplit(a, '\n'), right = absl::StrSplit(b, '\n');
  std::string text;
  int shown = 0;
  for (size_t i = 0; i < std::max(left.size(), right.size()) && shown < 4; ++i) {
    const std::string x = i < left.size() ? left[i] : "-", y = i < right.size() ? right[i] : "-";
    if (x == y) continue;
    absl::StrAppend(&text, "expected: ", x, "\n  actual: ", y, "\n");
    ++shown;
  }
  return text;
}

}  // namespace gopt::testing
