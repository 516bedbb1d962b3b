#ifndef GOPT_BASE_WORKER_THREADS_H_
#define GOPT_BASE_WORKER_THREADS_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "gopt/base/export.h"

namespace gopt {

// A fixed number of threads that live as long as this and sleep until there is work. Whoever has
// work for threads may share one of these. Thread-safe.
class GOPT_API WorkerThreads {
 public:
  // Index of an item, and which worker runs it: 0 .. size() - 1. No two threads are the same worker
  // at the same time, so that state per worker needs no lock.
  using Work = std::function<absl::Status(int64_t index, int worker)>;

  // threads: in all, the caller of ParallelFor among them; at least 1 is meant, and fewer are
  // started where the system allows no more. With 1 everything runs on the calling thread.
  explicit WorkerThreads(int threads);
  // No ParallelFor may be running.
  ~WorkerThreads();
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;

  int size() const;

  // Runs work(i, worker) once for each i in [0, count), handed out in ascending order, and returns
  // when all have ended. After an error nothing more is handed out; returns the error of the lowest
  // index, which is the same for any number of threads. What is thrown becomes Unknown. Several
  // callers wait for each other. Within the work of the same threads, or in a process that was
  // forked, everything runs on the calling thread. The work may need locks, of the Python
  // interpreter too, that the caller must not hold.
  absl::Status ParallelFor(int64_t count, const Work& work);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gopt

#endif  // GOPT_BASE_WORKER_THREADS_H_
