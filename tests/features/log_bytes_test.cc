#include "gopt/features/log_bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace gopt {
namespace {

TEST(LogBytesTest, IsLogOfOnePlusBytes) {
  const std::array<int64_t, 3> bytes = {0, 1, 1'000'000'000'000};
  const at::Tensor logs = LogBytes(bytes);
  ASSERT_EQ(logs.sizes(), (std::vector<int64_t>{3}));
  const float* values = logs.const_data_ptr<float>();
  EXPECT_FLOAT_EQ(values[0], 0.0f);
  EXPECT_FLOAT_EQ(values[1], std::log(2.0f));
  EXPECT_FLOAT_EQ(values[2], 27.631021f);
}

TEST(LogBytesTest, UnknownBecomesZero) {
  const std::array<int64_t, 1> bytes = {-1};
  EXPECT_EQ(*LogBytes(bytes).const_data_ptr<float>(), 0.0f);
}

TEST(LogBytesTest, EmptyIsEmpty) { EXPECT_EQ(LogBytes({}).numel(), 0); }

}  // namespace
}  // namespace gopt
