#ifndef GOPT_SRC_RL_TENSOR_THREADS_H_
#define GOPT_SRC_RL_TENSOR_THREADS_H_

#include <ATen/Parallel.h>

namespace gopt {

// Threads of one tensor operation, on the calling thread, until the end of the scope.
class TensorThreads {
 public:
  explicit TensorThreads(int threads) : before_(at::get_num_threads()) {
    at::set_num_threads(threads);
  }
  ~TensorThreads() { at::set_num_threads(before_); }
  TensorThreads(const TensorThreads&) = delete;
  TensorThreads& operator=(const TensorThreads&) = delete;

 private:
  const int before_;
};

}  // namespace gopt

#endif  // GOPT_SRC_RL_TENSOR_THREADS_H_
