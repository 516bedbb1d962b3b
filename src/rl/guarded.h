#ifndef GOPT_SRC_RL_GUARDED_H_
#define GOPT_SRC_RL_GUARDED_H_

#include <exception>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace gopt {

// LibTorch throws where memory runs out, and a backend may be anybody's code.
template <typename Function>
auto Guarded(const Function& function) -> decltype(function()) {
  try {
    return function();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("training: ", error.what()));
  }
}

}  // namespace gopt

#endif  // GOPT_SRC_RL_GUARDED_H_
