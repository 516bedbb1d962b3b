// train(): one run, on a thread of its own so that Ctrl-C is heard.
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>
#include <torch/csrc/utils/pybind.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <utility>

#include "gopt/base/status_macros.h"
#include "gopt/rl/process_group.h"
#include "gopt/rl/trainer.h"
#include "python/bindings/bindings.h"
#include "python/bindings/errors.h"
#include "python/bindings/interruptible.h"

namespace py = pybind11;

namespace gopt::python {
namespace {

constexpr char kTrain[] = R"(Trains a policy; see gopt.train for the front door.

Args:
  folder: Where the run is written; empty: nowhere.
  backend: A CostBackend in place of config.backend.
  process_group: torch.distributed.ProcessGroup over which gradients are summed.
  on_line: Called with each line of the log as JSON text, from the training thread.
  cancel: CancelToken that ends the run after a checkpoint.

KeyboardInterrupt ends the run after a checkpoint; its result has stopped "cancelled". An exception
of on_line does so too, and is raised as itself.)";

using Run = InterruptibleRun<TrainingResult>;

void SetProcesses(const py::object& group, TrainerOptions* options) {
  if (group.is_none()) return;
  const auto processes = group.cast<c10::intrusive_ptr<c10d::ProcessGroup>>();
  options->process = processes->getRank();
  options->processes = processes->getSize();
  options->sum = SumOver(processes);
}

std::function<void(std::string_view)> CallOnLine(const py::object& on_line, Run* run) {
  if (on_line.is_none()) return {};
  return [on_line = Handle(on_line), run](std::string_view json) {
    py::gil_scoped_acquire gil;
    if (run->exception() && !run->interrupted()) return;
    try {
      on_line.get()(py::str(json.data(), json.size()));
    } catch (const py::error_already_set& error) {
      run->Fail(error);
    }
  };
}

TrainingResult Train(const TrainingConfig& config, const std::filesystem::path& folder, bool resume,
                     const std::shared_ptr<CostBackend>& backend, const std::string& device,
                     const py::object& process_group, const py::object& on_line,
                     std::shared_ptr<CancelToken> cancel) {
  if (cancel == nullptr) cancel = std::make_shared<CancelToken>();
  Run run(cancel, "training");
  TrainerOptions options;
  options.folder = folder.string();
  options.resume = resume;
  options.backend = backend;
  options.cancel = cancel;
  options.device = device;
  options.on_line = CallOnLine(on_line, &run);
  SetProcesses(process_group, &options);
  absl::StatusOr<TrainingResult> result = run.Run([&]() -> absl::StatusOr<TrainingResult> {
    GOPT_ASSIGN_OR_RETURN(const std::unique_ptr<Trainer> trainer, Trainer::Create(config, options));
    return trainer->Run();
  });
  if (run.exception() && !(result.ok() && run.interrupted())) RaiseAgain(run.exception());
  return Unwrap(std::move(result));
}

}  // namespace

void BindTraining(py::module_& m) {
  py::classh<TrainingResult>(m, "TrainingResult", "What a run gave.")
      .def_property_readonly("policy", [](const TrainingResult& r) { return Unconst(r.policy); })
      .def_readonly("iterations", &TrainingResult::iterations)
      .def_readonly("evaluations", &TrainingResult::evaluations)
      .def_readonly("stopped", &TrainingResult::stopped)
      .def_readonly("ratio_best", &TrainingResult::ratio_best);
  m.def("train", &Train, py::arg("config"), py::kw_only(), py::arg("folder") = "",
        py::arg("resume") = false, py::arg("backend") = py::none(), py::arg("device") = "cpu",
        py::arg("process_group") = py::none(), py::arg("on_line") = py::none(),
        py::arg("cancel") = py::none(), kTrain);
}

}  // namespace gopt::python
