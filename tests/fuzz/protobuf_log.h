#ifndef TESTS_FUZZ_PROTOBUF_LOG_H_
#define TESTS_FUZZ_PROTOBUF_LOG_H_

#include <google/protobuf/stubs/logging.h>

namespace gopt::fuzz {

// The protobuf library prints about malformed texts; a fuzzer makes millions of them.
inline void SilenceProtobuf() {
  static google::protobuf::LogHandler* const earlier = google::protobuf::SetLogHandler(nullptr);
  (void)earlier;
}

}  // namespace gopt::fuzz

#endif  // TESTS_FUZZ_PROTOBUF_LOG_H_
