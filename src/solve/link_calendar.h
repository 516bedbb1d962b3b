#ifndef GOPT_SRC_SOLVE_LINK_CALENDAR_H_
#define GOPT_SRC_SOLVE_LINK_CALENDAR_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/machine/machine.h"
#include "src/solve/gap_list.h"

namespace gopt {

// When the channels of a machine are free, gaps included (edge scheduling by insertion: Sinnen,
// Sousa, IEEE TPDS 16(6), 2005). A transfer takes the same time on all channels of its route, as in
// the simulator. One visit asks for the inputs of one task on one device: Find() after Find() lays
// its transfers one after the other on each channel, Book() does the same and keeps them.
class GOPT_API LinkCalendar {
 public:
  explicit LinkCalendar(const Machine& machine);

  // Begins a visit: what the last one found and did not book is forgotten.
  void BeginVisit() { ++visit_; }

  // Earliest arrival of `bytes` that are on `from` at `request`; kSaturated without a route.
  Nanoseconds Find(DeviceId from, DeviceId to, Nanoseconds request, int64_t bytes) {
    return Transfer(from, to, request, bytes, false);
  }
  // The same, and occupies the channels.
  Nanoseconds Book(DeviceId from, DeviceId to, Nanoseconds request, int64_t bytes) {
    return Transfer(from, to, request, bytes, true);
  }

 private:
  Nanoseconds Transfer(DeviceId from, DeviceId to, Nanoseconds request, int64_t bytes, bool book);
  Nanoseconds CommonStart(std::span<const ChannelId> route, Nanoseconds request,
                          Nanoseconds length) const;

  const Machine& machine_;
  std::vector<GapList> busy_;  // Per channel.
  // Per channel: the end of its last transfer in the visit, and which visit that was.
  std::vector<Nanoseconds> end_in_visit_;
  std::vector<int64_t> last_visit_;
  int64_t visit_ = 0;
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_LINK_CALENDAR_H_
