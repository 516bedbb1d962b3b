#ifndef GOPT_BENCHMARKS_SUITE_GRID_H_
#define GOPT_BENCHMARKS_SUITE_GRID_H_

#include <string>
#include <vector>

namespace gopt::suite {

// A table of texts. The first column is flush left, numbers and all else flush right.
struct Grid {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> lines;  // Each as long as `head`.
};

std::string ToText(const Grid& grid);
std::string ToMarkdown(const Grid& grid);

// "398", "45.2", "4.52": milliseconds of so many nanoseconds, three digits or more; "" for 0.
std::string MillisecondsText(double nanoseconds);
// "1.234"; "" for 0.
std::string RatioText(double ratio);

}  // namespace gopt::suite

#endif  // GOPT_BENCHMARKS_SUITE_GRID_H_
