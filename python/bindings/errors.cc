#include "python/bindings/errors.h"

#include <cstdint>
#include <map>
#include <optional>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace py = pybind11;

namespace gopt::python {
namespace {

constexpr char kPayload[] = "gopt/python_exception";
constexpr size_t kKept = 64;

// Exceptions by the number in their Status's payload. Guarded by the GIL.
struct Kept {
  std::map<uint64_t, py::object> exceptions;
  uint64_t next = 0;
};

// One for all of gopt's modules, since a Status may leave by another than it came in by. Never
// destroyed: the interpreter may be gone by then.
Kept& KeptExceptions() {
  static auto* kept = [] {
    void* shared = py::get_shared_data("gopt_kept_exceptions");
    return static_cast<Kept*>(
        shared != nullptr ? shared : py::set_shared_data("gopt_kept_exceptions", new Kept()));
  }();
  return *kept;
}

std::optional<py::object> TakePythonException(const absl::Status& status) {
  std::optional<absl::Cord> payload = [&]() -> std::optional<absl::Cord> {
    auto cord = status.GetPayload(kPayload);
    if (!cord.has_value()) return std::nullopt;
    return *cord;
  }();
  uint64_t number = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &number)) {
    return std::nullopt;
  }
  std::map<uint64_t, py::object>& kept = KeptExceptions().exceptions;
  auto it = kept.find(number);
  if (it == kept.end()) return std::nullopt;
  py::object exception = std::move(it->second);
  kept.erase(it);
  return exception;
}

void Raise(const StatusError& error) {
  if (std::optional<py::object> original = TakePythonException(error.status())) {
    PyErr_SetObject(py::type::handle_of(*original).ptr(), original->ptr());
    return;
  }
  py::object exception =
      py::module_::import("gopt.errors")
          .attr("from_status")(absl::StatusCodeToString(error.status().code()),
                               std::string(error.status().message()), error.about_graph());
  PyErr_SetObject(py::type::handle_of(exception).ptr(), exception.ptr());
}

}  // namespace

std::string Describe(const py::error_already_set& error) {
  std::string type = py::str(error.type().attr("__name__"));
  std::string message = py::str(error.value());
  return message.empty() ? type : absl::StrCat(type, ": ", message);
}

absl::Status StatusFromPython(const py::error_already_set& error) {
  auto& [kept, next] = KeptExceptions();
  if (kept.size() >= kKept) kept.erase(kept.begin());
  kept.emplace(next, error.value());
  absl::Status status = absl::UnknownError(Describe(error));
  status.SetPayload(kPayload, absl::Cord(absl::StrCat(next++)));
  return status;
}

void BindErrors(py::module_&) {
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const StatusError& error) {
      try {
        Raise(error);
      } catch (py::error_already_set& inner) {
        inner.restore();
      }
    }
  });
}

}  // namespace gopt::python
