#include "gopt/rl/policy.h"

#include <ATen/ATen.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "src/rl/bundle_tensors.h"

namespace gopt {
namespace {

constexpr char kPrefix[] = "network.";

FeatureSpec SpecOf(const Bundle& bundle) {
  return {.version = bundle.feature_version,
          .op_types = bundle.op_types,
          .unknown_buckets = bundle.type_buckets,
          .node_columns = bundle.node_columns,
          .edge_columns = bundle.edge_columns,
          .device_columns = bundle.device_columns};
}

// The vocabulary may be any: it travels with the weights.
absl::Status CheckSpec(const FeatureSpec& stored, std::string_view source) {
  FeatureSpec here = FeatureSpec::Default();
  here.op_types = stored.op_types;
  here.unknown_buckets = stored.unknown_buckets;
  if (stored == here) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      absl::string_view(source.data(), source.size()),
      ": made for other features than this library computes: ", DescribeDifference(stored, here)));
}

// So that a small file cannot make a large network: each layer has a matrix of this size at least.
absl::Status CheckSize(const Bundle& bundle, std::string_view source) {
  const NetworkOptions& network = bundle.config.network;
  const int64_t layers =
      network.encoder_layers + network.attention_layers + (network.task_attention ? 1 : 0);
  const int64_t least = layers * network.width * network.width * int64_t{sizeof(float)};
  int64_t stored = 0;
  for (const BundleTensor& tensor : bundle.tensors) {
    if (tensor.name.starts_with(kPrefix)) stored += static_cast<int64_t>(tensor.bytes.size());
  }
  if (stored >= least) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(absl::string_view(source.data(), source.size()), ": weights of ", stored,
                   " bytes; the network of its configuration has more than ", least));
}

}  // namespace

Policy::Policy(const TrainingConfig& config, const FeatureSpec& spec)
    : config_(config), spec_(spec), network_(config.network, spec) {}

std::shared_ptr<Policy> Policy::Create(const TrainingConfig& config, const FeatureSpec& spec) {
  return std::shared_ptr<Policy>(new Policy(config, spec));
}

absl::StatusOr<std::shared_ptr<Policy>> Policy::Load(const std::string& path,
                                                     std::vector<std::string>* warnings) {
  GOPT_ASSIGN_OR_RETURN(const Bundle bundle, ReadBundleFile(path, {}, warnings));
  return FromBundle(bundle, path);
}

absl::StatusOr<std::shared_ptr<Policy>> Policy::FromBundle(const Bundle& bundle,
                                                           std::string_view source) {
  const FeatureSpec spec = SpecOf(bundle);
  GOPT_RETURN_IF_ERROR(CheckSpec(spec, source));
  GOPT_RETURN_IF_ERROR(CheckSize(bundle, source));
  std::shared_ptr<Policy> policy = Create(bundle.config, spec);
  Bundle weights;  // A checkpoint holds more than the network.
  for (const BundleTensor& tensor : bundle.tensors) {
    if (tensor.name.starts_with(kPrefix)) weights.tensors.push_back(tensor);
  }
  if (absl::Status same = CheckTensors(weights, ExpectedParameters(kPrefix, *policy->network_));
      !same.ok()) {
    return absl::Status(same.code(), absl::StrCat(absl::string_view(source.data(), source.size()),
                                                  ": ", same.message()));
  }
  CopyIntoParameters(weights, kPrefix, policy->network_.get());
  policy->model_card = bundle.model_card;
  policy->metadata = bundle.metadata;
  return policy;
}

Bundle Policy::ToBundle() const {
  Bundle bundle;
  bundle.config = config_;
  bundle.feature_version = spec_.version;
  bundle.op_types = spec_.op_types;
  bundle.type_buckets = spec_.unknown_buckets;
  bundle.node_columns = spec_.node_columns;
  bundle.edge_columns = spec_.edge_columns;
  bundle.device_columns = spec_.device_columns;
  bundle.model_card = model_card;
  bundle.metadata = metadata;
  for (const auto& item : network_->named_parameters()) {
    bundle.tensors.push_back(ToBundleTensor(kPrefix + item.key(), item.value()));
  }
  return bundle;
}

std::vector<std::pair<std::string, at::Tensor>> Policy::Tensors() const {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const auto& item : network_->named_parameters()) {
    tensors.emplace_back(item.key(), item.value().detach().to(at::kCPU, at::kFloat,
                                                              /*non_blocking=*/false,
                                                              /*copy=*/true));
  }
  return tensors;
}

absl::Status Policy::SetTensors(const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  Bundle weights;
  for (const auto& [name, tensor] : tensors) {
    if (!at::isfinite(tensor).all().item<bool>()) {
      return absl::InvalidArgumentError(absl::StrCat("tensor '", name, "' is not finite"));
    }
    weights.tensors.push_back(ToBundleTensor(name, tensor.detach().to(at::kFloat)));
  }
  GOPT_RETURN_IF_ERROR(CheckTensors(weights, ExpectedParameters("", *network_)));
  CopyIntoParameters(weights, "", network_.get());
  return absl::OkStatus();
}

absl::Status Policy::Save(const std::string& path) const {
  return WriteBundleFile(ToBundle(), path);
}

}  // namespace gopt
