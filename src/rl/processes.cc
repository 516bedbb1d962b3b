#include "src/rl/processes.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "gopt/base/status_macros.h"
#include "src/rl/sum_numbers.h"

namespace gopt {

absl::Status SumNumbers(const SumOverProcesses& sum, const std::vector<double*>& numbers) {
  if (!sum) return absl::OkStatus();
  at::Tensor tensor = at::empty({static_cast<int64_t>(numbers.size())}, at::kDouble);
  auto* values = tensor.mutable_data_ptr<double>();
  for (size_t i = 0; i < numbers.size(); ++i) values[i] = *numbers[i];
  GOPT_RETURN_IF_ERROR(sum(tensor));
  for (size_t i = 0; i < numbers.size(); ++i) *numbers[i] = values[i];
  return absl::OkStatus();
}

absl::Status Processes::Sum(const std::vector<double*>& numbers) const {
  return alone() ? absl::OkStatus() : SumNumbers(sum_, numbers);
}

absl::Status Processes::Max(double* number) const {
  std::vector<double> each(count_, 0.0);
  each[index_] = *number;
  std::vector<double*> pointers;
  for (double& value : each) pointers.push_back(&value);
  GOPT_RETURN_IF_ERROR(Sum(pointers));
  *number = *std::max_element(each.begin(), each.end());
  return absl::OkStatus();
}

absl::StatusOr<bool> Processes::Any(bool own) const {
  double count = own ? 1.0 : 0.0;
  GOPT_RETURN_IF_ERROR(Sum({&count}));
  return count > 0;
}

absl::StatusOr<std::vector<std::string>> Processes::Gather(const std::string& own) const {
  if (alone()) return std::vector<std::string>{own};
  std::vector<double> size(count_, 0.0);
  size[index_] = static_cast<double>(own.size());
  std::vector<double*> pointers;
  for (double& value : size) pointers.push_back(&value);
  GOPT_RETURN_IF_ERROR(Sum(pointers));
  int64_t total = 0, begin = 0;
  for (int i = 0; i < count_; ++i) {
    if (i == index_) begin = total;
    total += static_cast<int64_t>(size[i]);
  }
  // Each fills in its own stretch of zeros, so that the sum is all of them.
  at::Tensor bytes = at::zeros({total}, at::kByte);
  if (!own.empty()) std::memcpy(bytes.mutable_data_ptr<uint8_t>() + begin, own.data(), own.size());
  if (total > 0) GOPT_RETURN_IF_ERROR(sum_(bytes));
  const auto* data = reinterpret_cast<const char*>(bytes.const_data_ptr<uint8_t>());
  std::vector<std::string> all;
  for (const double of_process : size) {
    all.emplace_back(data, static_cast<size_t>(of_process));
    data += all.back().size();
  }
  return all;
}

}  // namespace gopt
