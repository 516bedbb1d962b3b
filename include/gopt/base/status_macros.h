#ifndef GOPT_BASE_STATUS_MACROS_H_
#define GOPT_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function when `expr` (an absl::Status) is not OK.
#define GOPT_RETURN_IF_ERROR(expr)                                                   \
  do {                                                                               \
    if (absl::Status gopt_status_ = (expr); !gopt_status_.ok()) return gopt_status_; \
  } while (false)

// GOPT_ASSIGN_OR_RETURN(auto x, F()) assigns the value of a StatusOr or returns its status.
#define GOPT_ASSIGN_OR_RETURN(lhs, expr) \
  GOPT_ASSIGN_OR_RETURN_IMPL_(GOPT_CONCAT_(gopt_statusor_, __LINE__), lhs, expr)

#define GOPT_CONCAT_INNER_(a, b) a##b
#define GOPT_CONCAT_(a, b) GOPT_CONCAT_INNER_(a, b)
#define GOPT_ASSIGN_OR_RETURN_IMPL_(statusor, lhs, expr)   \
  auto statusor = (expr);                                  \
  if (!statusor.ok()) return std::move(statusor).status(); \
  lhs = *std::move(statusor)

#endif  // GOPT_BASE_STATUS_MACROS_H_
