#include "src/solve/gap_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "gopt/base/random.h"

namespace gopt {
namespace {

TEST(GapListTest, FindsTheFirstGapThatFits) {
  GapList gaps;
  gaps.Take(10, 10);  // free: [0, 10), [20, ...)
  gaps.Take(25, 5);   // free: [0, 10), [20, 25), [30, ...)
  EXPECT_EQ(gaps.Find(0, 10), 0);
  EXPECT_EQ(gaps.Find(0, 11), 30);
  EXPECT_EQ(gaps.Find(1, 10), 30);
  EXPECT_EQ(gaps.Find(6, 4), 6);
  EXPECT_EQ(gaps.Find(7, 4), 20);
  EXPECT_EQ(gaps.Find(21, 4), 21);
  EXPECT_EQ(gaps.Find(22, 4), 30);
  EXPECT_EQ(gaps.Find(40, 4), 40);
}

TEST(GapListTest, SplitsAGapThatIsFilledInTheMiddle) {
  GapList gaps;
  gaps.Take(100, 1);
  gaps.Take(40, 20);
  EXPECT_EQ(gaps.Find(0, 40), 0);
  EXPECT_EQ(gaps.Find(1, 40), 60);
  gaps.Take(0, 40);
  gaps.Take(60, 40);
  EXPECT_EQ(gaps.Find(0, 1), 101);
}

TEST(GapListTest, PutsNoTimeBetweenBusyIntervalsOnly) {
  GapList gaps;
  gaps.Take(0, 10);
  gaps.Take(10, 10);
  EXPECT_EQ(gaps.Find(3, 0), 20);
  gaps.Take(30, 10);
  EXPECT_EQ(gaps.Find(3, 0), 20);
  EXPECT_EQ(gaps.Find(25, 0), 25);
  gaps.Take(25, 0);
  EXPECT_EQ(gaps.Find(20, 10), 40);  // Nothing runs across an op that takes no time.
  EXPECT_EQ(gaps.Find(20, 5), 20);
}

// The textbook's way: a sorted list of busy intervals, scanned from the front.
class PlainGaps {
 public:
  Nanoseconds Find(Nanoseconds ready, Nanoseconds length) const {
    Nanoseconds start = ready;
    for (const auto& [begin, end] : busy_) {
      if (start + length <= begin) return start;
      start = std::max(start, end);
    }
    return start;
  }
  void Take(Nanoseconds start, Nanoseconds length) {
    busy_.insert(std::upper_bound(busy_.begin(), busy_.end(), std::pair(start, start + length)),
                 {start, start + length});
  }

 private:
  std::vector<std::pair<Nanoseconds, Nanoseconds>> busy_;
};

TEST(GapListTest, AgreesWithAPlainScan) {
  GapList gaps;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    gaps.Clear();
    PlainGaps plain;
    Random random(seed);
    for (int i = 0; i < 1000; ++i) {
      const Nanoseconds ready = random.Below(20'000), length = 1 + random.Below(40);
      const Nanoseconds start = gaps.Find(ready, length);
      ASSERT_EQ(start, plain.Find(ready, length)) << "seed " << seed << " step " << i;
      gaps.Take(start, length);
      plain.Take(start, length);
    }
  }
}

}  // namespace
}  // namespace gopt
