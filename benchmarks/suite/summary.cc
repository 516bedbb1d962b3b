#include "benchmarks/suite/summary.h"

#include <algorithm>
#include <cmath>

namespace gopt::suite {
namespace {

// The middle one, or the mean of the middle two.
template <typename T>
T Median(std::vector<T> values) {
  if (values.empty()) return T{};
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  if (values.size() % 2 == 1) return values[half];
  return values[half - 1] + (values[half] - values[half - 1]) / 2;
}

double Ratio(Nanoseconds a, Nanoseconds b) {
  return a <= 0 || b <= 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
}

Figure OverSeeds(const RowFacts& row, const std::string& solver,
                 const std::vector<const Cell*>& seeds) {
  Figure figure;
  figure.row = &row;
  figure.solver = solver;
  figure.seeds = static_cast<int>(seeds.size());
  std::vector<Nanoseconds> times;
  std::vector<int64_t> evaluations;
  std::vector<double> seconds;
  for (const Cell* cell : seeds) {
    if (cell->ok()) times.push_back(cell->step_time);
    if (!cell->ok() && figure.reason.empty()) figure.reason = cell->reason;
    figure.outcome = std::max(figure.outcome, cell->outcome);
    figure.peak_bytes = std::max(figure.peak_bytes, cell->peak_bytes);
    evaluations.push_back(cell->evaluations);
    seconds.push_back(cell->seconds);
  }
  figure.median = Median(times);
  if (!times.empty()) {
    figure.min = *std::min_element(times.begin(), times.end());
    figure.max = *std::max_element(times.begin(), times.end());
  }
  figure.evaluations = Median(evaluations);
  figure.seconds = Median(seconds);
  return figure;
}

double GeometricMean(const std::vector<double>& ratios) {
  if (ratios.empty()) return 0.0;
  double sum = 0.0;
  for (double ratio : ratios) sum += std::log(ratio);
  return std::exp(sum / static_cast<double>(ratios.size()));
}

class MeanOf {
 public:
  void Add(const Figure& figure) {
    if (figure.over_reference > 0.0) {
      over_reference_.push_back(figure.over_reference);
    } else {
      left_out_.push_back(figure.row->name);
    }
    if (!figure.ok()) return;
    if (figure.over_bound > 0.0) over_bound_.push_back(figure.over_bound);
    if (figure.over_best > 0.0) over_best_.push_back(figure.over_best);
  }

  Mean Get(const std::string& setting, const std::string& solver) const {
    Mean mean{.setting = setting, .solver = solver};
    mean.reduction = over_reference_.empty() ? 0.0 : 1.0 - GeometricMean(over_reference_);
    mean.over_bound = GeometricMean(over_bound_);
    mean.over_best = GeometricMean(over_best_);
    mean.rows = static_cast<int>(over_reference_.size());
    mean.left_out = left_out_;
    return mean;
  }

 private:
  std::vector<double> over_reference_, over_bound_, over_best_;
  std::vector<std::string> left_out_;
};

std::vector<std::string> Settings(const SuiteResults& results) {
  std::vector<std::string> settings;
  for (const RowFacts& row : results.rows()) {
    if (std::find(settings.begin(), settings.end(), row.setting) == settings.end()) {
      settings.push_back(row.setting);
    }
  }
  return settings;
}

// The figures of one row, with ratios.
std::vector<Figure> RowFigures(const SuiteResults& results, const SuiteResults& best,
                               const std::string& reference, const RowFacts& row) {
  std::vector<Figure> figures;
  for (const std::string& solver : results.solvers()) {
    const std::vector<const Cell*> seeds = results.Seeds(row, solver);
    if (!seeds.empty()) figures.push_back(OverSeeds(row, solver, seeds));
  }
  Nanoseconds reference_time = 0;
  for (const Figure& figure : figures) {
    if (figure.solver == reference && figure.ok()) reference_time = figure.median;
  }
  const Nanoseconds best_known = BestKnown(results, best, row);
  for (Figure& figure : figures) {
    if (!figure.ok()) continue;
    figure.over_reference = Ratio(figure.median, reference_time);
    figure.over_bound = Ratio(figure.median, row.lower_bound);
    figure.over_best = Ratio(figure.median, best_known);
  }
  return figures;
}

nlohmann::json FigureToJson(const Figure& figure) {
  return {{"setting", figure.row->setting},
          {"row", figure.row->name},
          {"solver", figure.solver},
          {"outcome", ToString(figure.outcome)},
          {"reason", figure.reason},
          {"seeds", figure.seeds},
          {"median_ns", figure.median},
          {"min_ns", figure.min},
          {"max_ns", figure.max},
          {"over_expert", figure.over_reference},
          {"over_bound", figure.over_bound},
          {"over_best", figure.over_best},
          {"peak_bytes", figure.peak_bytes},
          {"evaluations", figure.evaluations},
          {"seconds", figure.seconds}};
}

nlohmann::json MeanToJson(const Mean& mean) {
  return {{"setting", mean.setting},     {"solver", mean.solver},
          {"reduction", mean.reduction}, {"over_bound", mean.over_bound},
          {"over_best", mean.over_best}, {"rows", mean.rows},
          {"left_out", mean.left_out}};
}

}  // namespace

double RunTimeReduction(std::span<const std::pair<double, double>> pairs) {
  std::vector<double> ratios;
  for (const auto& [ours, theirs] : pairs) ratios.push_back(ours / theirs);
  return ratios.empty() ? 0.0 : 1.0 - GeometricMean(ratios);
}

Nanoseconds BestKnown(const SuiteResults& results, const SuiteResults& best, const RowFacts& row) {
  const Cell* derived = best.Fastest(row);
  if (derived == nullptr) return 0;
  const Cell* here = results.Fastest(row);
  return here == nullptr ? derived->step_time : std::min(derived->step_time, here->step_time);
}

const Figure* Summary::Find(const RowFacts& row, const std::string& solver) const {
  for (const Figure& figure : figures) {
    if (figure.solver == solver && figure.row->name == row.name &&
        figure.row->setting == row.setting) {
      return &figure;
    }
  }
  return nullptr;
}

const Mean* Summary::FindMean(const std::string& setting, const std::string& solver) const {
  for (const Mean& mean : means) {
    if (mean.setting == setting && mean.solver == solver) return &mean;
  }
  return nullptr;
}

Summary Summarize(const SuiteResults& results, const SuiteResults& best,
                  const std::string& reference) {
  Summary summary;
  summary.reference = reference;
  std::map<std::pair<std::string, std::string>, MeanOf> means;
  for (const RowFacts& row : results.rows()) {
    for (Figure& figure : RowFigures(results, best, reference, row)) {
      means[{row.setting, figure.solver}].Add(figure);
      summary.figures.push_back(std::move(figure));
    }
  }
  for (const std::string& setting : Settings(results)) {
    for (const std::string& solver : results.solvers()) {
      const auto mean = means.find({setting, solver});
      if (mean != means.end()) summary.means.push_back(mean->second.Get(setting, solver));
    }
  }
  return summary;
}

nlohmann::json ToJson(const Summary& summary) {
  nlohmann::json figures = nlohmann::json::array(), means = nlohmann::json::array();
  for (const Figure& figure : summary.figures) figures.push_back(FigureToJson(figure));
  for (const Mean& mean : summary.means) means.push_back(MeanToJson(mean));
  return {{"figures", figures}, {"means", means}, {"reference", summary.reference}};
}

}  // namespace gopt::suite
