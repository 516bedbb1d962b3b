#include <gopt/base/version.h>
#include <gopt/features/log_bytes.h>

#include <array>
#include <cstdint>
#include <iostream>

int main() {
  const std::array<int64_t, 2> bytes = {1, 1024};
  std::cout << "gopt " << gopt::Version() << ", " << gopt::LogBytes(bytes).numel() << " sizes\n";
  return 0;
}
