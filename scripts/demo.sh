#!/usr/bin/env bash
# From a PyTorch training step to a better plan: captures two models, shows the machine, compares
# solvers, saves the best plan and a report to open in a browser. Everything lands in out/.
#
#   scripts/demo.sh            MACHINE=p100x4 SECONDS_PER_MODEL=20 by default
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
export PATH="$PWD/.venv/bin:$PATH" OMP_NUM_THREADS=1
machine="${MACHINE:-p100x4}"
seconds="${SECONDS_PER_MODEL:-20}"
solvers=single_device,random,expert_paper,expert,metis,heft,list,hill_climb,anneal,evolve,brkga,portfolio
mkdir -p out

run() {
  printf '\n\033[1m$ %s\033[0m\n' "$*"
  "$@"
}

for model in gpt inception32; do
  run gopt capture "$model" -o "out/$model.gopt"
  run gopt info "out/$model.gopt" --machine "$machine"
  run gopt compare "out/$model.gopt" --machine "$machine" --solvers "$solvers" \
    --evaluations 2000 --seed 1 --json "out/$model.json"
  run gopt optimize "out/$model.gopt" --machine "$machine" --seconds "$seconds" --seed 1 \
    -o "out/$model.plan.txtpb" --report "out/$model.html"
done

printf '\nOpen these in a browser:\n'
ls "$PWD"/out/*.html
