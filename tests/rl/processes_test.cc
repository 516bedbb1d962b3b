#include "src/rl/processes.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "gopt/rl/trainer.h"
#include "tests/rl/training_runs.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using testing::LinesOfKind;
using testing::NewFolder;
using testing::SmallTraining;
using testing::Train;
using testing::TrainIn;

// Threads that stand for processes: each waits for the others and sees the sum.
class Together {
 public:
  explicit Together(int count) : count_(count), arrived_(count), read_(count) {}

  SumOverProcesses sum() {
    return [this](at::Tensor tensor) {
      {
        const std::lock_guard lock(mutex_);
        total_ = total_.defined() ? total_ + tensor : tensor.clone();
      }
      arrived_.arrive_and_wait();
      tensor.copy_(total_);
      read_.arrive_and_wait();
      if (left_.fetch_add(1) == count_ - 1) {
        total_ = at::Tensor();
        left_ = 0;
      }
      arrived_.arrive_and_wait();
      return absl::OkStatus();
    };
  }

 private:
  const int count_;
  std::mutex mutex_;
  at::Tensor total_;
  std::atomic<int> left_ = 0;
  std::barrier<> arrived_, read_;
};

void InThreads(int count, const std::function<void(int process, SumOverProcesses sum)>& work) {
  Together together(count);
  std::vector<std::jthread> threads;
  for (int process = 0; process < count; ++process) {
    threads.emplace_back([&, process] {
      at::set_num_threads(1);
      work(process, together.sum());
    });
  }
}

TEST(ProcessesTest, AloneExchangesNothing) {
  const Processes alone(0, 1, {});
  double number = 3.0;
  EXPECT_OK(alone.Sum({&number}));
  EXPECT_OK(alone.Max(&number));
  EXPECT_EQ(number, 3.0);
  EXPECT_THAT(*alone.Gather("mine"), ElementsAre("mine"));
}

TEST(ProcessesTest, SumMaxAndGather) {
  InThreads(3, [](int process, SumOverProcesses sum) {
    const Processes processes(process, 3, sum);
    double a = process, b = 1.0, largest = -5.0 - process;
    EXPECT_OK(processes.Sum({&a, &b}));
    EXPECT_EQ(a, 3.0);
    EXPECT_EQ(b, 3.0);
    EXPECT_OK(processes.Max(&largest));
    EXPECT_EQ(largest, -5.0);
    const std::string own = process == 1 ? std::string() : std::string(process + 1, '\xff');
    const absl::StatusOr<std::vector<std::string>> all = processes.Gather(own);
    ASSERT_OK(all);
    EXPECT_THAT(*all, ElementsAre("\xff", "", "\xff\xff\xff"));
    EXPECT_THAT(*processes.Gather(""), ElementsAre("", "", ""));
  });
}

// Four problems, all in every batch.
TrainingConfig FourProblems(int64_t iterations) {
  TrainingConfig config = SmallTraining(iterations);
  config.problem.push_back({"layered(ops=50,width=5,seed=3)", "p100x2", ""});
  config.problem.push_back({"layered(ops=30,width=4,seed=4)", "p100x2(memory=9MiB)", ""});
  config.batch = 4;
  config.evaluate_every = 2;
  return config;
}

struct Trained {
  std::vector<at::Tensor> weights;
  absl::StatusOr<TrainingResult> result = absl::UnknownError("not run");
};

std::vector<Trained> TrainTogether(int count, const TrainingConfig& config,
                                   const std::string& folder, bool resume = false,
                                   std::shared_ptr<const CancelToken> cancel = nullptr) {
  std::vector<Trained> trained(count);
  InThreads(count, [&](int process, SumOverProcesses sum) {
    TrainerOptions options = {.folder = folder, .resume = resume, .cancel = cancel};
    options.process = process;
    options.processes = count;
    options.sum = std::move(sum);
    const auto trainer = Trainer::Create(config, options);
    ASSERT_OK(trainer);
    trained[process].result = (*trainer)->Run();
    for (const at::Tensor& parameter : (*trainer)->network()->parameters()) {
      trained[process].weights.push_back(parameter.detach().clone());
    }
  });
  return trained;
}

double LargestDifference(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  double largest = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, (a[i] - b[i]).abs().max().item<double>());
  }
  return largest;
}

// The step of two with two problems each is that of one with four, but for rounding. Adam's first
// step is lr x sign(gradient) for all but the smallest gradients, so its size says how near.
TEST(DataParallelTest, AStepIsThatOfOneProcess) {
  TrainingConfig config = FourProblems(1);
  config.ppo.epochs = 1;
  config.evaluate_every = 0;
  const std::string one = NewFolder(), two = NewFolder();
  const std::vector<Trained> alone = TrainTogether(1, config, one);
  const std::vector<Trained> both = TrainTogether(2, config, two);
  ASSERT_OK(both[0].result);
  EXPECT_EQ(LargestDifference(both[0].weights, both[1].weights), 0.0);
  EXPECT_LT(LargestDifference(alone[0].weights, both[0].weights), 0.1 * config.ppo.learning_rate);
  const json a = LinesOfKind(one, "iteration")[0], b = LinesOfKind(two, "iteration")[0];
  for (const char* key : {"evaluations", "reward_best", "infeasible_fraction", "failed_fraction",
                          "problems", "skipped_updates"}) {
    EXPECT_EQ(a[key], b[key]) << key;
  }
  for (const char* key : {"reward_mean", "ratio_mean", "ratio_best", "entropy", "policy_loss",
                          "output_l2", "gradient_norm", "clip_fraction", "approximate_kl"}) {
    EXPECT_NEAR(a[key].get<double>(), b[key].get<double>(), 1e-5) << key;
  }
}

TEST(DataParallelTest, ARunLogsAndFindsWhatOneProcessDoes) {
  const TrainingConfig config = FourProblems(4);
  const std::string one = NewFolder(), two = NewFolder();
  const std::vector<Trained> alone = TrainTogether(1, config, one);
  const std::vector<Trained> both = TrainTogether(2, config, two);
  ASSERT_OK(both[0].result);
  ASSERT_OK(both[1].result);
  EXPECT_EQ(both[0].result->evaluations, alone[0].result->evaluations);
  EXPECT_EQ(both[0].result->ratio_best, both[1].result->ratio_best);
  EXPECT_LT(LargestDifference(alone[0].weights, both[0].weights), 10 * config.ppo.learning_rate);
  json run = LinesOfKind(one, "run")[0], same = LinesOfKind(two, "run")[0];
  EXPECT_EQ(run, same);
  EXPECT_EQ(LinesOfKind(two, "evaluation")[0]["problems"].size(), 4u);
  EXPECT_EQ(LinesOfKind(two, "iteration").size(), 4u);
}

TEST(DataParallelTest, AResumeIsEqualToTheBit) {
  TrainingConfig config = FourProblems(4);
  config.ppo.self_imitation = 0.5;
  const std::string whole = NewFolder(), parts = NewFolder();
  ASSERT_OK(TrainTogether(2, config, whole)[0].result);
  TrainingConfig half = config;
  half.iterations = 2;
  ASSERT_OK(TrainTogether(2, half, parts)[0].result);
  ASSERT_OK(TrainTogether(2, config, parts, true)[0].result);
  testing::ExpectSameRun(whole, parts);
}

TEST(DataParallelTest, CancelEndsAllOfThem) {
  auto cancel = std::make_shared<CancelToken>();
  cancel->Cancel();
  const std::vector<Trained> both = TrainTogether(2, FourProblems(4), NewFolder(), false, cancel);
  for (const Trained& trained : both) {
    ASSERT_OK(trained.result);
    EXPECT_EQ(trained.result->stopped, "cancelled");
  }
}

// One of them is through with its references by then.
TEST(DataParallelTest, CancelBeforeTheEndOfPreparationsEndsAllOfThem) {
  InThreads(2, [](int process, SumOverProcesses sum) {
    auto cancel = std::make_shared<CancelToken>();
    TrainerOptions options = {.cancel = cancel, .process = process, .processes = 2, .sum = sum};
    options.backend = std::make_shared<testing::HookedBackend>([=](const Plan&, CostReport*) {
      if (process == 1) cancel->Cancel();
    });
    const absl::StatusOr<TrainingResult> result = Train(FourProblems(4), options);
    ASSERT_OK(result);
    EXPECT_EQ(result->stopped, "cancelled");
    EXPECT_EQ(result->iterations, 0);
  });
}

TEST(DataParallelTest, EachProcessNeedsAProblem) {
  TrainerOptions options = {.processes = 3, .sum = [](at::Tensor) { return absl::OkStatus(); }};
  EXPECT_THAT(Train(SmallTraining(1), options), IsInvalid("2 problems for 3 processes"));
}

}  // namespace
}  // namespace gopt
