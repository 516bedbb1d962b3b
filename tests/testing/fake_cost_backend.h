#ifndef TESTS_TESTING_FAKE_COST_BACKEND_H_
#define TESTS_TESTING_FAKE_COST_BACKEND_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "gopt/cost/cost_backend.h"

namespace gopt::testing {

// A cost backend that answers what a test tells it to. The default price of a plan is the number of
// its kernels on the busiest device. Thread-safe if the price is.
class FakeCostBackend final : public CostBackend {
 public:
  using PriceFunction = std::function<CostReport(const Problem&, const Plan&)>;

  explicit FakeCostBackend(PriceFunction price = KernelsOnBusiestDevice)
      : price_(std::move(price)) {}

  // Every plan fails.
  static FakeCostBackend Failing(std::string reason) {
    return FakeCostBackend([reason](const Problem&, const Plan&) {
      CostReport report;
      report.outcome = Outcome::kFailed;
      report.reason = reason;
      return report;
    });
  }

  FakeCostBackend(FakeCostBackend&& other) noexcept : price_(std::move(other.price_)) {}

  std::string name() const override { return "fake"; }
  absl::StatusOr<std::unique_ptr<Evaluator>> Bind(const Problem& problem) const override {
    return std::make_unique<FakeEvaluator>(this, problem);
  }

  // Plans priced by all evaluators so far.
  int64_t evaluations() const { return evaluations_; }

  static CostReport KernelsOnBusiestDevice(const Problem& problem, const Plan& plan);

 private:
  class FakeEvaluator final : public Evaluator {
   public:
    FakeEvaluator(const FakeCostBackend* backend, const Problem& problem)
        : backend_(backend), problem_(problem) {}
    void Evaluate(std::span<const Plan> plans, const EvaluateOptions& options,
                  std::span<CostReport> reports) override {
      for (size_t i = 0; i < plans.size(); ++i) {
        reports[i] = backend_->price_(problem_, plans[i]);
        ++backend_->evaluations_;
      }
    }

   private:
    const FakeCostBackend* backend_;
    const Problem problem_;
  };

  PriceFunction price_;
  mutable std::atomic<int64_t> evaluations_ = 0;
};

}  // namespace gopt::testing

#endif  // TESTS_TESTING_FAKE_COST_BACKEND_H_
