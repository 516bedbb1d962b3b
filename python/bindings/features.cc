// gopt._gopt.GuidedProblem, RewardScale and problem_features: what a learner that is not gopt's own
// needs of a problem.
#include <ATen/ATen.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <torch/csrc/utils/pybind.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/cost/cost_backend.h"
#include "gopt/features/feature_spec.h"
#include "gopt/plan/validate.h"
#include "gopt/rl/policy_problem.h"
#include "gopt/rl/reward.h"
#include "gopt/solve/guidance.h"
#include "gopt/solve/plan_pool.h"
#include "python/bindings/bindings.h"
#include "python/bindings/errors.h"

namespace py = pybind11;

namespace gopt::python {
namespace {

template <typename T>
using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;
using BackendOrSpec = std::variant<std::string, std::shared_ptr<CostBackend>>;

constexpr char kGuidedProblem[] =
    R"(A problem made ready for a learner: features, the kernels to decide over, a reference plan, and
what guidance is worth. Threads may share it; its calls wait for each other.

Where fusion is open the kernels are the reference plan's.

Raises:
  ResourceExhaustedError: nothing fits in memory.
  FailedPreconditionError: the reference plan does not run, or the constraints contradict each other.
  InvalidArgumentError: an illegal reference plan.)";

constexpr char kFeatures[] = R"(Tensors by name, copies: docs/policy_features.md has their columns.

op_type [ops], node [ops, .], edge [edges, .], edge_source, edge_target [edges], device [devices, .]
describe the graph of ops; op_device, op_start, op_finish [ops] the reference plan. Of the kernels:
member_op, member_kernel, member_share [members] say what each is made of; kernel_edge_source,
kernel_edge_target, kernel_edge_input [kernel edges] which tensors go between them, and which place
of the stickiness each has; kernel_edge [kernel edges, 3] log of transfer over kernel time, whether
the reference has both ends on one device, 1 / sqrt(readers); kernel_time [kernels, devices] ns;
kernel_allowed [kernels, devices] bool; kernel_priority [kernels] the reference's order, in [-1, 0];
kernel_device [kernels] its devices. node_columns, edge_columns, device_columns are lists of names.)";

constexpr char kPrice[] = R"((plan, report): what the guidance means, completed so that it is legal.

priority [kernels]: higher first. stickiness [stickiness_size], for the decoder "list": how much a
reader is drawn to where its input is. device [kernels], for "direct": a device that is not allowed
stands for the nearest that is. Left out: all equal, 0, the lowest allowed.

A plan over a memory limit, or that could not be made legal, is a report with outcome INFEASIBLE; an
exception of the backend one with outcome FAILED.)";

std::shared_ptr<CostBackend> BackendOf(const BackendOrSpec& backend) {
  if (const auto* spec = std::get_if<std::string>(&backend)) {
    return Unconst(Unwrap(CostBackends().Create(*spec)));
  }
  return std::get<std::shared_ptr<CostBackend>>(backend);
}

GuidanceDecoder::Kind DecoderFromName(std::string_view name) {
  if (name == "list") return GuidanceDecoder::Kind::kList;
  if (name == "direct") return GuidanceDecoder::Kind::kDirect;
  throw StatusError(absl::InvalidArgumentError(
      absl::StrCat("no decoder is named '", std::string(name), "'; known: list, direct")));
}

RewardOptions::Kind RewardFromName(std::string_view name) {
  for (const auto kind : {RewardOptions::Kind::kLog, RewardOptions::Kind::kSqrt}) {
    if (name == ToString(kind)) return kind;
  }
  throw StatusError(absl::InvalidArgumentError(
      absl::StrCat("no reward is named '", std::string(name), "'; known: log, sqrt")));
}

template <typename Target, typename T>
std::vector<Target> Values(const std::optional<Array<T>>& array) {
  if (!array.has_value()) return {};
  return std::vector<Target>(array->data(), array->data() + array->size());
}

template <typename T>
at::Tensor Copied(const std::vector<T>& values, at::ScalarType type) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, type);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<T>());
  return tensor;
}

at::Tensor KernelTimes(const TaskGraph& tasks) {
  at::Tensor times = at::empty({tasks.num_tasks(), tasks.num_devices()}, at::kLong);
  auto* row = times.mutable_data_ptr<int64_t>();
  for (KernelId k = 0; k < tasks.num_tasks(); ++k, row += tasks.num_devices()) {
    std::copy(tasks.times(k).begin(), tasks.times(k).end(), row);
  }
  return times;
}

at::Tensor KernelDevices(const TaskGraph& tasks, const Plan& plan) {
  const std::vector<DeviceId> device = DevicesOf(tasks, plan);
  return Copied(std::vector<int64_t>(device.begin(), device.end()), at::kLong);
}

py::dict FeaturesOf(const PolicyProblem& problem) {
  const GraphFeatures& graph = problem.features();
  const KernelSet& kernels = *problem.base_kernels();
  const TaskGraph& tasks = *problem.base_tasks();
  const FeatureSpec& spec = FeatureSpec::Default();
  const at::Tensor allowed = kernels.allowed.defined()
                                 ? kernels.allowed.clone()
                                 : at::ones({tasks.num_tasks(), tasks.num_devices()}, at::kBool);
  py::dict features;
  features["op_type"] = graph.op_type.clone();
  features["node"] = graph.node.clone();
  features["edge_source"] = graph.edge_source.clone();
  features["edge_target"] = graph.edge_target.clone();
  features["edge"] = graph.edge.clone();
  features["device"] = graph.device.clone();
  features["op_device"] = graph.op_device.clone();
  features["op_start"] = graph.op_start.clone();
  features["op_finish"] = graph.op_finish.clone();
  features["member_op"] = kernels.member_op.clone();
  features["member_kernel"] = kernels.member_kernel.clone();
  features["member_share"] = kernels.share.clone();
  features["kernel_edge_source"] = kernels.edge_source.clone();
  features["kernel_edge_target"] = kernels.edge_target.clone();
  features["kernel_edge_input"] = kernels.edge_input.clone();
  features["kernel_edge"] = kernels.edge.clone();
  features["kernel_time"] = KernelTimes(tasks);
  features["kernel_allowed"] = allowed;
  features["kernel_priority"] = Copied(problem.BasePriorities(tasks), at::kDouble);
  features["kernel_device"] = KernelDevices(tasks, problem.reference().plan);
  features["node_columns"] = spec.node_columns;
  features["edge_columns"] = spec.edge_columns;
  features["device_columns"] = spec.device_columns;
  return features;
}

absl::StatusOr<ReferencePlan> PriceReference(const Problem& problem, const CostBackend& backend,
                                             const Plan& plan) {
  if (absl::Status legal = ValidatePlan(problem, plan); !legal.ok()) return legal;
  absl::StatusOr<CostReport> report = Price(
      backend, problem, plan, {.start_order = true, .timeline = true, .critical_chain = true});
  if (!report.ok()) return std::move(report).status();
  if (!report->ok()) {
    return absl::FailedPreconditionError(absl::StrCat("the reference plan: ", report->reason));
  }
  return ReferencePlan{.plan = plan, .report = *std::move(report), .solver = plan.producer};
}

class GuidedProblem {
 public:
  // Called without the GIL.
  static std::shared_ptr<GuidedProblem> Create(const Problem& problem,
                                               std::shared_ptr<const CostBackend> backend,
                                               const Plan* reference_plan,
                                               const std::string& solver) {
    auto made = std::make_shared<GuidedProblem>();
    ReferencePlan reference =
        Unwrap(reference_plan != nullptr ? PriceReference(problem, *backend, *reference_plan)
                                         : PolicyProblem::FindReference(problem, *backend, solver));
    made->pool_ = Unwrap(PlanPool::Create(problem, std::move(backend)));
    made->problem_ =
        Unwrap(PolicyProblem::Create(problem, std::move(reference), made->pool_->costs()));
    return made;
  }

  // The rest with the GIL, which is released before the lock is waited for.
  py::tuple Price(const std::optional<Array<double>>& priority,
                  const std::optional<Array<float>>& stickiness,
                  const std::optional<Array<int64_t>>& device, std::string_view decoder) {
    PlanCandidate candidate = {problem_->base_tasks(), GuidanceFrom(priority, stickiness, device),
                               DecoderFromName(decoder)};
    PricedPlan priced;
    {
      py::gil_scoped_release no_gil;
      const std::lock_guard<std::mutex> lock(mutex_);
      ThrowIfError(pool_->Price(std::span<const PlanCandidate>(&candidate, 1), {&priced, 1}));
    }
    return py::make_tuple(std::move(priced.plan), std::move(priced.report));
  }

  Plan Decode(const std::optional<Array<double>>& priority,
              const std::optional<Array<float>>& stickiness,
              const std::optional<Array<int64_t>>& device, std::string_view decoder) {
    const Guidance guidance = GuidanceFrom(priority, stickiness, device);
    const GuidanceDecoder::Kind kind = DecoderFromName(decoder);
    py::gil_scoped_release no_gil;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!decoder_.has_value() || decoder_->kind() != kind) {
      decoder_.emplace(problem_->base_tasks(), kind);
    }
    Plan plan;
    ThrowIfError(decoder_->Decode(guidance, &plan));
    return plan;
  }

  const PolicyProblem& problem() const { return *problem_; }
  int64_t StickinessSize() const {
    return static_cast<int64_t>(problem_->base_tasks()->kernel_graph().inputs.size());
  }

 private:
  static Guidance GuidanceFrom(const std::optional<Array<double>>& priority,
                               const std::optional<Array<float>>& stickiness,
                               const std::optional<Array<int64_t>>& device) {
    return {.priority = Values<double>(priority),
            .stickiness = Values<float>(stickiness),
            .device = Values<DeviceId>(device)};
  }

  std::shared_ptr<const PolicyProblem> problem_;
  std::mutex mutex_;  // Of the two below.
  std::unique_ptr<PlanPool> pool_;
  std::optional<GuidanceDecoder> decoder_;  // Of the kind that was asked for last.
};

std::shared_ptr<GuidedProblem> MakeGuidedProblem(const Problem& problem,
                                                 const BackendOrSpec& backend,
                                                 const Plan* reference_plan,
                                                 const std::string& solver) {
  std::shared_ptr<const CostBackend> prices = BackendOf(backend);
  py::gil_scoped_release no_gil;
  return GuidedProblem::Create(problem, std::move(prices), reference_plan, solver);
}

int64_t TotalMemory(const Problem& problem) {
  int64_t bytes = 0;
  for (DeviceId d = 0; d < problem.machine().num_devices(); ++d) {
    const int64_t limit = problem.memory_limit(d);
    if (__builtin_add_overflow(bytes, limit, &bytes)) return std::numeric_limits<int64_t>::max();
  }
  return bytes;
}

RewardScale MakeRewardScale(const GuidedProblem& guided, std::string_view kind, double infeasible,
                            bool graded) {
  const RewardOptions options = {
      .kind = RewardFromName(kind), .infeasible = infeasible, .graded = graded};
  const PolicyProblem& problem = guided.problem();
  return RewardScale(options, problem.reference_time(), TotalMemory(problem.problem()));
}

void BindGuidedProblem(py::module_& m) {
  py::classh<GuidedProblem>(m, "GuidedProblem", kGuidedProblem)
      .def(py::init(&MakeGuidedProblem), py::arg("problem"), py::arg("backend") = "simulator",
           py::kw_only(), py::arg("reference_plan") = nullptr,
           py::arg("solver") = "portfolio(search=false)",
           "backend: a spec or an object. solver: who makes the reference plan where none is "
           "given.")
      .def_property_readonly(
          "kernels",
          [](const GuidedProblem& g) { return Unconst(g.problem().base_tasks()->kernels()); })
      .def_property_readonly("stickiness_size", &GuidedProblem::StickinessSize,
                             "Entries of the stickiness: tensors that kernels read.")
      .def_property_readonly("reference",
                             [](const GuidedProblem& g) { return g.problem().reference().plan; })
      .def_property_readonly("reference_report",
                             [](const GuidedProblem& g) { return g.problem().reference().report; })
      .def_property_readonly("reference_solver",
                             [](const GuidedProblem& g) { return g.problem().reference().solver; })
      .def(
          "features", [](const GuidedProblem& g) { return FeaturesOf(g.problem()); }, kFeatures)
      .def("decode", &GuidedProblem::Decode, py::arg("priority") = py::none(),
           py::arg("stickiness") = py::none(), py::arg("device") = py::none(),
           py::arg("decoder") = "list",
           "The plan that price() prices, before it is completed: it may break rules on pairs of "
           "devices.")
      .def("price", &GuidedProblem::Price, py::arg("priority") = py::none(),
           py::arg("stickiness") = py::none(), py::arg("device") = py::none(),
           py::arg("decoder") = "list", kPrice);
}

}  // namespace

void BindFeatures(py::module_& m) {
  BindGuidedProblem(m);

  py::classh<RewardScale>(m, "RewardScale",
                          "Rewards of one problem's plans, as gopt's own training has them.")
      .def(
          py::init(&MakeRewardScale), py::arg("problem"), py::kw_only(), py::arg("kind") = "log",
          py::arg("infeasible") = RewardOptions{}.infeasible,
          py::arg("graded") = RewardOptions{}.graded,
          "kind: log or sqrt, of step time over the reference's. graded: plans over a memory limit "
          "are told apart by the bytes over it, below the worst feasible one so far.")
      .def(
          "reward",
          [](RewardScale& scale, const CostReport& report) {
            return scale.Rewards({&report, 1}).front();
          },
          py::arg("report"), "None of a FAILED report, which says nothing of the plan.")
      .def_property("worst_feasible", &RewardScale::worst_feasible,
                    &RewardScale::set_worst_feasible);

  m.def(
      "problem_features",
      [](const Problem& problem, const Plan* reference_plan, const BackendOrSpec& backend) {
        return FeaturesOf(
            MakeGuidedProblem(problem, backend, reference_plan, "portfolio(search=false)")
                ->problem());
      },
      py::arg("problem"), py::arg("reference_plan") = nullptr, py::arg("backend") = "simulator",
      "GuidedProblem(problem, backend, reference_plan=reference_plan).features().");
}

}  // namespace gopt::python
