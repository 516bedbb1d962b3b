#ifndef TESTS_FUZZ_FUZZ_INPUT_H_
#define TESTS_FUZZ_FUZZ_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "absl/status/status.h"

namespace gopt::fuzz {

inline std::string_view AsText(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// A broken property ends the run as a crash does.
inline void Require(bool property) {
  if (!property) std::abort();
}

// Errors about input are of these kinds and say something.
inline void RequireGoodError(const absl::Status& status) {
  Require(status.code() == absl::StatusCode::kInvalidArgument ||
          status.code() == absl::StatusCode::kResourceExhausted ||
          status.code() == absl::StatusCode::kFailedPrecondition ||
          status.code() == absl::StatusCode::kNotFound);
  Require(!status.message().empty());
}

}  // namespace gopt::fuzz

#endif  // TESTS_FUZZ_FUZZ_INPUT_H_
