#ifndef TESTS_TESTING_FAKE_BACKEND_H_
#define TESTS_TESTING_FAKE_BACKEND_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "gopt/cost/cost_backend.h"

namespace gopt::testing {

// A cost backend that says what the test tells it to.
class FakeBackend final : public CostBackend {
 public:
  using PriceFn = std::function<CostReport(const Problem&, const Plan&)>;

  explicit FakeBackend(PriceFn price) : price_(std::move(price)) {}

  std::string name() const override { return "fake"; }

  absl::StatusOr<std::unique_ptr<Evaluator>> Bind(const Problem& problem) const override {
    return std::make_unique<FakeEvaluator>(problem, price_);
  }

  // A feasible report.
  static CostReport Ok(Nanoseconds step_time) {
    CostReport report;
    report.outcome = Outcome::kOk;
    report.step_time = step_time;
    return report;
  }
  static CostReport OverMemory(Nanoseconds step_time, int64_t bytes_over) {
    CostReport report = Ok(step_time);
    report.outcome = Outcome::kInfeasible;
    report.reason = "device 0: out of memory";
    report.bytes_over_limit = bytes_over;
    return report;
  }
  static CostReport Failed(std::string reason) {
    CostReport report;
    report.reason = std::move(reason);
    return report;
  }

 private:
  class FakeEvaluator final : public Evaluator {
   public:
    FakeEvaluator(const Problem& problem, PriceFn price)
        : problem_(problem), price_(std::move(price)) {}

    void Evaluate(std::span<const Plan> plans, const EvaluateOptions& options,
                  std::span<CostReport> reports) override {
      for (size_t i = 0; i < plans.size(); ++i) reports[i] = price_(problem_, plans[i]);
    }

   private:
    Problem problem_;
    PriceFn price_;
  };

  PriceFn price_;
};

}  // namespace gopt::testing

#endif  // TESTS_TESTING_FAKE_BACKEND_H_
