// The instance of a device's memory that a plan's kernels make.

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/plan/validate.h"
#include "src/cost/compiled_kernels.h"
#include "src/solve/peak_instance.h"
#include "src/solve/ready_set.h"

namespace gopt {
namespace {

absl::Status CheckArguments(const Problem& problem, const Plan& plan,
                            std::span<const KernelId> order, DeviceId device) {
  const auto wrong = [](auto... parts) {
    return absl::InvalidArgumentError(absl::StrCat("peak order: ", parts...));
  };
  if (plan.kernels == nullptr || plan.kernels->shared_graph() != problem.shared_graph()) {
    return wrong("the plan's kernels are not of the problem's graph");
  }
  const auto kernels = static_cast<size_t>(plan.kernels->size());
  const int devices = problem.machine().num_devices();
  if (plan.device.size() != kernels || order.size() != kernels) {
    return wrong(plan.device.size(), " devices and an order of ", order.size(), " for ", kernels,
                 " kernels");
  }
  if (device < 0 || device >= devices) return wrong("device ", device, " does not exist");
  for (DeviceId of_kernel : plan.device) {
    if (of_kernel < 0 || of_kernel >= devices) {
      return wrong("device ", of_kernel, " does not exist");
    }
  }
  if (!plan.parameter_home.empty() &&
      plan.parameter_home.size() != problem.graph().parameters().size()) {
    return wrong(plan.parameter_home.size(), " homes for ", problem.graph().parameters().size(),
                 " parameters");
  }
  std::vector<uint8_t> seen(kernels, 0);
  for (KernelId kernel : order) {
    if (kernel < 0 || kernel >= plan.kernels->size() || seen[kernel] != 0) {
      return wrong("the order is no permutation of the kernels: see kernel ", kernel);
    }
    seen[kernel] = 1;
  }
  return absl::OkStatus();
}

class Modeller {
 public:
  Modeller(const Problem& problem, const Plan& plan, const CompiledKernels& compiled,
           const OpCostModel& costs, DeviceId device)
      : problem_(problem), plan_(plan), compiled_(compiled), costs_(costs), device_(device) {}

  PeakInstance Make(std::span<const KernelId> order) {
    for (KernelId kernel = 0; kernel < compiled_.num_kernels; ++kernel) {
      AddItem(kernel);
      if (IsHere(kernel)) {
        AddStorages(kernel);
      } else {
        AddReceived(kernel);
      }
    }
    AddParameters();
    AddEdges(order);
    instance_.FillRowsOfItems();
    return std::move(instance_);
  }

 private:
  bool IsHere(KernelId kernel) const { return plan_.device[kernel] == device_; }

  void AddItem(KernelId kernel) {
    const bool here = IsHere(kernel);
    instance_.run_bytes.push_back(here ? compiled_.run_bytes[kernel] : 0);
    instance_.takes_time.push_back(
        here && costs_.KernelTime(compiled_.Ops(kernel), compiled_.Outputs(kernel), device_) > 0);
  }

  void AddTensor(int64_t bytes, std::span<const int32_t> takers, std::vector<int32_t> givers) {
    if (bytes == 0) return;
    std::sort(givers.begin(), givers.end());
    givers.erase(std::unique(givers.begin(), givers.end()), givers.end());
    instance_.bytes.push_back(bytes);
    instance_.takers.Add(takers);
    instance_.givers.Add(givers);
  }

  std::span<const KernelId> Readers(int32_t output) const {
    return KernelGraph::Row(compiled_.graph.readers, compiled_.graph.reader_begin, output);
  }
  std::vector<KernelId> ReadersHere(std::span<const KernelId> readers) const {
    std::vector<KernelId> here;
    std::copy_if(readers.begin(), readers.end(), std::back_inserter(here),
                 [&](KernelId reader) { return IsHere(reader); });
    return here;
  }

  // Until the last reader here has ended; what only others read is sent when the kernel ends.
  void AddStorages(KernelId kernel) {
    const int32_t first = compiled_.storage_begin[kernel];
    std::vector<std::vector<int32_t>> givers(compiled_.storage_begin[kernel + 1] - first, {kernel});
    for (int32_t output = compiled_.graph.output_begin[kernel];
         output < compiled_.graph.output_begin[kernel + 1]; ++output) {
      const std::vector<KernelId> here = ReadersHere(Readers(output));
      std::vector<int32_t>& of_storage = givers[compiled_.output_storage[output] - first];
      of_storage.insert(of_storage.end(), here.begin(), here.end());
    }
    for (size_t i = 0; i < givers.size(); ++i) {
      const CompiledKernels::Storage& storage = compiled_.storages[first + i];
      if (storage.is_output) givers[i].clear();
      AddTensor(storage.bytes, {&kernel, 1}, std::move(givers[i]));
    }
  }

  void AddReceived(KernelId kernel) {
    for (int32_t output = compiled_.graph.output_begin[kernel];
         output < compiled_.graph.output_begin[kernel + 1]; ++output) {
      std::vector<KernelId> here = ReadersHere(Readers(output));
      if (here.empty()) continue;
      AddTensor(compiled_.output_bytes[output], {&kernel, 1}, std::move(here));
    }
  }

  // A parameter from elsewhere comes when its first reader wants it.
  void AddParameters() {
    const std::vector<DeviceId> homes = ParameterHomes(problem_.graph(), plan_);
    for (size_t p = 0; p < homes.size(); ++p) {
      const auto parameter = static_cast<int32_t>(p);
      if (homes[p] == device_) {
        instance_.base_bytes += PersistentBytes(problem_.graph(), parameter);
        continue;
      }
      const std::vector<KernelId> here = ReadersHere(KernelGraph::Row(
          compiled_.graph.parameter_readers, compiled_.graph.parameter_reader_begin, parameter));
      if (here.empty()) continue;
      const PortId port = problem_.graph().first_port(problem_.graph().parameters()[p]);
      AddTensor(problem_.graph().port_bytes(port), here, here);
    }
  }

  // Dependencies, and the order that the other devices keep to.
  void AddEdges(std::span<const KernelId> order) {
    std::vector<KernelId> next(compiled_.num_kernels, kNone);
    std::vector<KernelId> last(problem_.machine().num_devices(), kNone);
    for (KernelId kernel : order) {
      KernelId& before = last[plan_.device[kernel]];
      if (before != kNone && !IsHere(kernel)) next[before] = kernel;
      before = kernel;
    }
    std::vector<int32_t> row;
    for (KernelId kernel = 0; kernel < compiled_.num_kernels; ++kernel) {
      const auto after =
          KernelGraph::Row(compiled_.graph.successors, compiled_.graph.successor_begin, kernel);
      row.assign(after.begin(), after.end());
      if (next[kernel] != kNone) row.push_back(next[kernel]);
      std::sort(row.begin(), row.end());
      row.erase(std::unique(row.begin(), row.end()), row.end());
      instance_.successors.Add(row);
    }
  }

  const Problem& problem_;
  const Plan& plan_;
  const CompiledKernels& compiled_;
  const OpCostModel& costs_;
  const DeviceId device_;
  PeakInstance instance_;
};

// The order again, with items of one instant put so that each comes after what it needs.
absl::StatusOr<std::vector<int32_t>> LegalOrder(const PeakInstance& instance,
                                                std::span<const KernelId> order) {
  const int items = instance.num_items();
  std::vector<int32_t> rank(items), waiting(items);
  for (int32_t i = 0; i < items; ++i) rank[order[i]] = i;
  ReadySet ready;
  ready.Reset(items);
  for (int32_t item = 0; item < items; ++item) {
    waiting[item] = static_cast<int32_t>(instance.predecessors[item].size());
    if (waiting[item] == 0) ready.Insert(rank[item]);
  }
  std::vector<int32_t> legal;
  while (!ready.empty()) {
    legal.push_back(order[ready.PopMin()]);
    for (int32_t next : instance.successors[legal.back()]) {
      if (--waiting[next] == 0) ready.Insert(rank[next]);
    }
  }
  if (static_cast<int>(legal.size()) == items) return legal;
  return absl::InvalidArgumentError(absl::StrCat("peak order: in this order ", items - legal.size(),
                                                 " kernels never get what they need"));
}

}  // namespace

absl::StatusOr<PeakInstance> MakePeakInstance(const Problem& problem, const Plan& plan,
                                              std::span<const KernelId> order, DeviceId device) {
  GOPT_RETURN_IF_ERROR(CheckArguments(problem, plan, order, device));
  const RooflineCostModel costs(problem);
  GOPT_ASSIGN_OR_RETURN(const CompiledKernels compiled,
                        CompiledKernels::Create(problem, plan.kernels, plan.device, costs));
  if (compiled.most_bytes >= kSaturated) {
    return absl::OutOfRangeError("peak order: the tensors add up to 2^62 bytes or more");
  }
  PeakInstance instance = Modeller(problem, plan, compiled, costs, device).Make(order);
  GOPT_ASSIGN_OR_RETURN(instance.program, LegalOrder(instance, order));
  return instance;
}

}  // namespace gopt
