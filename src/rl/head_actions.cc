#include "gopt/rl/head_actions.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "gopt/base/check.h"

namespace gopt {
namespace {

// Directions whose share of the features' variance is below this are not there.
constexpr double kLeastVariance = 1e-7;

at::Tensor RowsOfGroup(const at::Tensor& rows, const std::vector<int64_t>& counts, size_t group) {
  int64_t begin = 0;
  for (size_t i = 0; i < group; ++i) begin += counts[i];
  return rows.slice(0, begin, begin + counts[group]);
}

// [samples, n] of N(0, 1); with antithetic pairs sample 2i + 1 has the opposite of sample 2i.
at::Tensor Normal(int64_t samples, int64_t n, bool antithetic, const at::Generator& generator) {
  if (!antithetic) return at::randn({samples, n}, generator, at::kFloat);
  const at::Tensor half = at::randn({(samples + 1) / 2, n}, generator, at::kFloat);
  return at::stack({half, -half}, 1).flatten(0, 1).slice(0, 0, samples);
}

int64_t SparseRows(const ExplorationOptions& exploration, int64_t rows) {
  if (exploration.sparse_share <= 0 || rows == 0) return 0;
  const auto wanted = static_cast<int64_t>(std::llround(exploration.sparse_share * rows));
  // No more than there are shared directions, so that neither drowns the other.
  return std::clamp<int64_t>(wanted, 1, std::min<int64_t>(exploration.rank, rows));
}

void DrawShared(const DrawOptions& options, const at::Tensor& value, const at::Tensor& features,
                const at::Tensor& coefficient, const at::Generator& generator,
                HeadActions::Group* group) {
  const int64_t samples = coefficient.size(0), rows = value.size(0);
  const int64_t sparse = SparseRows(options.exploration, rows);
  const double sigma = options.sigma / std::sqrt(options.exploration.rank);
  const at::Tensor on = group->active.to(at::kFloat).unsqueeze(1);
  group->mean = value.to(at::kFloat);
  group->basis = NoiseBasis(features, options.exploration.rank).to(at::kFloat);
  group->noise = coefficient.to(value.device()) * sigma * on;
  at::Tensor sparse_row =
      at::randint(std::max<int64_t>(rows, 1), {samples, sparse}, generator, at::kLong);
  at::Tensor sparse_noise = at::randn({samples, sparse}, generator, at::kFloat);
  group->sparse_row = sparse_row.to(value.device());
  group->sparse_noise = sparse_noise.to(value.device()) * options.exploration.sparse_sigma * on;
  group->action = (group->mean.unsqueeze(0) + at::matmul(group->noise, group->basis.t()))
                      .scatter_add(1, group->sparse_row, group->sparse_noise);
}

void DrawIndependent(const DrawOptions& options, const at::Tensor& value, int64_t samples,
                     const at::Generator& generator, HeadActions::Group* group) {
  const at::Tensor on = group->active.to(at::kFloat).unsqueeze(1);
  group->mean = value.to(at::kFloat);
  group->noise =
      Normal(samples, value.size(0), options.exploration.antithetic, generator).to(value.device()) *
      options.sigma * on;
  group->action = group->mean.unsqueeze(0) + group->noise;
}

// By the Gumbel-max trick, so that a draw is one addition and one maximum.
void DrawCategorical(const DrawOptions& options, const at::Tensor& logits, int64_t samples,
                     const at::Generator& generator, HeadActions::Group* group) {
  const int64_t rows = logits.size(0), choices = logits.size(1);
  const at::Tensor uniform =
      at::rand({samples, rows, choices}, generator, at::kFloat).clamp(1e-10, 1 - 1e-7);
  at::Tensor gumbel = -at::log(-at::log(uniform)).to(logits.device());
  const at::Tensor on = group->active.to(at::kFloat).view({samples, 1, 1});
  group->action = (logits.to(at::kFloat).unsqueeze(0) + gumbel * on).argmax(2);
}

at::Tensor GaussianLog(const at::Tensor& noise, double sigma) {
  return noise.square() * (-0.5 / (sigma * sigma));
}

// [samples, factors]
at::Tensor GroupLogProbabilities(const DrawOptions& options, const HeadActions::Group& group,
                                 const at::Tensor& value) {
  if (options.draw == Draw::kCategorical) {
    const at::Tensor log_softmax = at::log_softmax(value, 1).unsqueeze(0);
    return log_softmax.expand({group.action.size(0), -1, -1})
        .gather(2, group.action.unsqueeze(2))
        .squeeze(2);
  }
  const at::Tensor shift = value - group.mean.to(value.dtype());  // [rows]
  if (options.draw == Draw::kIndependent) {
    return GaussianLog(group.noise - shift.unsqueeze(0), options.sigma);
  }
  const int64_t rows = std::max<int64_t>(value.size(0), 1);
  const at::Tensor basis = group.basis.to(value.dtype());
  const at::Tensor along = at::matmul(basis.t(), shift) / rows;  // [rank]
  const at::Tensor shared = GaussianLog(group.noise - along.unsqueeze(0),
                                        options.sigma / std::sqrt(options.exploration.rank));
  const at::Tensor across = shift - at::matmul(basis, along);  // [rows]
  const at::Tensor sparse = GaussianLog(
      group.sparse_noise -
          across.index_select(0, group.sparse_row.flatten()).view(group.sparse_row.sizes()),
      options.exploration.sparse_sigma);
  return at::cat({shared, sparse}, 1);
}

HeadActions::Group SelectRows(const HeadActions::Group& group, const at::Tensor& index) {
  HeadActions::Group chosen = group;
  for (at::Tensor* tensor : {&chosen.action, &chosen.noise, &chosen.sparse_row,
                             &chosen.sparse_noise, &chosen.log_prob, &chosen.active}) {
    if (tensor->defined()) *tensor = tensor->index_select(0, index.to(tensor->device()));
  }
  return chosen;
}

}  // namespace

int64_t HeadActions::num_samples() const {
  int64_t count = 0;
  for (const Group& group : groups) count += group.action.size(0);
  return count;
}

at::Tensor HeadActions::action(int64_t sample) const {
  return groups.size() == 1 ? groups[0].action[sample] : groups[sample].action[0];
}

HeadActions HeadActions::Select(std::span<const int64_t> samples) const {
  HeadActions chosen = {.options = options, .groups = {}};
  if (groups.size() == 1) {
    const at::Tensor index = at::tensor(at::ArrayRef<int64_t>(samples.data(), samples.size()));
    chosen.groups = {SelectRows(groups[0], index)};
    return chosen;
  }
  for (const int64_t sample : samples) chosen.groups.push_back(groups[sample]);
  return chosen;
}

at::Tensor NoiseBasis(const at::Tensor& given, int64_t rank) {
  const int64_t rows = given.size(0), width = given.size(1);
  // What is no number would make the decomposition fail.
  const at::Tensor features = at::nan_to_num(given.detach().to(at::kDouble), 0.0, 0.0, 0.0);
  if (rows == 0) return at::zeros({0, rank}, features.options());
  at::Tensor projected = features;
  if (width > rank) {
    at::Generator fixed = at::detail::createCPUGenerator(width);
    projected =
        at::matmul(features, at::randn({width, rank}, fixed, at::kDouble).to(features.device()));
  }
  // Whitened by the eigenvectors of the second moments: dead directions drop out.
  const at::Tensor moments = at::matmul(projected.t(), projected) / static_cast<double>(rows);
  const auto [variance, vectors] = at::linalg_eigh(moments);
  const at::Tensor there = variance > kLeastVariance * variance.max().clamp_min(1e-300);
  const at::Tensor scale =
      at::where(there, variance.clamp_min(1e-300).rsqrt(), at::zeros_like(variance));
  const at::Tensor basis = at::matmul(projected, vectors * scale.unsqueeze(0));
  return at::constant_pad_nd(basis, {0, rank - basis.size(1)});
}

HeadActions DrawActions(const HeadOutput& output, const at::Tensor& active,
                        const DrawOptions& options, const at::Generator& generator) {
  const at::NoGradGuard no_grad;
  const int64_t samples = active.size(0);
  const size_t sequences = output.rows.size();
  GOPT_CHECK(sequences == 1 || static_cast<int64_t>(sequences) == samples);
  HeadActions actions = {.options = options, .groups = std::vector<HeadActions::Group>(sequences)};
  at::Tensor coefficient;
  if (options.draw == Draw::kShared) {
    coefficient =
        Normal(samples, options.exploration.rank, options.exploration.antithetic, generator);
  }
  const int64_t per_group = sequences == 1 ? samples : 1;
  for (size_t i = 0; i < sequences; ++i) {
    HeadActions::Group& group = actions.groups[i];
    const at::Tensor value = RowsOfGroup(output.value, output.rows, i);
    const int64_t first = static_cast<int64_t>(i) * per_group;
    group.active = active.slice(0, first, first + per_group).to(value.device());
    switch (options.draw) {
      case Draw::kShared:
        DrawShared(options, value, RowsOfGroup(output.features, output.rows, i),
                   coefficient.slice(0, first, first + per_group), generator, &group);
        break;
      case Draw::kIndependent:
        DrawIndependent(options, value, per_group, generator, &group);
        break;
      case Draw::kCategorical:
        DrawCategorical(options, value, per_group, generator, &group);
        break;
    }
    group.log_prob = GroupLogProbabilities(options, group, value.detach()).to(at::kFloat);
  }
  return actions;
}

std::vector<at::Tensor> LogProbabilities(const HeadActions& actions, const HeadOutput& output) {
  GOPT_CHECK(actions.groups.size() == output.rows.size());
  std::vector<at::Tensor> result;
  for (size_t i = 0; i < actions.groups.size(); ++i) {
    result.push_back(GroupLogProbabilities(actions.options, actions.groups[i],
                                           RowsOfGroup(output.value, output.rows, i)));
  }
  return result;
}

at::Tensor MeanEntropy(const HeadActions& actions, const HeadOutput& output) {
  if (actions.options.draw != Draw::kCategorical || output.value.size(0) == 0) {
    const double sigma = actions.options.sigma;
    const double entropy = 0.5 * std::log(2 * std::numbers::pi * std::numbers::e * sigma * sigma);
    return at::full({}, actions.options.draw == Draw::kCategorical ? 0.0 : entropy,
                    output.value.options());
  }
  const at::Tensor log_softmax = at::log_softmax(output.value, 1);
  // A masked choice has log-probability -infinity and adds nothing.
  return -(log_softmax.exp() * log_softmax.clamp_min(-1e4)).sum(1).mean();
}

}  // namespace gopt
