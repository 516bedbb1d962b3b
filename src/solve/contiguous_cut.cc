#include "src/solve/contiguous_cut.h"

#include <algorithm>
#include <numeric>

namespace gopt {
namespace {

constexpr int kBisections = 64;
constexpr double kPrecision = 1e-12;  // Relative.

// Fills bins in order, none busier than `bound`. False if items are left over.
bool Fill(const CutProblem& problem, double bound, bool with_room, std::vector<int32_t>* bin) {
  size_t b = 0;
  double work = 0.0;
  int64_t bytes = 0;
  for (size_t i = 0; i < problem.work.size(); ++i) {
    while (work + problem.work[i] > bound * problem.rate[b] ||
           (with_room && SaturatingAdd(bytes, problem.bytes[i]) > problem.room[b])) {
      if (++b == problem.rate.size()) return false;
      work = 0.0;
      bytes = 0;
    }
    work += problem.work[i];
    bytes = SaturatingAdd(bytes, problem.bytes[i]);
    (*bin)[i] = static_cast<int32_t>(b);
  }
  return true;
}

double Bottleneck(const CutProblem& problem, const std::vector<int32_t>& bin) {
  std::vector<double> work(problem.rate.size(), 0.0);
  for (size_t i = 0; i < bin.size(); ++i) work[bin[i]] += problem.work[i];
  double most = 0.0;
  for (size_t b = 0; b < work.size(); ++b) most = std::max(most, work[b] / problem.rate[b]);
  return most;
}

}  // namespace

Cut CutContiguously(const CutProblem& problem) {
  const double total = std::accumulate(problem.work.begin(), problem.work.end(), 0.0);
  const double slowest = *std::min_element(problem.rate.begin(), problem.rate.end());
  // Twice: rounding in `work +` must not make the bound of one bin for all too small.
  double high = 2.0 * total / slowest + 1.0;
  Cut cut;
  cut.bin.resize(problem.work.size());
  const bool with_room = Fill(problem, high, true, &cut.bin);
  if (!with_room) Fill(problem, high, false, &cut.bin);
  double low = 0.0;  // Always below the optimum.
  std::vector<int32_t> bin(problem.work.size());
  for (int i = 0; i < kBisections; ++i) {
    const double middle = low + (high - low) / 2.0;
    if (Fill(problem, middle, with_room, &bin)) {
      // Jumping to what the cut really needs ends the search early when sums are integers.
      high = std::min(middle, Bottleneck(problem, bin));
      cut.bin.swap(bin);
    } else {
      low = middle;
    }
    if (high - low <= kPrecision * high) break;
  }
  cut.bottleneck = Bottleneck(problem, cut.bin);
  return cut;
}

}  // namespace gopt
