#ifndef GOPT_PYTHON_BINDINGS_INTERRUPTIBLE_H_
#define GOPT_PYTHON_BINDINGS_INTERRUPTIBLE_H_

#include <pybind11/pybind11.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "gopt/base/budget.h"
#include "python/bindings/errors.h"

namespace gopt::python {

inline constexpr auto kSignalPoll = std::chrono::milliseconds(50);

// Runs long work on a thread, lets Python handle signals meanwhile, and cancels on the first
// exception of a handler or of a callback. Made and called with the GIL.
template <typename T>
class InterruptibleRun {
 public:
  // what: who threw, in the error that an exception of C++ becomes.
  InterruptibleRun(std::shared_ptr<CancelToken> cancel, std::string what)
      : cancel_(std::move(cancel)), what_(std::move(what)) {}

  // work() gives a StatusOr<T>; it runs without the GIL.
  template <typename Work>
  absl::StatusOr<T> Run(const Work& work) {
    std::thread worker([&] {
      absl::StatusOr<T> result = Guarded(work);
      std::lock_guard<std::mutex> lock(mutex_);
      result_ = std::move(result);
      done_.notify_one();
    });
    while (!WaitWithoutGil()) {
      if (PyErr_CheckSignals() != 0) Fail(pybind11::error_already_set());
    }
    {
      pybind11::gil_scoped_release release;
      worker.join();
    }
    return *std::move(result_);
  }

  // Keeps the first exception and cancels. Needs the GIL.
  void Fail(const pybind11::error_already_set& error) {
    if (!exception_) exception_ = error.value();
    cancel_->Cancel();
  }
  const pybind11::object& exception() const { return exception_; }
  bool interrupted() const {
    return exception_ &&
           PyErr_GivenExceptionMatches(exception_.ptr(), PyExc_KeyboardInterrupt) != 0;
  }

 private:
  // An exception that leaves C++ work is a bug of it, not a reason to end the process.
  template <typename Work>
  absl::StatusOr<T> Guarded(const Work& work) {
    try {
      return work();
    } catch (const StatusError& error) {
      return error.status();
    } catch (const std::exception& error) {
      return absl::InternalError(what_ + ": " + error.what());
    }
  }

  bool WaitWithoutGil() {
    pybind11::gil_scoped_release release;
    std::unique_lock<std::mutex> lock(mutex_);
    return done_.wait_for(lock, kSignalPoll, [&] { return result_.has_value(); });
  }

  std::shared_ptr<CancelToken> cancel_;
  const std::string what_;
  pybind11::object exception_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::optional<absl::StatusOr<T>> result_;
};

[[noreturn]] inline void RaiseAgain(const pybind11::object& exception) {
  PyErr_SetObject(pybind11::type::handle_of(exception).ptr(), exception.ptr());
  throw pybind11::error_already_set();
}

}  // namespace gopt::python

#endif  // GOPT_PYTHON_BINDINGS_INTERRUPTIBLE_H_
