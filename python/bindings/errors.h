#ifndef GOPT_PYTHON_BINDINGS_ERRORS_H_
#define GOPT_PYTHON_BINDINGS_ERRORS_H_

#include <pybind11/pybind11.h>

#include <exception>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gopt::python {

// A Status on its way to Python. The module's translator turns it into one of gopt.errors, or, if
// a Python callback's exception is behind it, into that exception itself.
class StatusError : public std::exception {
 public:
  explicit StatusError(absl::Status status, bool about_graph = false)
      : status_(std::move(status)), message_(status_.ToString()), about_graph_(about_graph) {}
  const char* what() const noexcept override { return message_.c_str(); }
  const absl::Status& status() const { return status_; }
  // InvalidArgument is raised as InvalidGraphError.
  bool about_graph() const { return about_graph_; }

 private:
  absl::Status status_;
  std::string message_;
  bool about_graph_;
};

inline void ThrowIfError(absl::Status status) {
  if (!status.ok()) throw StatusError(std::move(status));
}

template <typename T>
T Unwrap(absl::StatusOr<T> value) {
  if (!value.ok()) throw StatusError(std::move(value).status());
  return *std::move(value);
}

template <typename T>
T UnwrapGraph(absl::StatusOr<T> value) {
  if (!value.ok()) throw StatusError(std::move(value).status(), /*about_graph=*/true);
  return *std::move(value);
}

// A Status that stands for an exception raised in a Python callback, so that it can pass through
// C++ code that knows nothing of Python. The exception is kept (the newest 64 are) and raised again
// if the Status reaches the translator. Needs the GIL.
absl::Status StatusFromPython(const pybind11::error_already_set& error);

// "ValueError: message".
std::string Describe(const pybind11::error_already_set& error);

// Installs the translator.
void BindErrors(pybind11::module_& m);

}  // namespace gopt::python

#endif  // GOPT_PYTHON_BINDINGS_ERRORS_H_
