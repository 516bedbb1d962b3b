#include "gopt/solve/list_decoder.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

#include "gopt/base/check.h"
#include "src/solve/link_model.h"
#include "src/solve/placement_state.h"
#include "src/solve/rank_sort.h"
#include "src/solve/ready_set.h"

namespace gopt {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Rows over devices are padded, so that loops over them have no remainder.
int PaddedWidth(int devices) {
  if (devices <= 4) return 4;
  if (devices <= 8) return 8;
  return (devices + 15) / 16 * 16;
}

double Later(double a, double b) { return a > b ? a : b; }

}  // namespace

// Rows are `width` doubles, one per device; entries past the devices are never free. What one task
// needs lies together: with more tasks than the caches hold, misses are what a decode costs.
class ListDecoder::Impl {
 public:
  Impl(const TaskGraph& tasks, const PlacementOptions& placement)
      : tasks_(tasks),
        graph_(tasks.kernel_graph()),
        width_(PaddedWidth(tasks.num_devices())),
        placement_(tasks, width_),
        links_(tasks.problem().machine(), width_) {
    SetPlacement(placement);
    CopyTasks();
    CopyTimes();
    const size_t n = static_cast<size_t>(tasks.num_tasks());
    state_.resize(n);
    task_of_rank_.resize(n);
    sent_.resize(tasks.num_tensors());
    arrival_.resize(static_cast<size_t>(tasks.num_tensors()) * width_);
    for (std::vector<double>* row : {&ready_, &request_, &score_, &device_free_}) {
      row->resize(width_);
    }
    tentative_.resize(static_cast<size_t>(tasks.num_devices()) * width_);
    tentative_task_.resize(tasks.num_devices());
  }

  void SetPlacement(const PlacementOptions& placement) {
    fixed_.assign(placement.fixed.begin(), placement.fixed.end());
    placement_options_ = placement;
    placement_options_.fixed = fixed_;
  }

  const std::vector<int32_t>& Rank(std::span<const double> priority) {
    sorter_.Sort(priority, &rank_);
    return rank_;
  }

  Nanoseconds Decode(std::span<const int32_t> rank, std::span<const float> stickiness, Plan* plan) {
    GOPT_CHECK(rank.size() == state_.size());
    GOPT_CHECK(stickiness.empty() || stickiness.size() == graph_.inputs.size());
    Reset(rank);
    double last = 0.0;
    switch (width_) {
      case 4:
        last = Run<4>(stickiness);
        break;
      case 8:
        last = Run<8>(stickiness);
        break;
      case 16:
        last = Run<16>(stickiness);
        break;
      default:
        last = Run<0>(stickiness);
        break;
    }
    Fill(rank, plan);
    return SaturatingCeil(last);
  }

 private:
  // What never changes of a task: where its rows begin. They end where the next task's begin.
  struct Task {
    double time;           // On every device, if times_are_equal_.
    int32_t tensors;       // edges_: its tensors,
    int32_t parameters;    // then its parameters.
    int32_t controls;      // KernelGraph::controls
    int32_t outputs;       // KernelGraph::outputs
    int32_t successors;    // KernelGraph::successors
    int32_t predecessors;  // Their number.
  };
  struct State {
    double finish;
    DeviceId device;
    int32_t rank;
    int32_t waiting;  // Predecessors not yet placed.
  };
  struct Edge {
    double bytes;
    KernelId source;  // kNone: a parameter.
    int32_t tensor;
    int32_t input;  // Position in KernelGraph::inputs.
  };

  template <int kWidth>
  int Width() const {
    return kWidth > 0 ? kWidth : width_;
  }

  void CopyTasks() {
    const int n = tasks_.num_tasks();
    edges_.reserve(graph_.inputs.size());
    double sum = 0.0;
    for (KernelId task = 0; task <= n; ++task) {
      Task& row = task_.emplace_back();
      row.tensors = static_cast<int32_t>(edges_.size());
      if (task < n) CopyEdges(task, false);
      row.parameters = static_cast<int32_t>(edges_.size());
      if (task < n) CopyEdges(task, true);
      row.controls = graph_.control_begin[task];
      row.outputs = graph_.output_begin[task];
      row.successors = graph_.successor_begin[task];
      if (task == n) break;
      row.predecessors = graph_.predecessor_begin[task + 1] - graph_.predecessor_begin[task];
      sum += tasks_.mean_time(task);
    }
    mean_time_ = n == 0 ? 0.0 : sum / n;
  }

  void CopyEdges(KernelId task, bool parameters) {
    for (int32_t e = graph_.input_begin[task]; e < graph_.input_begin[task + 1]; ++e) {
      const KernelId source = graph_.inputs[e].source;
      if ((source == kNone) != parameters) continue;
      edges_.push_back(
          {static_cast<double>(tasks_.edge_bytes(e)), source, tasks_.edge_tensor(e), e});
    }
  }

  void CopyTimes() {
    const int devices = tasks_.num_devices();
    for (KernelId task = 0; task < tasks_.num_tasks(); ++task) {
      const auto times = tasks_.times(task);
      task_[task].time = static_cast<double>(times.front());
      times_are_equal_ &= std::all_of(times.begin(), times.end(),
                                      [&](Nanoseconds t) { return t == times.front(); });
    }
    if (times_are_equal_) return;
    time_.assign(static_cast<size_t>(tasks_.num_tasks()) * width_, 0.0);
    for (KernelId task = 0; task < tasks_.num_tasks(); ++task) {
      for (DeviceId d = 0; d < devices; ++d) {
        time_[static_cast<size_t>(task) * width_ + d] = static_cast<double>(tasks_.time(task, d));
      }
    }
  }

  void Reset(std::span<const int32_t> rank) {
    placement_.Reset(placement_options_);
    links_.Reset();
    std::fill(device_free_.begin(), device_free_.end(), kInfinity);
    std::fill_n(device_free_.begin(), tasks_.num_devices(), 0.0);
    std::fill(tentative_task_.begin(), tentative_task_.end(), kNone);
    std::fill(sent_.begin(), sent_.end(), 0);
    ready_set_.Reset(rank.size());
    for (size_t task = 0; task < rank.size(); ++task) {
      task_of_rank_[rank[task]] = static_cast<KernelId>(task);
      state_[task] = {0.0, kNone, rank[task], task_[task].predecessors};
      if (task_[task].predecessors == 0) ready_set_.Insert(rank[task]);
    }
  }

  template <int kWidth>
  double Run(std::span<const float> stickiness) {
    double last = 0.0;
    size_t done = 0;
    for (; !ready_set_.empty(); ++done) {
      const KernelId task = task_of_rank_[ready_set_.PopMin()];
      if (!ready_set_.empty()) Prefetch(task_of_rank_[ready_set_.Min()]);
      const DeviceId device = Choose<kWidth>(task, stickiness);
      last = Later(last, Commit(task, device));
      for (int32_t i = task_[task].successors; i < task_[task + 1].successors; ++i) {
        State& successor = state_[graph_.successors[i]];
        if (--successor.waiting == 0) ready_set_.Insert(successor.rank);
      }
    }
    GOPT_CHECK(done == state_.size());
    return last;
  }

  // The task that most likely is next.
  void Prefetch(KernelId task) const {
    __builtin_prefetch(&task_[task]);
    __builtin_prefetch(&state_[task]);
    __builtin_prefetch(graph_.successors.data() + graph_.successor_begin[task]);
    if (!times_are_equal_) __builtin_prefetch(&time_[static_cast<size_t>(task) * width_]);
  }

  // Where the tensor of the edge comes from; kNone: a parameter whose home is open, so that it may
  // be made to be anywhere.
  DeviceId HomeOf(const Edge& edge) const {
    return edge.source != kNone
               ? state_[edge.source].device
               : placement_.home(edge.tensor - static_cast<int>(graph_.outputs.size()));
  }

  // When all inputs can be there, per device.
  template <int kWidth>
  void FillReady(KernelId task) {
    const int width = Width<kWidth>();
    const Task& row = task_[task];
    const Task& next = task_[task + 1];
    double control = 0.0;
    for (int32_t i = row.controls; i < next.controls; ++i) {
      control = Later(control, state_[graph_.controls[i]].finish);
    }
    std::fill_n(ready_.data(), width, control);
    if (next.tensors == row.tensors) return;
    const bool alone = next.tensors - row.tensors == 1;
    for (int32_t i = row.tensors; i < row.parameters; ++i) {
      const State& source = state_[edges_[i].source];
      const auto request = [time = source.finish](int) { return time; };
      if (alone && sent_[edges_[i].tensor] == 0) {
        AddOnlyTensor<kWidth>(edges_[i], source.device, source.finish);
      } else {
        AddTensor<kWidth>(task, edges_[i], source.device, request);
      }
    }
    if (row.parameters == next.tensors) return;
    std::copy_n(ready_.data(), width, request_.data());
    for (int32_t i = row.parameters; i < next.tensors; ++i) {
      const DeviceId home = HomeOf(edges_[i]);
      if (home == kNone) continue;
      AddTensor<kWidth>(task, edges_[i], home, [this](int d) { return request_[d]; });
    }
  }

  // Raises ready_ by the arrival of a tensor that was never sent. Nothing else uses the links.
  template <int kWidth>
  void AddOnlyTensor(const Edge& edge, DeviceId from, double request) {
    const double bytes = edge.bytes;
    const double* __restrict latency = links_.latency(from);
    const double* __restrict per_byte = links_.inverse_bandwidth(from);
    const double* __restrict free = links_.free(from);
    double* __restrict ready = ready_.data();
    for (int d = 0; d < Width<kWidth>(); ++d) {
      ready[d] = Later(ready[d], Later(request, free[d]) + bytes * per_byte[d] + latency[d]);
    }
  }

  // Raises ready_ by the tensor's arrival on each device: as booked before, else after a booking on
  // the route as this task's inputs so far would leave it.
  template <int kWidth, typename Request>
  void AddTensor(KernelId task, const Edge& edge, DeviceId from, Request request) {
    const int width = Width<kWidth>();
    const double bytes = edge.bytes;
    const double* __restrict latency = links_.latency(from);
    const double* __restrict per_byte = links_.inverse_bandwidth(from);
    double* __restrict free = &tentative_[static_cast<size_t>(from) * width_];
    double* __restrict ready = ready_.data();
    if (tentative_task_[from] != task) {
      tentative_task_[from] = task;
      std::copy_n(links_.free(from), width, free);
    }
    if (sent_[edge.tensor] == 0) {
      for (int d = 0; d < width; ++d) {
        free[d] = Later(request(d), free[d]) + bytes * per_byte[d];
        ready[d] = Later(ready[d], free[d] + latency[d]);
      }
      free[from] = 0.0;
      return;
    }
    const double* __restrict booked = &arrival_[static_cast<size_t>(edge.tensor) * width_];
    for (int d = 0; d < width; ++d) {
      const double end = Later(request(d), free[d]) + bytes * per_byte[d];
      const bool is_new = booked[d] == kInfinity;
      free[d] = is_new ? end : free[d];
      ready[d] = Later(ready[d], is_new ? end + latency[d] : booked[d]);
    }
    free[from] = 0.0;
  }

  template <int kWidth>
  DeviceId Choose(KernelId task, std::span<const float> stickiness) {
    const int width = Width<kWidth>();
    FillReady<kWidth>(task);
    if (times_are_equal_) {
      const double time = task_[task].time;
      for (int d = 0; d < width; ++d) score_[d] = Later(ready_[d], device_free_[d]) + time;
    } else {
      const double* __restrict time = &time_[static_cast<size_t>(task) * width_];
      for (int d = 0; d < width; ++d) score_[d] = Later(ready_[d], device_free_[d]) + time[d];
    }
    if (const double* bias = placement_.Bias(task); bias != nullptr) {
      for (int d = 0; d < width; ++d) score_[d] += bias[d];
      if (Least<kWidth>() == kNone) std::copy_n(bias, width, score_.data());  // No way there.
    }
    if (!stickiness.empty()) AddStickiness(task, stickiness);
    const DeviceId best = Least<kWidth>();
    return best == kNone ? 0 : best;
  }

  void AddStickiness(KernelId task, std::span<const float> stickiness) {
    for (int32_t i = task_[task].tensors; i < task_[task + 1].tensors; ++i) {
      const Edge& edge = edges_[i];
      const DeviceId home = HomeOf(edge);
      if (home == kNone) continue;
      score_[home] -= static_cast<double>(stickiness[edge.input]) *
                      (tasks_.MeanTransfer(tasks_.edge_bytes(edge.input)) + mean_time_);
    }
  }

  // The first device of least score; kNone when all are infinite.
  template <int kWidth>
  DeviceId Least() const {
    DeviceId best = kNone;
    double least = kInfinity;
    for (int d = 0; d < Width<kWidth>(); ++d) {
      if (score_[d] < least) {
        least = score_[d];
        best = d;
      }
    }
    return best;
  }

  // Books the transfers and the device. Returns the finish time.
  double Commit(KernelId task, DeviceId device) {
    const Task& row = task_[task];
    const int32_t end = task_[task + 1].tensors;
    double ready = ready_[device];  // Exact but for routes that share channels: those end later.
    double request = row.parameters < end ? request_[device] : 0.0;
    for (int32_t i = row.tensors; i < end; ++i) {
      const Edge& edge = edges_[i];
      const bool is_parameter = i >= row.parameters;
      const DeviceId home = HomeOf(edge);
      if (home == device || home == kNone) continue;
      ready = Later(
          ready, Arrival(edge, home, device, is_parameter ? request : state_[edge.source].finish));
      if (!is_parameter) request = Later(request, ready);
    }
    placement_.Place(task, device);
    const double time =
        times_are_equal_ ? row.time : time_[static_cast<size_t>(task) * width_ + device];
    const double finish = Later(ready, device_free_[device]) + time;
    device_free_[device] = finish;
    state_[task].finish = finish;
    state_[task].device = device;
    return finish;
  }

  // When the tensor is on another device than its home; books the transfer if nobody did.
  double Arrival(const Edge& edge, DeviceId from, DeviceId to, double request) {
    double* row = &arrival_[static_cast<size_t>(edge.tensor) * width_];
    if (sent_[edge.tensor] == 0) {
      sent_[edge.tensor] = 1;
      std::fill_n(row, width_, kInfinity);
      row[from] = edge.source == kNone ? 0.0 : state_[edge.source].finish;
    }
    if (row[to] == kInfinity) row[to] = links_.Book(from, to, request, edge.bytes);
    return row[to];
  }

  void Fill(std::span<const int32_t> rank, Plan* plan) const {
    if (plan->kernels != tasks_.kernels()) plan->kernels = tasks_.kernels();
    plan->device.resize(state_.size());
    for (size_t task = 0; task < state_.size(); ++task) plan->device[task] = state_[task].device;
    plan->rank.assign(rank.begin(), rank.end());
    plan->parameter_home.clear();
    plan->dispatch = Dispatch::kPriority;
    plan->sequence.clear();
  }

  const TaskGraph& tasks_;
  const KernelGraph& graph_;
  const int width_;
  std::vector<DeviceId> fixed_;
  PlacementOptions placement_options_;
  PlacementState placement_;
  LinkModel links_;

  double mean_time_ = 0.0;
  bool times_are_equal_ = true;  // Every task takes the same time on every device.
  std::vector<Task> task_;       // And one more.
  std::vector<double> time_;     // [task, device], unless times_are_equal_.
  std::vector<Edge> edges_;

  RankSorter sorter_;
  std::vector<int32_t> rank_;
  std::vector<KernelId> task_of_rank_;
  ReadySet ready_set_;

  std::vector<State> state_;
  std::vector<uint8_t> sent_;    // Per tensor: to some device; only then its row is in use.
  std::vector<double> arrival_;  // [tensor, device]; infinite: not sent there.
  std::vector<double> device_free_;
  std::vector<double> ready_, request_, score_;  // Of the current task.
  std::vector<double> tentative_;                // [from, to]: routes, if its inputs were booked.
  std::vector<KernelId> tentative_task_;         // Per `from`: the task that its row is for.
};

ListDecoder::ListDecoder(const TaskGraph& tasks, const PlacementOptions& placement)
    : impl_(std::make_unique<Impl>(tasks, placement)) {}

ListDecoder::~ListDecoder() = default;

Nanoseconds ListDecoder::Decode(std::span<const double> priority, std::span<const float> stickiness,
                                Plan* plan) {
  return impl_->Decode(impl_->Rank(priority), stickiness, plan);
}

Nanoseconds ListDecoder::DecodeRanks(std::span<const int32_t> rank,
                                     std::span<const float> stickiness, Plan* plan) {
  return impl_->Decode(rank, stickiness, plan);
}

void ListDecoder::SetPlacement(const PlacementOptions& placement) {
  impl_->SetPlacement(placement);
}

}  // namespace gopt
