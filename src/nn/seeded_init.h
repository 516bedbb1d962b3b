#ifndef GOPT_SRC_NN_SEEDED_INIT_H_
#define GOPT_SRC_NN_SEEDED_INIT_H_

#include <ATen/CPUGeneratorImpl.h>

#include <cstdint>
#include <mutex>

namespace gopt {

// While it lives, LibTorch's initialisers draw from this seed; then its global generator goes on as
// if nothing had happened. One at a time: a second thread waits, since it would draw from the same
// stream.
class SeededInit {
 public:
  explicit SeededInit(uint64_t seed)
      : alone_(Mutex()), generator_(at::detail::getDefaultCPUGenerator()) {
    const std::lock_guard<std::mutex> lock(generator_.mutex());
    before_ = generator_.get_state();
    generator_.set_current_seed(seed);
  }
  ~SeededInit() {
    const std::lock_guard<std::mutex> lock(generator_.mutex());
    generator_.set_state(before_);
  }
  SeededInit(const SeededInit&) = delete;
  SeededInit& operator=(const SeededInit&) = delete;

 private:
  static std::mutex& Mutex() {
    static std::mutex* const mutex = new std::mutex;
    return *mutex;
  }

  std::lock_guard<std::mutex> alone_;
  at::Generator generator_;
  at::Tensor before_;
};

}  // namespace gopt

#endif  // GOPT_SRC_NN_SEEDED_INIT_H_
