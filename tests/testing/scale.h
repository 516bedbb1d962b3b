#ifndef TESTS_TESTING_SCALE_H_
#define TESTS_TESTING_SCALE_H_

namespace gopt::testing {

// 1 in ordinary builds; how many times shorter long tests are under the sanitizer of this build.
inline constexpr int kSanitizerSlowdown = GOPT_SANITIZER_SLOWDOWN;

// How many cases, or how large a one, a long test runs: `full`, and under a sanitizer, where a case
// takes many times as long and fewer reach the same lines of code, a part of that. Expectations on
// counts must scale too.
constexpr int Scaled(int full) { return full / kSanitizerSlowdown; }

}  // namespace gopt::testing

#endif  // TESTS_TESTING_SCALE_H_
