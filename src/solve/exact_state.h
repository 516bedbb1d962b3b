#ifndef GOPT_SRC_SOLVE_EXACT_STATE_H_
#define GOPT_SRC_SOLVE_EXACT_STATE_H_

#include <cstdint>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "src/solve/exact_instance.h"

namespace gopt {

// min over `first` of the ranks <= min over `second`; with `strict`, <.
struct RankRule {
  Bits first;
  Bits second;
  bool strict;
};

// Lowest ranks that obey all rules, or none where the rules contradict each other. Always finds
// some if there are any: a task whose rank is lowered never makes another's larger.
GOPT_API std::vector<int32_t> RanksByRules(int num_tasks, const std::vector<RankRule>& rules);

// A step that has run up to a decision: what docs/simulator.md, "Running", knows at one point of a
// pass. A value; the decisions behind it are in a Trail.
struct ExactState {
  enum class Stage : uint8_t { kPlace, kBook, kDispatch };
  static constexpr Nanoseconds kNotBooked = -1;

  Nanoseconds now = 0;
  Nanoseconds makespan = 0;  // Latest end of a started task.
  Stage stage = Stage::kPlace;
  int8_t cursor = 0;       // kDispatch: devices below have had their turn in this pass.
  int8_t sending = kNone;  // kBook: the task whose outputs are being booked, from `next_output` on,
  int32_t next_output = 0;
  Bits destinations = 0;  // and the devices that still wait for that output.
  Bits started = 0, done = 0;
  Bits finished = 0;    // In this pass.
  Bits requesting = 0;  // In this pass: finished or asking, not booked yet.
  Bits fresh = 0;       // Complete by an arrival of this very instant that the next pass will see.
  Bits settled = 0;     // Have asked for their parameters.
  Bits used = 0;        // Devices that something was decided for.
  int32_t num_starts = 0, num_rules = 0;  // Lengths of this state's part of the trail.

  std::vector<Bits> open;          // Per task: devices. One: that is its place.
  std::vector<Nanoseconds> ready;  // [task, device]: the latest arrival booked so far.
  std::vector<int8_t> running;     // Per device: a task or -1.
  std::vector<Nanoseconds> free;   // Per device: end of its last task.
  std::vector<Bits> refused;       // Per device: tasks that it may not start next.
  std::vector<Nanoseconds> channel_free;
  std::vector<int8_t> home;             // Per parameter; -1: open.
  std::vector<Nanoseconds> arrival;     // [parameter, device]
  std::vector<int32_t> fresh_arrivals;  // Of those the ones booked in this pass for this instant.

  bool placed(KernelId k) const { return (open[k] & (open[k] - 1)) == 0; }
  DeviceId place(KernelId k) const { return Lowest(open[k]); }
};

// What led to a state, in order. States hold lengths: a search that goes back writes over the rest.
struct Trail {
  std::vector<KernelId> starts;
  std::vector<RankRule> rules;
};

// One thing that a plan decides.
struct Choice {
  enum class Kind : uint8_t {
    kPlace,  // Task `what` on device `where`.
    kHome,   // Parameter `what` on device `where`.
    kBook,   // Task `what` is the first of those that request now.
    kSend,   // The output being booked goes to device `where` first.
    kStart,  // Task `what` starts on device `where`.
    kWait,   // Device `where` starts none of those that are ready: its next task is another.
  };
  Kind kind;
  int16_t what = kNone;
  int16_t where = kNone;
};

// Runs states by the rules of docs/simulator.md, asking at every point where plans may differ. The
// choices together are exactly the plans: a placement, homes, a SEQUENCE (a device that waits names
// its next task later; tasks that it refuses are ready and so cannot be it), and the order of
// bookings of one pass, as far as it matters, by rules on ranks.
class GOPT_API ExactSimulation {
 public:
  enum class Outcome { kChoices, kFinished, kImpossible };

  // interchangeable: per device, the devices that may trade places with it; only the lowest of
  // those in which nothing has been decided is offered. memory: homes of parameters that nobody
  // reads are asked for, too; they matter to nothing else.
  ExactSimulation(const ExactInstance& instance, std::vector<Bits> interchangeable, bool memory);

  // Before the first pass.
  ExactState Initial() const;
  // Runs on to where there are several choices, or to the end of the step. Appends to the trail.
  Outcome Run(ExactState* state, Trail* trail, std::vector<Choice>* choices) const;
  // False if that makes the plan illegal.
  bool Apply(const Choice& choice, ExactState* state, Trail* trail) const;

  // Whether all that the task awaits is known and in the past, parameters too.
  bool IsReady(const ExactState& state, KernelId k, DeviceId d) const;

 private:
  using Choices = std::vector<Choice>;

  bool NextPass(ExactState* state) const;
  Nanoseconds NextEvent(const ExactState& state) const;
  // kPlace: what the requests of this pass depend on.
  bool ChoosePlaces(ExactState* state, Choices* choices) const;
  bool ChooseHomes(const std::vector<int32_t>& parameters, ExactState* state,
                   Choices* choices) const;
  void OfferPlaces(const ExactState& state, KernelId k, Choices* choices) const;
  Bits Offered(const ExactState& state, Bits devices) const;
  Bits Asking(const ExactState& state) const;
  bool AwaitsBooking(const ExactState& state, KernelId k) const;
  bool Place(KernelId k, DeviceId d, ExactState* state) const;
  // kBook: the requests of this pass, task by task, output by output, destination by destination.
  void CollectRequesters(ExactState* state) const;
  bool ChooseBooking(ExactState* state, Trail* trail, Choices* choices) const;
  bool ChooseDestination(ExactState* state, Trail* trail, Choices* choices) const;
  KernelId NextByRank(Bits requesters) const;
  DeviceId NextDestinationByRank(const ExactState& state) const;
  template <typename Visit>
  bool AnyRequest(const ExactState& state, KernelId k, Visit visit) const;
  Bits RequestersThatMeet(const ExactState& state, KernelId k) const;
  Bits DestinationsThatMeet(const ExactState& state, DeviceId d) const;
  Bits Destinations(const ExactState& state, int32_t output) const;
  Bits ReadersOn(const ExactState& state, int32_t output, DeviceId d) const;
  bool IsRemote(const ExactState& state, int32_t parameter, DeviceId d) const;
  bool Begin(KernelId requester, ExactState* state) const;
  void NextOutput(ExactState* state) const;
  bool Send(DeviceId to, ExactState* state) const;
  bool Ask(KernelId k, ExactState* state) const;
  bool Book(const std::vector<Nanoseconds>& duration, DeviceId from, DeviceId to, ExactState* state,
            Nanoseconds* arrival) const;
  // kDispatch.
  bool ChooseStart(ExactState* state, Trail* trail, Choices* choices) const;
  bool FixedStart(DeviceId d, Bits ready, ExactState* state, Trail* trail, Choices* choices) const;
  Bits Ready(const ExactState& state, DeviceId d) const;
  bool MayWait(const ExactState& state, DeviceId d, Bits ready) const;
  bool Start(KernelId k, DeviceId d, ExactState* state, Trail* trail) const;
  void DeliverAhead(KernelId k, DeviceId d, ExactState* state) const;
  static void AddRule(RankRule rule, ExactState* state, Trail* trail);

  const ExactInstance& instance_;
  const std::vector<Bits> interchangeable_;
  std::vector<Bits> ancestors_;  // Per task.
  std::vector<int32_t> unread_;  // Parameters to find a home for at the beginning.
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_EXACT_STATE_H_
