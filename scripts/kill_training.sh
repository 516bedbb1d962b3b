#!/bin/sh
# Kills a training run at random moments and resumes it, many times, and compares the end with that
# of a run left alone: scripts/kill_training.sh [trials=200] [build folder=build/release]
set -eu
cd "$(dirname "$0")/.."
export GOPT_KILL_TRIALS="${1:-200}" OMP_NUM_THREADS=1
exec "${2:-build/release}/bin/rl_tests" --gtest_filter='TrainingStateTest.KilledAtAnyMoment*'
