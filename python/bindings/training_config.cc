// gopt.TrainingConfig and its parts.
#include "gopt/training/config.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/io/training_file.h"
#include "python/bindings/bindings.h"
#include "python/bindings/errors.h"
#include "python/bindings/fields.h"
#include "src/io/file_bytes.h"

namespace py = pybind11;

namespace gopt::python {

void SetFields(const py::object& object, const py::dict& values) {
  const std::string type = py::str(py::type::handle_of(object).attr("__name__"));
  for (const auto& [key, value] : values) {
    const std::string name = py::str(key);
    if (name.starts_with("_") || !py::hasattr(object, name.c_str())) {
      throw StatusError(
          absl::InvalidArgumentError(absl::StrCat(type, " has no field '", name, "'")));
    }
    const py::object present = object.attr(name.c_str());
    if (py::isinstance<py::dict>(value) && py::hasattr(present, "update")) {
      SetFields(present, py::reinterpret_borrow<py::dict>(value));
      continue;
    }
    try {
      py::setattr(object, name.c_str(), value);
    } catch (py::error_already_set& error) {
      if (!error.matches(PyExc_TypeError) && !error.matches(PyExc_AttributeError)) throw;
      throw StatusError(absl::InvalidArgumentError(absl::StrCat(
          type, ".", name, ": ", std::string(py::str(py::repr(value))), " is no value for it")));
    }
  }
}

namespace {

constexpr char kTrainingConfig[] = R"(What a policy is made of and how it is trained.

TrainingConfig(problem=[("txl2", "p100x2")], iterations=200, ppo={"learning_rate": 3e-4}): fields by
name, those of a part as a dict or through the part: config.ppo.learning_rate = 3e-4. str() is the
text form (docs/formats/training.md); docs/training.md says what the fields are for.)";

TrainingProblem ProblemFromPython(const py::handle& value) {
  if (py::isinstance<TrainingProblem>(value)) return value.cast<TrainingProblem>();
  const bool pair = py::isinstance<py::tuple>(value) || py::isinstance<py::list>(value);
  const size_t length = pair ? py::len(value) : 0;
  if (length != 2 && length != 3) {
    throw StatusError(absl::InvalidArgumentError(
        absl::StrCat("a problem is (graph, machine) or (graph, machine, constraints), not ",
                     std::string(py::str(py::repr(value))))));
  }
  const auto texts = value.cast<std::vector<std::string>>();
  return {texts[0], texts[1], length == 3 ? texts[2] : std::string()};
}

std::vector<TrainingProblem> ProblemsFromPython(const py::iterable& values) {
  std::vector<TrainingProblem> problems;
  for (const py::handle value : values) problems.push_back(ProblemFromPython(value));
  return problems;
}

template <typename T>
py::classh<T> BindPart(py::module_& m, const char* name, const char* doc) {
  return py::classh<T>(m, name, doc)
      .def(py::init([](const py::kwargs& fields) {
             auto part = std::make_shared<T>();
             SetFields(py::cast(part), fields);
             return part;
           }),
           "Fields by name; the others have their defaults.")
      .def(
          "update",
          [](const py::object& self, const py::kwargs& fields) { SetFields(self, fields); },
          "Sets fields by name. InvalidArgumentError names one that there is not.");
}

void BindNetwork(py::module_& m) {
  auto part = BindPart<NetworkOptions>(m, "NetworkOptions", "Layers, widths and the decoder.");
  part.def_readwrite("width", &NetworkOptions::width)
      .def_readwrite("encoder_layers", &NetworkOptions::encoder_layers)
      .def_readwrite("edge_features", &NetworkOptions::edge_features)
      .def_readwrite("attention_layers", &NetworkOptions::attention_layers)
      .def_readwrite("attention_heads", &NetworkOptions::attention_heads)
      .def_readwrite("segment", &NetworkOptions::segment)
      .def_readwrite("recurrence", &NetworkOptions::recurrence)
      .def_readwrite("rounds", &NetworkOptions::rounds)
      .def_readwrite("state_width", &NetworkOptions::state_width)
      .def_readwrite("task_attention", &NetworkOptions::task_attention)
      .def_readwrite("head_width", &NetworkOptions::head_width)
      .def_readwrite("fusion_levels", &NetworkOptions::fusion_levels)
      .def_readwrite("priority_levels", &NetworkOptions::priority_levels)
      .def_readwrite("residual_logit", &NetworkOptions::residual_logit)
      .def_readwrite("priority_scale", &NetworkOptions::priority_scale)
      .def_readwrite("stickiness_base", &NetworkOptions::stickiness_base)
      .def_readwrite("stickiness_scale", &NetworkOptions::stickiness_scale)
      .def_readwrite("fusion_scale", &NetworkOptions::fusion_scale)
      .def_readwrite("value", &NetworkOptions::value)
      .def_readwrite("seed", &NetworkOptions::seed);
  DefWord(part, "modulation", &NetworkOptions::modulation,
          {Modulation::kNone, Modulation::kGraph, Modulation::kNode}, "none, graph or node.");
  DefWord(part, "conditioning", &NetworkOptions::conditioning,
          {Conditioning::kNone, Conditioning::kOutputs, Conditioning::kActions},
          "none, outputs or actions.");
  DefWord(part, "decoder", &NetworkOptions::decoder, {DecoderKind::kList, DecoderKind::kDirect},
          "list or direct.");
}

void BindExploration(py::module_& m) {
  BindPart<ExplorationOptions>(m, "ExplorationOptions", "How actions are drawn.")
      .def_readwrite("shared", &ExplorationOptions::shared)
      .def_readwrite("rank", &ExplorationOptions::rank)
      .def_readwrite("priority_sigma", &ExplorationOptions::priority_sigma)
      .def_readwrite("stickiness_sigma", &ExplorationOptions::stickiness_sigma)
      .def_readwrite("fusion_sigma", &ExplorationOptions::fusion_sigma)
      .def_readwrite("sparse_share", &ExplorationOptions::sparse_share)
      .def_readwrite("sparse_sigma", &ExplorationOptions::sparse_sigma)
      .def_readwrite("head_probability", &ExplorationOptions::head_probability)
      .def_readwrite("antithetic", &ExplorationOptions::antithetic);
}

void BindReward(py::module_& m) {
  auto part = BindPart<RewardOptions>(m, "RewardOptions", "From a step time to a number.");
  part.def_readwrite("infeasible", &RewardOptions::infeasible)
      .def_readwrite("graded", &RewardOptions::graded);
  DefWord(part, "kind", &RewardOptions::kind,
          {RewardOptions::Kind::kSqrt, RewardOptions::Kind::kLog}, "sqrt or log.");
}

void BindPpo(py::module_& m) {
  auto part = BindPart<PpoOptions>(m, "PpoOptions", "The learning rule.");
  part.def_readwrite("samples", &PpoOptions::samples)
      .def_readwrite("epochs", &PpoOptions::epochs)
      .def_readwrite("minibatches", &PpoOptions::minibatches)
      .def_readwrite("clip", &PpoOptions::clip)
      .def_readwrite("log_ratio_limit", &PpoOptions::log_ratio_limit)
      .def_readwrite("target_kl", &PpoOptions::target_kl)
      .def_readwrite("normalize_advantage", &PpoOptions::normalize_advantage)
      .def_readwrite("advantage_limit", &PpoOptions::advantage_limit)
      .def_readwrite("value_coefficient", &PpoOptions::value_coefficient)
      .def_readwrite("entropy_coefficient", &PpoOptions::entropy_coefficient)
      .def_readwrite("entropy_coefficient_end", &PpoOptions::entropy_coefficient_end)
      .def_readwrite("output_l2", &PpoOptions::output_l2)
      .def_readwrite("self_imitation", &PpoOptions::self_imitation)
      .def_readwrite("learning_rate", &PpoOptions::learning_rate)
      .def_readwrite("learning_rate_end", &PpoOptions::learning_rate_end)
      .def_readwrite("max_gradient_norm", &PpoOptions::max_gradient_norm);
  DefWord(part, "baseline", &PpoOptions::baseline,
          {Baseline::kNone, Baseline::kLeaveOneOut, Baseline::kValue},
          "none, leave_one_out or value.");
}

// Immutable, so that changing what the tuple `config.problem` holds cannot be lost in silence.
void BindProblem(py::module_& m) {
  py::classh<TrainingProblem>(m, "TrainingProblem", "One problem to train or to evaluate on.")
      .def(py::init([](std::string graph, std::string machine, std::string constraints) {
             return TrainingProblem{std::move(graph), std::move(machine), std::move(constraints)};
           }),
           py::arg("graph"), py::arg("machine"), py::arg("constraints") = "")
      .def_readonly("graph", &TrainingProblem::graph,
                    "A file, a stored workload or a spec of a generated graph.")
      .def_readonly("machine", &TrainingProblem::machine, "A preset or a file.")
      .def_readonly("constraints", &TrainingProblem::constraints, "A file; empty: none.")
      .def("__repr__", [](const TrainingProblem& p) {
        return absl::StrCat("<gopt.TrainingProblem '", p.graph, "' on '", p.machine, "'>");
      });
}

template <std::vector<TrainingProblem> TrainingConfig::*kMember>
void DefProblems(py::classh<TrainingConfig>& config, const char* name, const char* doc) {
  config.def_property(
      name, [](const TrainingConfig& c) { return py::tuple(py::cast(c.*kMember)); },
      [](TrainingConfig& c, const py::iterable& values) {
        c.*kMember = ProblemsFromPython(values);
      },
      doc);
}

void BindConfigFields(py::classh<TrainingConfig>& config) {
  config.def_readwrite("name", &TrainingConfig::name)
      .def_readwrite("fusion", &TrainingConfig::fusion)
      .def_readwrite("placement", &TrainingConfig::placement)
      .def_readwrite("scheduling", &TrainingConfig::scheduling)
      .def_readwrite("backend", &TrainingConfig::backend, "Spec of a cost backend.")
      .def_readwrite("network", &TrainingConfig::network)
      .def_readwrite("exploration", &TrainingConfig::exploration)
      .def_readwrite("reward", &TrainingConfig::reward)
      .def_readwrite("ppo", &TrainingConfig::ppo)
      .def_readwrite("iterations", &TrainingConfig::iterations)
      .def_readwrite("batch", &TrainingConfig::batch, "Problems per iteration.")
      .def_readwrite("curriculum", &TrainingConfig::curriculum, "Small graphs first.")
      .def_readwrite("seed", &TrainingConfig::seed)
      .def_readwrite("threads", &TrainingConfig::threads)
      .def_readwrite("deterministic", &TrainingConfig::deterministic,
                     "Equal to the bit on any number of threads.")
      .def_readwrite("checkpoint_minutes", &TrainingConfig::checkpoint_minutes)
      .def_readwrite("evaluate_every", &TrainingConfig::evaluate_every,
                     "Iterations; 0: at the end only.")
      .def_readwrite("patience", &TrainingConfig::patience,
                     "Iterations without a better evaluation that end the run; 0: off.")
      .def_readwrite("init", &TrainingConfig::init, "A policy's file to start from; empty: none.");
  DefProblems<&TrainingConfig::problem>(
      config, "problem",
      "Tuple of TrainingProblems; set it to these or to (graph, machine[, constraints]).");
  DefProblems<&TrainingConfig::evaluation>(config, "evaluation",
                                           "As problem; these are never trained on.");
}

void BindConfigText(py::classh<TrainingConfig>& config) {
  config
      .def(
          "text", [](const TrainingConfig& c) { return ToText(c); }, "Every field, as text.")
      .def("__str__", [](const TrainingConfig& c) { return ToText(c); })
      .def("__repr__", [](const TrainingConfig& c) { return ToText(c); })
      .def(
          "__eq__",
          [](const TrainingConfig& a, const TrainingConfig& b) { return ToText(a) == ToText(b); },
          py::is_operator())
      .def_static(
          "from_text",
          [](const std::string& text, const std::string& source) {
            return Unwrap(TrainingConfigFromText(text, source));
          },
          py::arg("text"), py::arg("source") = "<text>",
          "InvalidArgumentError names line and column, or the field and the rule.")
      .def_static(
          "load",
          [](const std::filesystem::path& path) {
            return Unwrap(ReadTrainingConfigFile(path.string()));
          },
          py::arg("path"), WithoutGil(), "As from_text, from a file; NotFoundError.")
      .def(
          "save",
          [](const TrainingConfig& c, const std::filesystem::path& path) {
            ThrowIfError(WriteFileAtomically(path.string(), ToText(c)));
          },
          py::arg("path"), WithoutGil(), "Writes the text form.");
}

}  // namespace

void BindTrainingConfig(py::module_& m) {
  BindProblem(m);
  BindNetwork(m);
  BindExploration(m);
  BindReward(m);
  BindPpo(m);
  auto config = BindPart<TrainingConfig>(m, "TrainingConfig", kTrainingConfig);
  BindConfigFields(config);
  BindConfigText(config);
  config
      .def(
          "set",
          [](TrainingConfig& c, const std::string& setting) {
            ThrowIfError(ApplySetting(&c, setting));
          },
          py::arg("setting"),
          "\"ppo.learning_rate=3e-4\", \"problem[0].machine=p100x4\": one field, as on the command "
          "line. InvalidArgumentError says what there is like it; nothing is changed then.")
      .def(
          "check", [](const TrainingConfig& c) { ThrowIfError(CheckTrainingConfig(c)); },
          "InvalidArgumentError names the field and the rule that is broken.")
      .def("copy", [](const TrainingConfig& c) { return TrainingConfig(c); })
      .def("__copy__", [](const TrainingConfig& c) { return TrainingConfig(c); })
      .def(
          "__deepcopy__",
          [](const TrainingConfig& c, const py::dict&) { return TrainingConfig(c); },
          py::arg("memo"));
}

}  // namespace gopt::python
