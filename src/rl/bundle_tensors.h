#ifndef GOPT_SRC_RL_BUNDLE_TENSORS_H_
#define GOPT_SRC_RL_BUNDLE_TENSORS_H_

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gopt/io/bundle.h"

namespace gopt {

// A copy. float32, float64, int64 and uint8 stay what they are, bool becomes uint8.
BundleTensor ToBundleTensor(std::string name, const at::Tensor& tensor);
// On the CPU.
at::Tensor FromBundleTensor(const BundleTensor& tensor);

// Null if there is none of this name.
const BundleTensor* FindTensor(const Bundle& bundle, const std::string& name);

// Copies into the parameters, which have the shapes that were checked.
void CopyIntoParameters(const Bundle& bundle, const std::string& prefix, torch::nn::Module* module);
std::vector<ExpectedTensor> ExpectedParameters(const std::string& prefix,
                                               const torch::nn::Module& module);

}  // namespace gopt

#endif  // GOPT_SRC_RL_BUNDLE_TENSORS_H_
