#ifndef TESTS_TESTING_THREAD_CLOCK_H_
#define TESTS_TESTING_THREAD_CLOCK_H_

#include <ctime>

namespace gopt::testing {

// Processor time of this thread since construction, in seconds: what limits on time should look at,
// since other tests run beside this one and take the processor away. Says nothing of time spent
// waiting.
class ThreadClock {
 public:
  double seconds() const { return Now() - start_; }

 private:
  static double Now() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }

  double start_ = Now();
};

}  // namespace gopt::testing

#endif  // TESTS_TESTING_THREAD_CLOCK_H_
