#ifndef GOPT_SRC_RL_MODEL_CARD_H_
#define GOPT_SRC_RL_MODEL_CARD_H_

#include <string>

#include "gopt/training/config.h"
#include "src/rl/training_lines.h"
#include "src/rl/training_state.h"

namespace gopt {

// Markdown: what the policy is, what it was trained on, what it did there, what it is not for.
std::string ModelCard(const TrainingConfig& config, const TrainingState& state,
                      const Problems& train, const Problems& evaluation);

}  // namespace gopt

#endif  // GOPT_SRC_RL_MODEL_CARD_H_
