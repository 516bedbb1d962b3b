#ifndef GOPT_BASE_BUDGET_H_
#define GOPT_BASE_BUDGET_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "gopt/base/export.h"

namespace gopt {

using Clock = std::chrono::steady_clock;

// Asks long work to stop; may be called from any thread, also from a signal handler.
class CancelToken {
 public:
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> cancelled_{false};
};

// How much a search may spend. Whatever runs out first ends it; the best so far is returned.
struct GOPT_API Budget {
  int64_t evaluations = kUnlimited;           // Plans priced by the backend.
  std::optional<Clock::time_point> deadline;  // Wall clock; the one thing that may change a result.
  std::shared_ptr<const CancelToken> cancel;  // May be null.

  static constexpr int64_t kUnlimited = int64_t{1} << 62;

  static Budget Evaluations(int64_t count) {
    return {.evaluations = count, .deadline = {}, .cancel = {}};
  }
  static Budget Seconds(double seconds) {
    return {.evaluations = kUnlimited,
            .deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                           std::chrono::duration<double>(seconds)),
            .cancel = {}};
  }

  bool cancelled() const { return cancel != nullptr && cancel->cancelled(); }
  bool past_deadline() const { return deadline.has_value() && Clock::now() >= *deadline; }
  bool bounded() const { return evaluations < kUnlimited || deadline.has_value(); }
};

}  // namespace gopt

#endif  // GOPT_BASE_BUDGET_H_
