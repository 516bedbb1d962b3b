#ifndef GOPT_RL_HEAD_ACTIONS_H_
#define GOPT_RL_HEAD_ACTIONS_H_

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/nn/policy_network.h"
#include "gopt/training/config.h"

namespace gopt {

// How the actions of one head are drawn around what it says.
enum class Draw : uint8_t {
  // Output + basis c + sparse noise, with c ~ N(0, sigma^2 / rank) and a basis that is a linear
  // function of the head's last hidden layer, its columns orthogonal and of mean square 1. An
  // action's factors are its coefficients c and its sparse noise: a few dozen, however many rows.
  kShared = 1,
  kIndependent = 2,  // Output + N(0, sigma^2), row by row; a factor per row.
  kCategorical = 3,  // A choice per row by the softmax of its logits; a factor per row.
};

struct DrawOptions {
  Draw draw = Draw::kShared;
  double sigma = 1.0;
  ExplorationOptions exploration;
};

// What K samples did in one head, and all that is needed to say how likely it is under other
// weights.
struct HeadActions {
  // The samples of one of the head's sequences.
  struct Group {
    at::Tensor action;        // [samples, rows] float32 outputs, or int64 choices.
    at::Tensor mean;          // [rows] float32, the outputs then. Gaussian draws only.
    at::Tensor noise;         // [samples, rank] coefficients, or [samples, rows].
    at::Tensor basis;         // [rows, rank], shared draws only.
    at::Tensor sparse_row;    // [samples, sparse] int64, shared draws only.
    at::Tensor sparse_noise;  // [samples, sparse] float32
    at::Tensor log_prob;      // [samples, factors] float32, then.
    at::Tensor active;        // [samples] bool: noisy; what is not is the output itself.
  };
  DrawOptions options;
  std::vector<Group> groups;  // One for all samples, or one a sample.

  GOPT_API int64_t num_samples() const;
  // The action of a sample, [rows].
  GOPT_API at::Tensor action(int64_t sample) const;
  // These samples only, in this order.
  GOPT_API HeadActions Select(std::span<const int64_t> samples) const;
};

// Draws an action for each sample; active: [samples] bool on the CPU, in which the head is noisy.
// Where the head has a sequence per sample, each sample gets that of its sequence. Without
// gradients; all randomness comes from the generator, in an order that does not depend on the
// outputs.
GOPT_API HeadActions DrawActions(const HeadOutput& output, const at::Tensor& active,
                                 const DrawOptions& options, const at::Generator& generator);

// Log-probabilities of the factors of each group's actions under these outputs, [samples, factors],
// up to a constant. With gradients.
GOPT_API std::vector<at::Tensor> LogProbabilities(const HeadActions& actions,
                                                  const HeadOutput& output);

// Mean over rows of the entropy, in nats: of the softmax, or of the Gaussian, which is constant.
// With gradients.
GOPT_API at::Tensor MeanEntropy(const HeadActions& actions, const HeadOutput& output);

// [rows, rank]: directions of shared noise, from features [rows, width] projected to at most `rank`
// by a fixed matrix. Orthogonal columns of mean square 1; a column is 0 where the features span no
// more.
GOPT_API at::Tensor NoiseBasis(const at::Tensor& features, int64_t rank);

}  // namespace gopt

#endif  // GOPT_RL_HEAD_ACTIONS_H_
