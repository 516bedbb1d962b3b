#include "src/workloads/draw.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace gopt {
namespace {

// Whole numbers in full.
std::string Written(double value) {
  const bool is_whole = std::floor(value) == value && std::abs(value) < 0x1p53;
  return is_whole ? absl::StrCat(static_cast<int64_t>(value)) : absl::StrCat(value);
}

}  // namespace

absl::Status CheckRange(std::string_view family, std::string_view option, double value, double low,
                        double high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(std::string(family), ": ", std::string(option),
                                                 " is ", Written(value), ", expected ",
                                                 Written(low), " to ", Written(high)));
}

}  // namespace gopt
