#include <gopt/base/version.h>

#include <iostream>

int main() {
  std::cout << "gopt " << gopt::Version() << "\n";
  return 0;
}
