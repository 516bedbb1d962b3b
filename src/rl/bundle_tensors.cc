#include "src/rl/bundle_tensors.h"

#include <ATen/ATen.h>

#include <cstring>
#include <utility>

#include "gopt/base/check.h"

namespace gopt {
namespace {

TensorType TypeOf(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return TensorType::kFloat32;
    case at::kDouble:
      return TensorType::kFloat64;
    case at::kLong:
      return TensorType::kInt64;
    default:
      return TensorType::kUint8;
  }
}

at::ScalarType TypeOf(TensorType type) {
  switch (type) {
    case TensorType::kFloat32:
      return at::kFloat;
    case TensorType::kFloat64:
      return at::kDouble;
    case TensorType::kInt64:
      return at::kLong;
    case TensorType::kUint8:
      return at::kByte;
  }
  return at::kByte;
}

}  // namespace

BundleTensor ToBundleTensor(std::string name, const at::Tensor& tensor) {
  const TensorType type = TypeOf(tensor.scalar_type());
  const at::Tensor plain = tensor.detach().to(at::kCPU, TypeOf(type)).contiguous();
  BundleTensor stored = {.name = std::move(name), .type = type, .shape = plain.sizes().vec()};
  stored.bytes.resize(plain.nbytes());
  if (plain.nbytes() > 0) {
    std::memcpy(stored.bytes.data(), plain.const_data_ptr(), plain.nbytes());
  }
  return stored;
}

at::Tensor FromBundleTensor(const BundleTensor& stored) {
  at::Tensor tensor = at::empty(stored.shape, TypeOf(stored.type));
  GOPT_CHECK(tensor.nbytes() == stored.bytes.size());
  if (!stored.bytes.empty()) {
    std::memcpy(tensor.mutable_data_ptr(), stored.bytes.data(), stored.bytes.size());
  }
  return tensor;
}

const BundleTensor* FindTensor(const Bundle& bundle, const std::string& name) {
  for (const BundleTensor& tensor : bundle.tensors) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

void CopyIntoParameters(const Bundle& bundle, const std::string& prefix,
                        torch::nn::Module* module) {
  const at::NoGradGuard no_grad;
  for (auto& item : module->named_parameters()) {
    const BundleTensor* stored = FindTensor(bundle, prefix + item.key());
    GOPT_CHECK(stored != nullptr);
    item.value().copy_(FromBundleTensor(*stored));
  }
}

std::vector<ExpectedTensor> ExpectedParameters(const std::string& prefix,
                                               const torch::nn::Module& module) {
  std::vector<ExpectedTensor> expected;
  for (const auto& item : module.named_parameters()) {
    expected.push_back({.name = prefix + item.key(),
                        .type = TypeOf(item.value().scalar_type()),
                        .shape = item.value().sizes().vec()});
  }
  return expected;
}

}  // namespace gopt
