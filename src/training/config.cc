#include "gopt/training/config.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"

namespace gopt {
namespace {

template <typename... Parts>
absl::Status Bad(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::Status CheckAtLeast(const char* field, double value, double least) {
  if (value >= least && std::isfinite(value)) return absl::OkStatus();
  return Bad(field, ": ", value, " must be at least ", least);
}

absl::Status CheckBetween(const char* field, double value, double least, double most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return Bad(field, ": ", value, " must be from ", least, " to ", most);
}

absl::Status CheckNetwork(const NetworkOptions& network) {
  GOPT_RETURN_IF_ERROR(CheckBetween("network.width", network.width, 1, 4096));
  GOPT_RETURN_IF_ERROR(CheckBetween("network.encoder_layers", network.encoder_layers, 0, 64));
  GOPT_RETURN_IF_ERROR(CheckBetween("network.attention_layers", network.attention_layers, 0, 64));
  GOPT_RETURN_IF_ERROR(CheckBetween("network.attention_heads", network.attention_heads, 1, 64));
  if (network.width % network.attention_heads != 0) {
    return Bad("network.width: ", network.width, " is no multiple of network.attention_heads, ",
               network.attention_heads);
  }
  GOPT_RETURN_IF_ERROR(CheckBetween("network.segment", network.segment, 1, 65536));
  GOPT_RETURN_IF_ERROR(CheckBetween("network.rounds", network.rounds, 1, 64));
  GOPT_RETURN_IF_ERROR(CheckBetween("network.state_width", network.state_width, 0, 4096));
  if (network.rounds > 1 && network.state_width == 0) {
    return Bad("network.state_width: must be above 0 where network.rounds is above 1");
  }
  GOPT_RETURN_IF_ERROR(CheckBetween("network.head_width", network.head_width, 1, 4096));
  GOPT_RETURN_IF_ERROR(CheckBetween("network.fusion_levels", network.fusion_levels, 2, 1024));
  GOPT_RETURN_IF_ERROR(CheckBetween("network.priority_levels", network.priority_levels, 1, 1024));
  GOPT_RETURN_IF_ERROR(CheckBetween("network.residual_logit", network.residual_logit, 0, 100));
  GOPT_RETURN_IF_ERROR(CheckBetween("network.priority_scale", network.priority_scale, 0, 1e6));
  GOPT_RETURN_IF_ERROR(CheckBetween("network.stickiness_base", network.stickiness_base, 0, 1e6));
  GOPT_RETURN_IF_ERROR(CheckBetween("network.stickiness_scale", network.stickiness_scale, 0, 1e6));
  return CheckBetween("network.fusion_scale", network.fusion_scale, 0, 1e6);
}

absl::Status CheckExploration(const ExplorationOptions& exploration) {
  GOPT_RETURN_IF_ERROR(CheckBetween("exploration.rank", exploration.rank, 1, 1024));
  GOPT_RETURN_IF_ERROR(
      CheckBetween("exploration.priority_sigma", exploration.priority_sigma, 1e-6, 1e6));
  GOPT_RETURN_IF_ERROR(
      CheckBetween("exploration.stickiness_sigma", exploration.stickiness_sigma, 1e-6, 1e6));
  GOPT_RETURN_IF_ERROR(
      CheckBetween("exploration.fusion_sigma", exploration.fusion_sigma, 1e-6, 1e6));
  GOPT_RETURN_IF_ERROR(CheckBetween("exploration.sparse_share", exploration.sparse_share, 0, 1));
  GOPT_RETURN_IF_ERROR(
      CheckBetween("exploration.sparse_sigma", exploration.sparse_sigma, 1e-6, 1e6));
  return CheckBetween("exploration.head_probability", exploration.head_probability, 1e-6, 1);
}

absl::Status CheckPpo(const PpoOptions& ppo) {
  GOPT_RETURN_IF_ERROR(CheckBetween("ppo.samples", ppo.samples, 1, 65536));
  GOPT_RETURN_IF_ERROR(CheckBetween("ppo.epochs", ppo.epochs, 1, 1000));
  GOPT_RETURN_IF_ERROR(CheckBetween("ppo.minibatches", ppo.minibatches, 1, ppo.samples));
  GOPT_RETURN_IF_ERROR(CheckBetween("ppo.clip", ppo.clip, 1e-6, 10));
  GOPT_RETURN_IF_ERROR(CheckBetween("ppo.log_ratio_limit", ppo.log_ratio_limit, 1e-3, 80));
  GOPT_RETURN_IF_ERROR(CheckAtLeast("ppo.target_kl", ppo.target_kl, 0));
  if (ppo.baseline == Baseline::kLeaveOneOut && ppo.samples < 2) {
    return Bad("ppo.samples: leave_one_out needs at least 2");
  }
  GOPT_RETURN_IF_ERROR(CheckAtLeast("ppo.advantage_limit", ppo.advantage_limit, 0));
  GOPT_RETURN_IF_ERROR(CheckAtLeast("ppo.value_coefficient", ppo.value_coefficient, 0));
  GOPT_RETURN_IF_ERROR(CheckAtLeast("ppo.entropy_coefficient", ppo.entropy_coefficient, 0));
  GOPT_RETURN_IF_ERROR(CheckAtLeast("ppo.entropy_coefficient_end", ppo.entropy_coefficient_end, 0));
  GOPT_RETURN_IF_ERROR(CheckAtLeast("ppo.output_l2", ppo.output_l2, 0));
  GOPT_RETURN_IF_ERROR(CheckAtLeast("ppo.self_imitation", ppo.self_imitation, 0));
  GOPT_RETURN_IF_ERROR(CheckBetween("ppo.learning_rate", ppo.learning_rate, 0, 10));
  GOPT_RETURN_IF_ERROR(CheckBetween("ppo.learning_rate_end", ppo.learning_rate_end, 0, 10));
  return CheckBetween("ppo.max_gradient_norm", ppo.max_gradient_norm, 1e-9, 1e9);
}

}  // namespace

std::string_view ToString(DecoderKind kind) {
  return kind == DecoderKind::kList ? "list" : "direct";
}

std::string_view ToString(Modulation modulation) {
  switch (modulation) {
    case Modulation::kNone:
      return "none";
    case Modulation::kGraph:
      return "graph";
    case Modulation::kNode:
      return "node";
  }
  return "unknown";
}

std::string_view ToString(Conditioning conditioning) {
  switch (conditioning) {
    case Conditioning::kNone:
      return "none";
    case Conditioning::kOutputs:
      return "outputs";
    case Conditioning::kActions:
      return "actions";
  }
  return "unknown";
}

std::string_view ToString(RewardOptions::Kind kind) {
  return kind == RewardOptions::Kind::kSqrt ? "sqrt" : "log";
}

std::string_view ToString(Baseline baseline) {
  switch (baseline) {
    case Baseline::kNone:
      return "none";
    case Baseline::kLeaveOneOut:
      return "leave_one_out";
    case Baseline::kValue:
      return "value";
  }
  return "unknown";
}

absl::Status CheckTrainingConfig(const TrainingConfig& config) {
  if (config.problem.empty()) return Bad("problem: there must be at least one");
  for (const auto* problems : {&config.problem, &config.evaluation}) {
    for (const TrainingProblem& problem : *problems) {
      if (problem.graph.empty()) return Bad("problem.graph: must be given");
      if (problem.machine.empty()) {
        return Bad("problem.machine: must be given with graph '", problem.graph, "'");
      }
    }
  }
  if (!config.fusion && !config.placement && !config.scheduling) {
    return Bad("fusion, placement, scheduling: one of them must be open");
  }
  GOPT_RETURN_IF_ERROR(CheckNetwork(config.network));
  GOPT_RETURN_IF_ERROR(CheckExploration(config.exploration));
  GOPT_RETURN_IF_ERROR(CheckPpo(config.ppo));
  if (config.ppo.baseline == Baseline::kValue && !config.network.value) {
    return Bad("ppo.baseline: value needs network.value");
  }
  if (!(config.reward.infeasible < 0)) return Bad("reward.infeasible: must be below 0");
  GOPT_RETURN_IF_ERROR(CheckAtLeast("iterations", static_cast<double>(config.iterations), 0));
  GOPT_RETURN_IF_ERROR(CheckBetween("batch", config.batch, 1, 65536));
  GOPT_RETURN_IF_ERROR(CheckBetween("threads", config.threads, 1, 1024));
  GOPT_RETURN_IF_ERROR(CheckAtLeast("checkpoint_minutes", config.checkpoint_minutes, 0));
  GOPT_RETURN_IF_ERROR(
      CheckAtLeast("evaluate_every", static_cast<double>(config.evaluate_every), 0));
  return CheckAtLeast("patience", static_cast<double>(config.patience), 0);
}

}  // namespace gopt
