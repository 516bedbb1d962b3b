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
double Earlier(double a, double b) { return a < b ? a : b; }

}  // namespace

// Rows are `width` doubles, one per device; entries past the devices never win.
class ListDecoder::Impl {
 public:
  Impl(const TaskGraph& tasks, const PlacementOptions& placement)
      : tasks_(tasks),
        graph_(tasks.kernel_graph()),
        width_(PaddedWidth(tasks.num_devices())),
        placement_(tasks, width_),
        links_(tasks.problem().machine(), width_) {
    SetPlacement(placement);
    CopyTimes();
    CopyEdges();
    const size_t n = static_cast<size_t>(tasks.num_tasks());
    device_.resize(n);
    finish_.resize(n);
    task_of_rank_.resize(n);
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
    GOPT_CHECK(rank.size() == device_.size());
    GOPT_CHECK(stickiness.empty() || stickiness.size() == graph_.inputs.size());
    Reset(rank);
    double last = 0.0;
    switch (width_) {
      case 4:
        last = Run<4>(rank, stickiness);
        break;
      case 8:
        last = Run<8>(rank, stickiness);
        break;
      case 16:
        last = Run<16>(rank, stickiness);
        break;
      default:
        last = Run<0>(rank, stickiness);
        break;
    }
    Fill(rank, plan);
    return SaturatingCeil(last);
  }

 private:
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

  void CopyTimes() {
    const int devices = tasks_.num_devices();
    time_.assign(static_cast<size_t>(tasks_.num_tasks()) * width_, kInfinity);
    double sum = 0.0;
    for (KernelId task = 0; task < tasks_.num_tasks(); ++task) {
      for (DeviceId d = 0; d < devices; ++d) {
        time_[static_cast<size_t>(task) * width_ + d] = static_cast<double>(tasks_.time(task, d));
      }
      sum += tasks_.mean_time(task);
    }
    mean_time_ = tasks_.num_tasks() == 0 ? 0.0 : sum / tasks_.num_tasks();
  }

  // Parameters last: they are requested when the other inputs are there.
  void CopyEdges() {
    edges_.reserve(graph_.inputs.size());
    for (KernelId task = 0; task < tasks_.num_tasks(); ++task) {
      edge_begin_.push_back(static_cast<int32_t>(edges_.size()));
      for (bool parameters : {false, true}) {
        for (int32_t e = graph_.input_begin[task]; e < graph_.input_begin[task + 1]; ++e) {
          const KernelId source = graph_.inputs[e].source;
          if ((source == kNone) != parameters) continue;
          edges_.push_back(
              {static_cast<double>(tasks_.edge_bytes(e)), source, tasks_.edge_tensor(e), e});
        }
        if (!parameters) parameter_begin_.push_back(static_cast<int32_t>(edges_.size()));
      }
    }
    edge_begin_.push_back(static_cast<int32_t>(edges_.size()));
  }

  void Reset(std::span<const int32_t> rank) {
    placement_.Reset(placement_options_);
    links_.Reset();
    std::fill(device_free_.begin(), device_free_.end(), 0.0);
    std::fill(tentative_task_.begin(), tentative_task_.end(), kNone);
    // Tensors that tasks make get their row when they are made.
    std::fill(arrival_.begin() + graph_.outputs.size() * width_, arrival_.end(), kInfinity);
    ready_set_.Reset(rank.size());
    waiting_.resize(rank.size());
    for (size_t task = 0; task < rank.size(); ++task) {
      task_of_rank_[rank[task]] = static_cast<KernelId>(task);
      waiting_[task] = graph_.predecessor_begin[task + 1] - graph_.predecessor_begin[task];
      if (waiting_[task] == 0) ready_set_.Insert(rank[task]);
    }
  }

  template <int kWidth>
  double Run(std::span<const int32_t> rank, std::span<const float> stickiness) {
    double last = 0.0;
    size_t done = 0;
    for (; !ready_set_.empty(); ++done) {
      const KernelId task = task_of_rank_[ready_set_.PopMin()];
      const DeviceId device = Choose<kWidth>(task, stickiness);
      const double finish = Commit<kWidth>(task, device);
      last = Later(last, finish);
      for (int32_t i = graph_.successor_begin[task]; i < graph_.successor_begin[task + 1]; ++i) {
        const KernelId successor = graph_.successors[i];
        if (--waiting_[successor] == 0) ready_set_.Insert(rank[successor]);
      }
    }
    GOPT_CHECK(done == rank.size());
    return last;
  }

  // Where the tensor of the edge comes from; kNone: a parameter whose home is open, so that it may
  // be made to be anywhere.
  DeviceId HomeOf(const Edge& edge) const {
    return edge.source != kNone
               ? device_[edge.source]
               : placement_.home(edge.tensor - static_cast<int>(graph_.outputs.size()));
  }

  // When all inputs can be there, per device.
  template <int kWidth>
  void FillReady(KernelId task) {
    const int width = Width<kWidth>();
    double control = 0.0;
    for (int32_t i = graph_.control_begin[task]; i < graph_.control_begin[task + 1]; ++i) {
      control = Later(control, finish_[graph_.controls[i]]);
    }
    std::fill_n(ready_.data(), width, control);
    const int32_t begin = edge_begin_[task], parameters = parameter_begin_[task];
    for (int32_t i = begin; i < parameters; ++i) {
      const double produced = finish_[edges_[i].source];
      AddTensor<kWidth>(task, edges_[i], device_[edges_[i].source],
                        [produced](int) { return produced; });
    }
    if (parameters == edge_begin_[task + 1]) return;
    std::copy_n(ready_.data(), width, request_.data());
    for (int32_t i = parameters; i < edge_begin_[task + 1]; ++i) {
      const DeviceId home = HomeOf(edges_[i]);
      if (home == kNone) continue;
      arrival_[static_cast<size_t>(edges_[i].tensor) * width_ + home] = 0.0;
      const double* request = request_.data();
      AddTensor<kWidth>(task, edges_[i], home, [request](int d) { return request[d]; });
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
    const double* __restrict booked = &arrival_[static_cast<size_t>(edge.tensor) * width_];
    double* __restrict free = &tentative_[static_cast<size_t>(from) * width_];
    double* __restrict ready = ready_.data();
    if (tentative_task_[from] != task) {
      tentative_task_[from] = task;
      std::copy_n(links_.free(from), width, free);
    }
    for (int d = 0; d < width; ++d) {
      const double end = Later(request(d), free[d]) + bytes * per_byte[d];
      const bool is_new = booked[d] == kInfinity;
      free[d] = is_new ? end : free[d];
      ready[d] = Later(ready[d], Earlier(booked[d], end + latency[d]));
    }
  }

  template <int kWidth>
  DeviceId Choose(KernelId task, std::span<const float> stickiness) {
    const int width = Width<kWidth>();
    FillReady<kWidth>(task);
    const double* __restrict time = &time_[static_cast<size_t>(task) * width_];
    for (int d = 0; d < width; ++d) {
      score_[d] = Later(ready_[d], device_free_[d]) + time[d];
    }
    if (const double* bias = placement_.Bias(task); bias != nullptr) {
      for (int d = 0; d < width; ++d) score_[d] += bias[d];
      if (Least<kWidth>() == kNone) std::copy_n(bias, width, score_.data());  // No way there.
    }
    if (!stickiness.empty()) {
      for (int32_t i = edge_begin_[task]; i < edge_begin_[task + 1]; ++i) {
        const DeviceId home = HomeOf(edges_[i]);
        if (home == kNone) continue;
        score_[home] -= static_cast<double>(stickiness[edges_[i].input]) *
                        (tasks_.MeanTransfer(tasks_.edge_bytes(edges_[i].input)) + mean_time_);
      }
    }
    const DeviceId best = Least<kWidth>();
    return best == kNone ? 0 : best;
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
  template <int kWidth>
  double Commit(KernelId task, DeviceId device) {
    double ready = 0.0;
    for (int32_t i = graph_.control_begin[task]; i < graph_.control_begin[task + 1]; ++i) {
      ready = Later(ready, finish_[graph_.controls[i]]);
    }
    const int32_t parameters = parameter_begin_[task];
    for (int32_t i = edge_begin_[task]; i < parameters; ++i) {
      const KernelId source = edges_[i].source;
      ready = Later(ready, Arrival(edges_[i], device_[source], device, finish_[source]));
    }
    const double request = ready;
    for (int32_t i = parameters; i < edge_begin_[task + 1]; ++i) {
      const DeviceId home = HomeOf(edges_[i]);
      if (home != kNone) ready = Later(ready, Arrival(edges_[i], home, device, request));
    }
    placement_.Place(task, device);
    const double finish =
        Later(ready, device_free_[device]) + time_[static_cast<size_t>(task) * width_ + device];
    device_free_[device] = finish;
    device_[task] = device;
    finish_[task] = finish;
    for (int32_t t = graph_.output_begin[task]; t < graph_.output_begin[task + 1]; ++t) {
      double* row = &arrival_[static_cast<size_t>(t) * width_];
      std::fill_n(row, Width<kWidth>(), kInfinity);
      row[device] = finish;
    }
    return finish;
  }

  double Arrival(const Edge& edge, DeviceId from, DeviceId to, double request) {
    double& arrival = arrival_[static_cast<size_t>(edge.tensor) * width_ + to];
    if (arrival == kInfinity) arrival = links_.Book(from, to, request, edge.bytes);
    return arrival;
  }

  void Fill(std::span<const int32_t> rank, Plan* plan) const {
    if (plan->kernels != tasks_.kernels()) plan->kernels = tasks_.kernels();
    plan->device.assign(device_.begin(), device_.end());
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
  std::vector<double> time_;              // [task, device]
  std::vector<Edge> edges_;               // Per task: tensors, then parameters.
  std::vector<int32_t> edge_begin_;       // Of each task's tensors,
  std::vector<int32_t> parameter_begin_;  // and of its parameters.

  RankSorter sorter_;
  std::vector<int32_t> rank_;
  std::vector<KernelId> task_of_rank_;
  ReadySet ready_set_;
  std::vector<int32_t> waiting_;  // Predecessors not yet placed.

  std::vector<DeviceId> device_;
  std::vector<double> finish_;
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
