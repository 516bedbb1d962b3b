#include "gopt/base/worker_threads.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace gopt {
namespace {

absl::Status RunGuarded(const WorkerThreads::Work& work, int64_t index, int worker) {
  try {
    return work(index, worker);
  } catch (const std::exception& error) {
    return absl::UnknownError(absl::StrCat("item ", index, " threw: ", error.what()));
  } catch (...) {
    return absl::UnknownError(absl::StrCat("item ", index, " threw what is no std::exception"));
  }
}

// One ParallelFor.
class Job {
 public:
  Job(int64_t count, const WorkerThreads::Work& work) : count_(count), work_(work) {}

  // Takes items until none is left. An item that was handed out is run, whatever fails meanwhile:
  // so the lowest failure is always found.
  void Run(int worker) {
    while (!failed_.load(std::memory_order_relaxed)) {
      const int64_t index = next_.fetch_add(1, std::memory_order_relaxed);
      if (index >= count_) return;
      absl::Status status = RunGuarded(work_, index, worker);
      if (!status.ok()) Fail(index, std::move(status));
    }
  }

  // When all have ended.
  absl::Status TakeStatus() { return std::move(status_); }

 private:
  void Fail(int64_t index, absl::Status status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!failed_.load(std::memory_order_relaxed) || index < lowest_) {
      lowest_ = index;
      status_ = std::move(status);
    }
    failed_.store(true, std::memory_order_relaxed);
  }

  const int64_t count_;
  const WorkerThreads::Work& work_;
  std::atomic<int64_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  int64_t lowest_ = 0;
  absl::Status status_;
};

absl::Status RunHere(int64_t count, const WorkerThreads::Work& work, int worker) {
  Job job(count, work);
  job.Run(worker);
  return job.TakeStatus();
}

// Whose work this thread is doing, and as which worker.
struct Role {
  const void* threads = nullptr;
  int worker = 0;
};
thread_local Role current_role;

}  // namespace

struct WorkerThreads::Impl {
  void Serve(int worker);

  const pid_t process = getpid();
  std::mutex calls;  // Held by the caller of ParallelFor.

  std::mutex mutex;  // Of all below.
  std::condition_variable work_came, work_ended;
  Job* job = nullptr;
  int64_t jobs = 0;  // Posted so far.
  int active = 0;    // Threads, besides the caller, in the present job.
  bool stopping = false;
  std::vector<std::thread> threads;  // Changed by the constructor and the destructor only.
};

void WorkerThreads::Impl::Serve(int worker) {
  current_role = {this, worker};
  int64_t seen = 0;
  std::unique_lock<std::mutex> lock(mutex);
  for (;;) {
    work_came.wait(lock, [&] { return stopping || (job != nullptr && jobs != seen); });
    if (stopping) return;
    seen = jobs;
    Job* const present = job;
    ++active;
    lock.unlock();
    present->Run(worker);
    lock.lock();
    if (--active == 0) work_ended.notify_one();
  }
}

WorkerThreads::WorkerThreads(int threads) : impl_(std::make_unique<Impl>()) {
  for (int worker = 1; worker < threads; ++worker) {
    try {
      impl_->threads.emplace_back([impl = impl_.get(), worker] { impl->Serve(worker); });
    } catch (const std::system_error&) {
      break;  // The system has no more.
    }
  }
}

WorkerThreads::~WorkerThreads() {
  if (impl_->process != getpid()) {  // The threads stayed behind: nobody can join them.
    impl_.release();
    return;
  }
  {
    const std::lock_guard<std::mutex> lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->work_came.notify_all();
  for (std::thread& thread : impl_->threads) thread.join();
}

int WorkerThreads::size() const { return static_cast<int>(impl_->threads.size()) + 1; }

absl::Status WorkerThreads::ParallelFor(int64_t count, const Work& work) {
  if (count <= 0) return absl::OkStatus();
  Impl& impl = *impl_;
  if (current_role.threads == &impl) return RunHere(count, work, current_role.worker);
  if (impl.process != getpid()) return RunHere(count, work, 0);
  const std::lock_guard<std::mutex> call(impl.calls);
  const Role role_before = std::exchange(current_role, {&impl, 0});
  Job job(count, work);
  if (count > 1 && !impl.threads.empty()) {
    {
      const std::lock_guard<std::mutex> lock(impl.mutex);
      impl.job = &job;
      ++impl.jobs;
    }
    impl.work_came.notify_all();
  }
  job.Run(0);
  {
    std::unique_lock<std::mutex> lock(impl.mutex);
    impl.job = nullptr;
    impl.work_ended.wait(lock, [&] { return impl.active == 0; });
  }
  current_role = role_before;
  return job.TakeStatus();
}

}  // namespace gopt
