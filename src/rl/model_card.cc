#include "src/rl/model_card.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gopt/base/version.h"

namespace gopt {
namespace {

std::string_view Yes(bool value) { return value ? "yes" : "no"; }

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

void AddProblems(const Problems& problems, bool with_best, std::string* card) {
  absl::StrAppend(card, "| graph | machine | ops | reference, ms | ",
                  with_best ? "best found |" : "", "\n|---|---|---:|---:|",
                  with_best ? "---:|" : "", "\n");
  for (const auto& problem : problems) {
    if (problem == nullptr) continue;
    const PolicyProblem& ready = *problem->problem();
    absl::StrAppend(card, "| ", problem->named().graph, " | ", problem->named().machine, " | ",
                    ready.problem().graph().kernel_ops().size(), " | ",
                    absl::StrFormat("%.4g", ready.reference_time() * 1e-6), " (",
                    ready.reference().solver, ") |");
    if (with_best) {
      absl::StrAppend(
          card, " ",
          problem->best().step_time == 0
              ? std::string("none")
              : absl::StrFormat("%.3f of the reference",
                                RatioOf(problem->best().step_time, ready.reference_time())),
          " |");
    }
    absl::StrAppend(card, "\n");
  }
}

}  // namespace

std::string ModelCard(const TrainingConfig& config, const TrainingState& state,
                      const Problems& train, const Problems& evaluation) {
  std::string card = absl::StrCat("# ", config.name, "\n\n");
  absl::StrAppend(&card, "A policy for gopt ", View(Version()), ": decoder ",
                  View(ToString(config.network.decoder)),
                  "; decides fusion: ", View(Yes(config.fusion)),
                  ", placement: ", View(Yes(config.placement)),
                  ", scheduling: ", View(Yes(config.scheduling)), ".\n\n");
  absl::StrAppend(&card, "Trained by PPO for ", state.iteration, " iterations, ", state.evaluations,
                  " plans priced by ", config.backend, ", seed ", config.seed, ".\n\n");
  if (state.best_evaluation > 0) {
    absl::StrAppend(&card, "The weights are those of iteration ", state.best_iteration,
                    ", where the best of 16 samples took ",
                    absl::StrFormat("%.3f", state.best_evaluation),
                    " of the reference's time (geometric mean over the ",
                    evaluation.empty() ? "training" : "evaluation", " problems).\n\n");
  }
  absl::StrAppend(&card, "## Trained on\n\n");
  AddProblems(train, true, &card);
  if (!evaluation.empty()) {
    absl::StrAppend(&card, "\n## Evaluated on, never trained on\n\n");
    AddProblems(evaluation, false, &card);
  }
  absl::StrAppend(
      &card,
      "\nThe reference is the best plan of the classical portfolio without search. Times "
      "are the cost backend's, not measurements. On other graphs and machines "
      "nothing is promised: compare with the classical solvers there.\n");
  return card;
}

}  // namespace gopt
