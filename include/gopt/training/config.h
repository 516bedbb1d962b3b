#ifndef GOPT_TRAINING_CONFIG_H_
#define GOPT_TRAINING_CONFIG_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gopt/base/export.h"

namespace gopt {

// What a policy is built of and how it is trained, as plain values: docs/policy.md argues each
// default. Stored as TrainingConfigProto (gopt/io/training_file.h).

// How guidance becomes a plan.
enum class DecoderKind : uint8_t {
  kList = 1,    // Priorities and stickiness steer contention-aware list scheduling.
  kDirect = 2,  // A device and a priority level per kernel, as in the GO paper.
};
GOPT_API std::string_view ToString(DecoderKind kind);  // "list", "direct"

// Superposition: what the layers' inputs are multiplied by, element by element.
enum class Modulation : uint8_t {
  kNone = 1,
  kGraph = 2,  // One vector per graph, from the mean of its node embeddings.
  kNode = 3,   // One vector per node, from one more attention layer (GO).
};
GOPT_API std::string_view ToString(Modulation modulation);  // "none", "graph", "node"

// What a task's head knows of the tasks before it.
enum class Conditioning : uint8_t {
  kNone = 1,
  kOutputs = 2,  // Their heads' last hidden layer: one pass for all samples of the same kernels.
  kActions = 3,  // The sampled actions, embedded: one pass per sample.
};
GOPT_API std::string_view ToString(Conditioning conditioning);  // "none", "outputs", "actions"

struct NetworkOptions {
  int width = 64;             // Of every embedding.
  int encoder_layers = 2;     // GraphSAGE layers; 0: nodes know their own features only.
  bool edge_features = true;  // In the encoder's messages.
  int attention_layers = 2;   // Segment-recurrent attention layers; 0: none.
  int attention_heads = 4;    // Divides width.
  int segment = 128;          // Nodes per segment.
  bool recurrence = true;     // Segments see the one before.
  Modulation modulation = Modulation::kNode;
  int rounds = 1;              // Iterative decisions, T.
  int state_width = 16;        // Of the embedding of the decisions before, S; 0: not looked at.
  bool task_attention = true;  // Attention, shared by the tasks, before each head.
  Conditioning conditioning = Conditioning::kOutputs;
  int head_width = 32;  // Of each head's hidden layer.
  DecoderKind decoder = DecoderKind::kList;
  int fusion_levels = 4;        // Choices of the fusion head: -1 (does not try), 0, 1, ...
  int priority_levels = 16;     // Choices of the scheduling head of the direct decoder.
  double residual_logit = 2.0;  // Direct: added to the logit of what the state decided.
  double priority_scale = 0.1;  // List: priority = -start / makespan + scale x output.
  // List: an edge within a device of the reference is this sticky to begin with, one between
  // devices as much the other way round.
  double stickiness_base = 1.0;
  double stickiness_scale = 1.0;  // List: stickiness = that + scale x output.
  double fusion_scale = 4.0;      // List: pick = round(scale x output).
  bool value = false;             // Whether there is a value network.
  uint64_t seed = 1;              // Of the initial weights.
};

// How actions are drawn around the network's outputs.
struct ExplorationOptions {
  // Noise that is a linear function of a head's last hidden layer, so that like nodes move alike;
  // else every node has noise of its own. The direct decoder always draws node by node.
  bool shared = true;
  int rank = 16;                 // Directions of shared noise.
  double priority_sigma = 0.15;  // Standard deviations of the outputs.
  double stickiness_sigma = 0.4;
  double fusion_sigma = 0.5;
  double sparse_share = 0.01;  // Of the nodes, drawn anew for each sample, have noise of their own
  double sparse_sigma = 0.1;   // of this standard deviation besides.
  double head_probability = 0.6;  // That a head is noisy in a sample. At least one is.
  // Samples come in pairs of opposite noise, but for the sparse one.
  bool antithetic = true;
};

struct RewardOptions {
  enum class Kind : uint8_t { kSqrt = 1, kLog = 2 };
  Kind kind = Kind::kLog;     // -sqrt(step time / reference), or -log of it.
  double infeasible = -10.0;  // Of a plan over a memory limit, illegal, or that failed.
  // Over a memory limit instead: the worst feasible reward of the graph so far - 1 - bytes over /
  // limit, but no less than `infeasible`.
  bool graded = true;
};
GOPT_API std::string_view ToString(RewardOptions::Kind kind);  // "sqrt", "log"

enum class Baseline : uint8_t { kNone = 1, kLeaveOneOut = 2, kValue = 3 };
GOPT_API std::string_view ToString(Baseline baseline);  // "none", "leave_one_out", "value"

struct PpoOptions {
  int samples = 64;  // Per graph and iteration.
  int epochs = 4;
  int minibatches = 1;  // Into which the samples of a graph are split, each epoch.
  double clip = 0.2;
  double log_ratio_limit = 10.0;  // Log ratios are clamped to +- this.
  double target_kl = 0.0;         // Ends the epochs early above it; 0: never.
  Baseline baseline = Baseline::kLeaveOneOut;
  bool normalize_advantage = true;
  double advantage_limit = 3.0;  // After normalising; 0: none.
  double value_coefficient = 0.5;
  double entropy_coefficient = 0.0;      // At the start; of categorical heads.
  double entropy_coefficient_end = 0.0;  // At the last iteration; linear between.
  double output_l2 = 1e-3;               // Times the mean square of the list decoder's outputs.
  double self_imitation = 0.0;           // Weight of the best plan so far as one more sample.
  double learning_rate = 1e-3;           // Adam.
  double learning_rate_end = 1e-3;       // Linear schedule.
  double max_gradient_norm = 1.0;
};

// One problem to train on or to evaluate on.
struct TrainingProblem {
  std::string graph;        // A file, a stored workload or a spec of a generated graph.
  std::string machine;      // A preset or a file.
  std::string constraints;  // A file; empty: none.
};

struct TrainingConfig {
  std::string name = "policy";
  std::vector<TrainingProblem> problem;                      // At least one.
  std::vector<TrainingProblem> evaluation;                   // Never trained on.
  bool fusion = false, placement = true, scheduling = true;  // What is open.
  std::string backend = "simulator";                         // Spec of a registered cost backend.
  NetworkOptions network;
  ExplorationOptions exploration;
  RewardOptions reward;
  PpoOptions ppo;
  int64_t iterations = 500;
  int batch = 4;            // Problems per iteration; all, if there are fewer.
  bool curriculum = false;  // Small graphs first: all are in from the middle of the run on.
  uint64_t seed = 0;
  int threads = 2;             // Evaluators at work, and threads of one tensor op.
  bool deterministic = false;  // Equal to the bit on any number of threads.
  double checkpoint_minutes = 5.0;
  int64_t evaluate_every = 50;  // Iterations; 0: at the end only.
  int64_t patience = 0;         // Iterations without a better evaluation that end the run; 0: off.
  std::string init;             // A policy to start from; empty: fresh weights.
};

// InvalidArgument names the field and the rule: "network.width: 60 is no multiple of
// network.attention_heads, 8".
GOPT_API absl::Status CheckTrainingConfig(const TrainingConfig& config);

}  // namespace gopt

#endif  // GOPT_TRAINING_CONFIG_H_
