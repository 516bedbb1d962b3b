#include "benchmarks/suite/grid.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace gopt::suite {
namespace {

std::vector<size_t> Widths(const Grid& grid) {
  std::vector<size_t> widths;
  for (const std::string& name : grid.head) widths.push_back(name.size());
  for (const std::vector<std::string>& line : grid.lines) {
    for (size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], line[c].size());
  }
  return widths;
}

std::string TextLine(const std::vector<std::string>& line, const std::vector<size_t>& widths) {
  std::string text;
  for (size_t c = 0; c < line.size(); ++c) {
    const std::string padding(widths[c] - line[c].size(), ' ');
    absl::StrAppend(&text, c == 0 ? "" : "  ", c == 0 ? line[c] + padding : padding + line[c]);
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

std::string MarkdownLine(const std::vector<std::string>& line) {
  return absl::StrCat("| ", absl::StrJoin(line, " | "), " |\n");
}

}  // namespace

std::string ToText(const Grid& grid) {
  const std::vector<size_t> widths = Widths(grid);
  std::string text = TextLine(grid.head, widths);
  for (const std::vector<std::string>& line : grid.lines) {
    absl::StrAppend(&text, TextLine(line, widths));
  }
  return text;
}

std::string ToMarkdown(const Grid& grid) {
  std::string text = MarkdownLine(grid.head);
  for (size_t c = 0; c < grid.head.size(); ++c) absl::StrAppend(&text, c == 0 ? "|---|" : "---:|");
  absl::StrAppend(&text, "\n");
  for (const std::vector<std::string>& line : grid.lines) {
    absl::StrAppend(&text, MarkdownLine(line));
  }
  return text;
}

std::string MillisecondsText(double nanoseconds) {
  if (nanoseconds <= 0.0) return "";
  const double ms = nanoseconds / 1e6;
  const int decimals = ms >= 100.0 ? 0 : ms >= 10.0 ? 1 : ms >= 1.0 ? 2 : 3;
  return absl::StrFormat("%.*f", decimals, ms);
}

std::string RatioText(double ratio) { return ratio <= 0.0 ? "" : absl::StrFormat("%.3f", ratio); }

}  // namespace gopt::suite
