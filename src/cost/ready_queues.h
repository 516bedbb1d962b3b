#ifndef SRC_COST_READY_QUEUES_H_
#define SRC_COST_READY_QUEUES_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "gopt/base/types.h"
#include "src/cost/min_tree.h"

namespace gopt {

// The kernels of each device by (rank, id). A kernel's slot is its position there.
struct DeviceOrder {
  std::vector<int32_t> begin;       // Per device, and one more.
  std::vector<KernelId> by_device;  // Kernel of slot s on device d: by_device[begin[d] + s].

  int size(DeviceId device) const { return begin[device + 1] - begin[device]; }
  KernelId kernel(DeviceId device, int32_t slot) const { return by_device[begin[device] + slot]; }
};

// Each dispatch rule keeps, per device, the kernels whose time of readiness is known, also when it
// lies ahead. All share this interface:
//   Reset(order)                 forgets everything.
//   Add(d, slot, ready, horizon) a kernel; `horizon` is when the device will look next at the
//                                earliest.
//   Take(d, now)                 removes and returns the kernel to start now, or kNone.
//   NextTime(d)                  when Take may have something, after it had nothing.

// Ready times ahead, per device: a heap of (time, slot).
class TimedHeap {
 public:
  using Entry = std::pair<Nanoseconds, int32_t>;

  bool empty() const { return heap_.empty(); }
  void clear() { heap_.clear(); }
  const Entry& top() const { return heap_.front(); }
  Nanoseconds top_time() const { return heap_.empty() ? kNever : heap_.front().first; }
  void Push(Nanoseconds time, int32_t slot) {
    heap_.emplace_back(time, slot);
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  }
  Entry Pop() {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    const Entry entry = heap_.back();
    heap_.pop_back();
    return entry;
  }

 private:
  std::vector<Entry> heap_;
};

// PRIORITY: what is ready now is a bit per slot, so the lowest rank is the first set bit.
class PriorityQueues {
 public:
  void Reset(const DeviceOrder& order) {
    order_ = &order;
    const size_t devices = order.begin.size() - 1;
    sets_.resize(devices);
    size_t words = 0, summaries = 0;
    for (size_t d = 0; d < devices; ++d) {
      const size_t own = (static_cast<size_t>(order.size(static_cast<DeviceId>(d))) + 63) / 64;
      sets_[d].word = words;
      sets_[d].summary = summaries;
      sets_[d].summaries = (own + 63) / 64;
      sets_[d].hint = sets_[d].summaries;
      sets_[d].ahead.clear();
      words += own;
      summaries += sets_[d].summaries;
    }
    words_.assign(words, 0);
    summaries_.assign(summaries, 0);
  }

  void Add(DeviceId device, int32_t slot, Nanoseconds ready, Nanoseconds horizon) {
    Set& set = sets_[device];
    if (ready <= horizon) {
      Insert(set, static_cast<size_t>(slot));
    } else {
      set.ahead.Push(ready, slot);
    }
  }

  KernelId Take(DeviceId device, Nanoseconds now) {
    Set& set = sets_[device];
    while (set.ahead.top_time() <= now) Insert(set, static_cast<size_t>(set.ahead.Pop().second));
    for (; set.hint < set.summaries; ++set.hint) {
      uint64_t& summary = summaries_[set.summary + set.hint];
      if (summary == 0) continue;
      const size_t w = set.hint * 64 + static_cast<size_t>(std::countr_zero(summary));
      uint64_t& word = words_[set.word + w];
      const size_t slot = w * 64 + static_cast<size_t>(std::countr_zero(word));
      word &= word - 1;
      if (word == 0) summary &= summary - 1;
      return order_->kernel(device, static_cast<int32_t>(slot));
    }
    return kNone;
  }

  Nanoseconds NextTime(DeviceId device) const { return sets_[device].ahead.top_time(); }

 private:
  struct Set {
    size_t word = 0, summary = 0;  // Where the device's words begin.
    size_t summaries = 0;
    size_t hint = 0;  // All summaries before this one are zero.
    TimedHeap ahead;
  };

  void Insert(Set& set, size_t slot) {
    words_[set.word + slot / 64] |= uint64_t{1} << (slot % 64);
    summaries_[set.summary + slot / 4096] |= uint64_t{1} << (slot / 64 % 64);
    set.hint = std::min(set.hint, slot / 4096);
  }

  const DeviceOrder* order_ = nullptr;
  std::vector<Set> sets_;
  std::vector<uint64_t> words_;      // A bit per slot.
  std::vector<uint64_t> summaries_;  // A bit per word.
};

// FIFO: by (time of readiness, slot); slots are in order of (rank, id).
class FifoQueues {
 public:
  void Reset(const DeviceOrder& order) {
    order_ = &order;
    queues_.resize(order.begin.size() - 1);
    for (TimedHeap& queue : queues_) queue.clear();
  }

  void Add(DeviceId device, int32_t slot, Nanoseconds ready, Nanoseconds horizon) {
    queues_[device].Push(ready, slot);
  }

  KernelId Take(DeviceId device, Nanoseconds now) {
    if (queues_[device].top_time() > now) return kNone;
    return order_->kernel(device, queues_[device].Pop().second);
  }

  Nanoseconds NextTime(DeviceId device) const { return queues_[device].top_time(); }

 private:
  const DeviceOrder* order_ = nullptr;
  std::vector<TimedHeap> queues_;
};

// SEQUENCE: only the next kernel of the device's own order.
class SequenceQueues {
 public:
  // sequence: per device in the ranges of `order`, the slots in the order to follow.
  void Reset(const DeviceOrder& order, std::span<const int32_t> sequence) {
    order_ = &order;
    sequence_ = sequence;
    next_.assign(order.begin.begin(), order.begin.end() - 1);
    ready_.assign(order.by_device.size(), kNever);
  }

  void Add(DeviceId device, int32_t slot, Nanoseconds ready, Nanoseconds horizon) {
    ready_[order_->begin[device] + slot] = ready;
  }

  KernelId Take(DeviceId device, Nanoseconds now) {
    if (NextTime(device) > now) return kNone;
    return order_->kernel(device, sequence_[next_[device]++]);
  }

  Nanoseconds NextTime(DeviceId device) const {
    if (next_[device] == order_->begin[device + 1]) return kNever;
    return ready_[order_->begin[device] + sequence_[next_[device]]];
  }

 private:
  const DeviceOrder* order_ = nullptr;
  std::span<const int32_t> sequence_;
  std::vector<int32_t> next_;       // Per device: position in sequence_.
  std::vector<Nanoseconds> ready_;  // Per device and slot.
};

}  // namespace gopt

#endif  // SRC_COST_READY_QUEUES_H_
