#include "gopt/features/feature_spec.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "src/features/columns.h"

namespace gopt {
namespace {

constexpr int kUnknownBuckets = 32;

// Types of captured graphs (python/gopt/capture/op_table.py and optimizer.py) and of generated ones
// (src/workloads, gopt/graph/graph_text.h). An id is a place on this list: append only, and raise
// kFeatureVersion.
constexpr std::string_view kOpTypes[] = {
    // What is no kernel, and generic names.
    "parameter", "input", "output", "constant", "collective", "op", "optimizer",
    // Optimizers.
    "sgd", "adam adamw", "nadam radam adamax", "adagrad adadelta asgd rprop", "rmsprop",
    // Contractions.
    "matmul", "batch_matmul einsum", "grouped_matmul", "grouped_matmul_backward",
    "convolution conv", "convolution_input_gradient", "convolution_weight_gradient",
    "convolution_bias_gradient", "attention", "attention_backward",
    // Arithmetic, element by element.
    "add", "subtract sub", "multiply mul", "divide div", "negate neg", "abs", "sgn sign", "maximum",
    "minimum", "clamp", "addcmul addcdiv", "lerp", "pow", "sqrt", "rsqrt", "remainder fmod",
    "floor ceil round trunc", "nan_to_num", "select", "compare",
    "logical_and logical_or logical_not logical_xor",
    "bitwise_and bitwise_or bitwise_not bitwise_xor bitwise_left_shift bitwise_right_shift",
    "isnan isinf", "convert cast", "exp", "log", "erf erfinv", "sin cos tan",
    "asin acos atan atan2 sinh cosh asinh acosh atanh", "lgamma digamma", "logaddexp xlogy logit",
    "random", "dropout", "dropout_backward",
    // Activations.
    "relu", "relu_backward", "leaky_relu prelu", "leaky_relu_backward prelu_backward", "sigmoid",
    "sigmoid_backward", "log_sigmoid", "log_sigmoid_backward", "tanh", "tanh_backward", "gelu",
    "gelu_backward", "silu mish", "silu_backward mish_backward", "elu selu celu", "elu_backward",
    "softplus softshrink hardshrink", "softplus_backward", "hardtanh hardsigmoid hardswish",
    "hardtanh_backward hardsigmoid_backward hardswish_backward", "glu", "glu_backward",
    // Reductions, normalisation, losses.
    "sum reduce", "mean", "max min", "prod", "any all", "argmax argmin",
    "var var_mean std std_mean", "norm", "logsumexp", "softmax", "softmax_backward", "log_softmax",
    "log_softmax_backward", "layer_norm", "layer_norm_backward", "rms_norm", "rms_norm_backward",
    "batch_norm batch_norm_inference", "batch_norm_backward", "group_norm", "group_norm_backward",
    "weight_norm", "weight_norm_backward", "cross_entropy", "nll_loss", "nll_loss_backward",
    "ctc_loss", "ctc_loss_backward", "mse_loss smooth_l1_loss huber_loss l1_loss",
    "mse_loss_backward smooth_l1_loss_backward huber_loss_backward",
    "binary_cross_entropy binary_cross_entropy_with_logits", "binary_cross_entropy_backward",
    // Pooling and resampling.
    "max_pool", "max_pool_backward", "average_pool adaptive_average_pool",
    "average_pool_backward adaptive_average_pool_backward", "upsample grid_sample",
    "upsample_backward grid_sample_backward",
    // Data movement.
    "copy", "fill", "concatenate concat", "reshape", "transpose", "broadcast expand",
    "slice split_with_sizes_copy", "slice_backward", "select_backward", "diagonal_backward",
    "slice_scatter select_scatter as_strided_scatter", "pad", "pad_backward", "repeat", "flip roll",
    "im2col col2im unfold_backward", "gather", "scatter", "scatter_add scatter_reduce", "index_add",
    "embedding", "embedding_backward", "embedding_bag", "embedding_bag_backward",
    // The rest.
    "cumsum cumprod cummax cummin logcumsumexp", "sort topk median", "search", "histogram",
    "fourier"};

FeatureSpec MakeDefault() {
  FeatureSpec spec;
  spec.version = kFeatureVersion;
  spec.op_types.assign(std::begin(kOpTypes), std::end(kOpTypes));
  spec.unknown_buckets = kUnknownBuckets;
  spec.node_columns = NodeColumnNames();
  spec.edge_columns = EdgeColumnNames();
  spec.device_columns = DeviceColumnNames();
  return spec;
}

// Up to three of the names that `all` has and `others` has not.
std::string Missing(const std::vector<std::string>& all, const std::vector<std::string>& others) {
  constexpr size_t kShown = 3;
  const absl::flat_hash_set<std::string_view> known(others.begin(), others.end());
  std::vector<std::string> missing;
  for (const std::string& name : all) {
    if (!known.contains(name)) missing.push_back(absl::StrCat("'", name, "'"));
  }
  const size_t more = missing.size() - std::min(missing.size(), kShown);
  missing.resize(missing.size() - more);
  return absl::StrCat(absl::StrJoin(missing, ", "), more > 0 ? absl::StrCat(" and ", more) : "",
                      more > 0 ? " more" : "");
}

void CompareNames(const std::string& what, const std::vector<std::string>& stored,
                  const std::vector<std::string>& here, std::vector<std::string>* differences) {
  if (stored == here) return;
  const std::string lost = Missing(stored, here), added = Missing(here, stored);
  std::vector<std::string> parts;
  if (!lost.empty()) parts.push_back(absl::StrCat("here without ", lost));
  if (!added.empty()) parts.push_back(absl::StrCat("here also ", added));
  if (parts.empty() && stored.size() != here.size()) parts.push_back("some are there twice");
  if (parts.empty()) parts.push_back("in another order");
  differences->push_back(absl::StrCat(what, ": ", absl::StrJoin(parts, ", ")));
}

}  // namespace

const FeatureSpec& FeatureSpec::Default() {
  static const auto* const kSpec = new FeatureSpec(MakeDefault());
  return *kSpec;
}

std::string DescribeDifference(const FeatureSpec& stored, const FeatureSpec& here) {
  std::vector<std::string> differences;
  if (stored.version != here.version) {
    differences.push_back(absl::StrCat("version ", stored.version, ", here ", here.version));
  }
  CompareNames("op types", stored.op_types, here.op_types, &differences);
  if (stored.unknown_buckets != here.unknown_buckets) {
    differences.push_back(absl::StrCat(stored.unknown_buckets, " buckets of unknown types, here ",
                                       here.unknown_buckets));
  }
  CompareNames("node columns", stored.node_columns, here.node_columns, &differences);
  CompareNames("edge columns", stored.edge_columns, here.edge_columns, &differences);
  CompareNames("device columns", stored.device_columns, here.device_columns, &differences);
  return absl::StrJoin(differences, "; ");
}

}  // namespace gopt
