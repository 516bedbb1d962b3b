#ifndef GOPT_RL_POLICY_H_
#define GOPT_RL_POLICY_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/features/feature_spec.h"
#include "gopt/io/bundle.h"
#include "gopt/nn/policy_network.h"
#include "gopt/training/config.h"

namespace gopt {

// A network with all that is needed to use it: how it was trained, what its features mean, a model
// card. What a policy file holds.
class GOPT_API Policy {
 public:
  // Fresh weights, which decide as the heuristics do. config: its network and exploration count;
  // CheckTrainingConfig must accept these.
  static std::shared_ptr<Policy> Create(const TrainingConfig& config,
                                        const FeatureSpec& spec = FeatureSpec::Default());

  // A checkpoint's file is a policy too: that of its newest weights. InvalidArgument for a file
  // that is neither, for other features than this library computes, for a configuration larger than
  // the weights, and for weights that are not the network's, naming the tensors that differ
  // (ReadBundleFile, CheckTensors). Warnings go to `warnings`, or to stderr.
  static absl::StatusOr<std::shared_ptr<Policy>> Load(const std::string& path,
                                                      std::vector<std::string>* warnings = nullptr);
  static absl::StatusOr<std::shared_ptr<Policy>> FromBundle(const Bundle& bundle,
                                                            std::string_view source = "<bundle>");

  // Kind "policy"; weights as "network.<parameter>".
  Bundle ToBundle() const;
  // Atomic. InvalidArgument where a weight is not finite.
  absl::Status Save(const std::string& path) const;

  // Copies of all weights by name, on the CPU, in the network's order.
  std::vector<std::pair<std::string, at::Tensor>> Tensors() const;
  // Replaces all weights, in any order and of any type of numbers. InvalidArgument lists what is
  // missing, not expected or of another shape, and names what is not finite; nothing changes then.
  absl::Status SetTensors(const std::vector<std::pair<std::string, at::Tensor>>& tensors);

  const PolicyNetwork& network() const { return network_; }
  const TrainingConfig& config() const { return config_; }
  const FeatureSpec& spec() const { return spec_; }

  std::string model_card;                       // Markdown.
  std::map<std::string, std::string> metadata;  // "iterations", "version", ...

 private:
  Policy(const TrainingConfig& config, const FeatureSpec& spec);

  TrainingConfig config_;
  FeatureSpec spec_;
  PolicyNetwork network_;
};

}  // namespace gopt

#endif  // GOPT_RL_POLICY_H_
