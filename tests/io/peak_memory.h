#ifndef TESTS_IO_PEAK_MEMORY_H_
#define TESTS_IO_PEAK_MEMORY_H_

#include <cstdint>
#include <fstream>
#include <string>

#include "tests/testing/scale.h"

namespace gopt::testing {

// How far this process's resident memory rose above where it was when this was made, at its
// highest: Linux' VmHWM, reset through /proc/self/clear_refs. 0 where that does not work, or under
// a sanitizer, whose shadow memory would count.
class PeakMemory {
 public:
  static constexpr bool kInstrumented = kSanitizerSlowdown > 1;

  PeakMemory() {
    std::ofstream reset("/proc/self/clear_refs");
    reset << "5" << std::flush;
    usable_ = reset.good() && !kInstrumented;
    before_ = Read("VmRSS:");
  }

  int64_t Grown() const { return usable_ ? Read("VmHWM:") - before_ : 0; }

 private:
  static int64_t Read(const std::string& key) {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
      int64_t kilobytes = 0;
      if (word == key && status >> kilobytes) return kilobytes << 10;
    }
    return 0;
  }

  bool usable_ = false;
  int64_t before_ = 0;
};

}  // namespace gopt::testing

#endif  // TESTS_IO_PEAK_MEMORY_H_
