#include "src/solve/link_calendar.h"

#include <gtest/gtest.h>

#include <vector>

#include "gopt/machine/machine.h"
#include "tests/solve/task_graphs.h"

namespace gopt {
namespace {

TEST(LinkCalendarTest, SendsInGapsOfTheChannel) {
  const Machine machine = testing::EqualDevices(2);
  LinkCalendar links(machine);
  links.BeginVisit();
  EXPECT_EQ(links.Book(0, 1, 100, 50), 150);
  links.BeginVisit();
  EXPECT_EQ(links.Find(0, 1, 0, 100), 100);
  EXPECT_EQ(links.Find(1, 0, 120, 10), 130);  // The other direction is another channel.
  links.BeginVisit();
  EXPECT_EQ(links.Find(0, 1, 10, 100), 250);
}

TEST(LinkCalendarTest, LaysTheInputsOfOneTaskOneAfterTheOther) {
  const Machine machine = testing::EqualDevices(2);
  LinkCalendar links(machine);
  links.BeginVisit();
  EXPECT_EQ(links.Find(0, 1, 0, 10), 10);
  EXPECT_EQ(links.Find(0, 1, 0, 10), 20);
  links.BeginVisit();
  EXPECT_EQ(links.Find(0, 1, 0, 10), 10);  // Nothing was booked.
}

TEST(LinkCalendarTest, NeedsAllChannelsOfTheRouteAtOnce) {
  std::vector<Device> devices(
      3, {.kind = "device", .memory_bytes = 1, .peak_flops = 1e12, .memory_bandwidth = 1e12});
  for (int i = 0; i < 3; ++i) devices[i].name = std::string(1, static_cast<char>('a' + i));
  const Machine machine = Machine::Create("line", devices, {{"ab", 1e9, 1}, {"bc", 1e9, 1}},
                                          {{0, 1, {0}}, {1, 2, {1}}, {0, 2, {0, 1}}})
                              .value();
  LinkCalendar links(machine);
  links.BeginVisit();
  links.Book(0, 1, 10, 10);
  links.Book(1, 2, 25, 10);
  links.BeginVisit();
  EXPECT_EQ(links.Find(0, 2, 0, 10), 12);  // Both are free until 10.
  links.BeginVisit();
  EXPECT_EQ(links.Find(0, 2, 5, 10), 47);  // Not from 20 on: the second is busy from 25 to 35.
  EXPECT_EQ(links.Find(2, 0, 0, 1), kSaturated);
}

}  // namespace
}  // namespace gopt
