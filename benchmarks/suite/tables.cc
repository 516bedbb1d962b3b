#include "benchmarks/suite/tables.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace gopt::suite {
namespace {

std::vector<const RowFacts*> ShownRows(const View& view) {
  std::vector<const RowFacts*> rows;
  for (const std::string& name : view.rows) {
    const RowFacts* row = view.results.FindRow(view.setting, name);
    if (row != nullptr) rows.push_back(row);
  }
  return rows;
}

std::string StepTimeText(const Figure* figure) {
  if (figure == nullptr) return "";
  switch (figure->outcome) {
    case CellOutcome::kOk:
      return MillisecondsText(static_cast<double>(figure->median));
    case CellOutcome::kOutOfMemory:
      return "OOM";
    case CellOutcome::kFailed:
      return "failed";
  }
  return "";
}

std::string ReductionText(const Mean* mean, size_t all_rows) {
  if (mean == nullptr || mean->rows == 0) return "";
  std::string text = absl::StrFormat("%.1f %%", 100.0 * mean->reduction);
  if (static_cast<size_t>(mean->rows) < all_rows) absl::StrAppend(&text, " (", mean->rows, ")");
  return text;
}

std::vector<std::string> FactLine(const std::string& name, const std::vector<const RowFacts*>& rows,
                                  Nanoseconds RowFacts::*fact) {
  std::vector<std::string> line{name};
  for (const RowFacts* row : rows) {
    line.push_back(MillisecondsText(static_cast<double>(row->*fact)));
  }
  line.push_back("");
  return line;
}

std::vector<std::string> BestLine(const View& view, const std::vector<const RowFacts*>& rows) {
  std::vector<std::string> line{"best known"};
  for (const RowFacts* row : rows) {
    const Nanoseconds best = BestKnown(view.results, view.best, *row);
    line.push_back(MillisecondsText(static_cast<double>(best)));
  }
  line.push_back("");
  return line;
}

std::string MebibytesText(int64_t bytes) {
  return absl::StrFormat("%.0f", static_cast<double>(bytes) / (1 << 20));
}

std::string DetailTitle(const View& view, const RowFacts& row) {
  std::string title = absl::StrFormat(
      "%s on %s: %d ops, %d edges, %s MiB a device; critical path %s ms, bound %s ms", row.name,
      row.machine, row.ops, row.edges, MebibytesText(row.memory_limit_bytes),
      MillisecondsText(static_cast<double>(row.critical_path)),
      MillisecondsText(static_cast<double>(row.lower_bound)));
  if (const Nanoseconds best = BestKnown(view.results, view.best, row); best > 0) {
    absl::StrAppend(&title, ", best known ", MillisecondsText(static_cast<double>(best)), " ms");
  }
  return title;
}

std::vector<std::string> DetailLine(const Figure& figure) {
  return {figure.solver,
          MillisecondsText(static_cast<double>(figure.median)),
          MillisecondsText(static_cast<double>(figure.min)),
          MillisecondsText(static_cast<double>(figure.max)),
          RatioText(figure.over_reference),
          RatioText(figure.over_bound),
          RatioText(figure.over_best),
          MebibytesText(figure.peak_bytes),
          absl::StrCat(figure.seeds),
          absl::StrCat(figure.evaluations),
          absl::StrFormat("%.2f", figure.seconds),
          std::string(ToString(figure.outcome))};
}

}  // namespace

Grid OverviewGrid(const View& view) {
  const std::vector<const RowFacts*> rows = ShownRows(view);
  Grid grid;
  grid.head.push_back(view.setting + ", ms");
  for (const RowFacts* row : rows) grid.head.push_back(row->name);
  grid.head.push_back("below " + view.summary.reference);
  grid.lines.push_back(FactLine("critical path", rows, &RowFacts::critical_path));
  grid.lines.push_back(FactLine("lower bound", rows, &RowFacts::lower_bound));
  std::vector<std::string> best = BestLine(view, rows);
  if (!absl::StrJoin(best.begin() + 1, best.end(), "").empty()) grid.lines.push_back(best);
  for (const std::string& solver : view.solvers) {
    std::vector<std::string> line{solver};
    for (const RowFacts* row : rows) line.push_back(StepTimeText(view.summary.Find(*row, solver)));
    line.push_back(ReductionText(view.summary.FindMean(view.setting, solver), rows.size()));
    grid.lines.push_back(std::move(line));
  }
  return grid;
}

std::string DetailText(const View& view, const RowFacts& row) {
  Grid grid;
  grid.head = {"solver",  "ms",     "min",      "max",   "/ " + view.summary.reference,
               "/ bound", "/ best", "peak MiB", "seeds", "evaluations",
               "seconds", "outcome"};
  std::string reasons;
  for (const std::string& solver : view.solvers) {
    const Figure* figure = view.summary.Find(row, solver);
    if (figure == nullptr) continue;
    grid.lines.push_back(DetailLine(*figure));
    if (!figure->ok())
      absl::StrAppend(&reasons, "  ", solver, ": ",
                      figure->reason.substr(0, figure->reason.find(';')), "\n");
  }
  return absl::StrCat(DetailTitle(view, row), "\n", ToText(grid), reasons);
}

}  // namespace gopt::suite
