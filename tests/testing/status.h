#ifndef GOPT_TESTS_TESTING_STATUS_H_
#define GOPT_TESTS_TESTING_STATUS_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/status_macros.h"

#define EXPECT_OK(expr) EXPECT_TRUE(::gopt::IsOk(expr))
#define ASSERT_OK(expr) ASSERT_TRUE(::gopt::IsOk(expr))
#define ASSERT_OK_AND_ASSIGN(lhs, expr) \
  ASSERT_OK_AND_ASSIGN_IMPL_(GOPT_CONCAT_(gopt_test_statusor_, __LINE__), lhs, expr)
#define ASSERT_OK_AND_ASSIGN_IMPL_(statusor, lhs, expr) \
  auto statusor = (expr);                               \
  ASSERT_TRUE(::gopt::IsOk(statusor));                  \
  lhs = *std::move(statusor)

namespace gopt {

inline ::testing::AssertionResult IsOk(const absl::Status& status) {
  if (status.ok()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << status.ToString();
}
template <typename T>
::testing::AssertionResult IsOk(const absl::StatusOr<T>& statusor) {
  return IsOk(statusor.status());
}

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& statusor) {
  return statusor.status();
}

// EXPECT_THAT(F(), Fails(absl::StatusCode::kInvalidArgument, "op 7"));
MATCHER_P2(Fails, code, text,
           "fails with " + absl::StatusCodeToString(code) + " and a message that has '" +
               std::string(text) + "'") {
  const absl::Status status = StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code && std::string(status.message()).find(text) != std::string::npos;
}

inline auto IsInvalid(std::string text) {
  return Fails(absl::StatusCode::kInvalidArgument, std::move(text));
}
inline auto IsUnmet(std::string text) {
  return Fails(absl::StatusCode::kFailedPrecondition, std::move(text));
}

}  // namespace gopt

#endif  // GOPT_TESTS_TESTING_STATUS_H_
