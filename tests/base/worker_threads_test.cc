#include "gopt/base/worker_threads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace gopt {
namespace {

using ::testing::HasSubstr;

TEST(WorkerThreadsTest, RunsEachItemOnce) {
  for (int size : {-3, 1, 2, 4}) {
    WorkerThreads threads(size);
    EXPECT_EQ(threads.size(), std::max(1, size));
    for (int64_t count : {0, 1, 2, 3, 1000}) {
      std::vector<std::atomic<int>> runs(count);
      const auto work = [&](int64_t i, int) {
        ++runs[i];
        return absl::OkStatus();
      };
      ASSERT_TRUE(threads.ParallelFor(count, work).ok());
      for (const auto& each : runs) ASSERT_EQ(each, 1);
    }
  }
}

TEST(WorkerThreadsTest, OneThreadIsTheCaller) {
  WorkerThreads threads(1);
  const auto caller = std::this_thread::get_id();
  std::vector<int64_t> order;
  const auto work = [&](int64_t i, int worker) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(worker, 0);
    order.push_back(i);
    return absl::OkStatus();
  };
  ASSERT_TRUE(threads.ParallelFor(4, work).ok());
  EXPECT_THAT(order, ::testing::ElementsAre(0, 1, 2, 3));
}

// Every item waits until all have begun: only as many threads as items can end this.
TEST(WorkerThreadsTest, AllThreadsWorkAtOnce) {
  WorkerThreads threads(3);
  for (int round = 0; round < 3; ++round) {
    std::atomic<int> begun = 0;
    std::mutex mutex;
    std::set<int> workers;
    const auto work = [&](int64_t, int worker) {
      {
        const std::lock_guard<std::mutex> lock(mutex);
        workers.insert(worker);
      }
      ++begun;
      while (begun < 3) std::this_thread::yield();
      return absl::OkStatus();
    };
    ASSERT_TRUE(threads.ParallelFor(3, work).ok());
    EXPECT_THAT(workers, ::testing::ElementsAre(0, 1, 2));
  }
}

TEST(WorkerThreadsTest, NoWorkerIsTwoThreads) {
  WorkerThreads threads(4);
  std::vector<int> counts(threads.size(), 0);  // Unguarded on purpose.
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        EXPECT_TRUE(threads
                        .ParallelFor(50,
                                     [&](int64_t, int worker) {
                                       ++counts[worker];
                                       return absl::OkStatus();
                                     })
                        .ok());
      }
    });
  }
  for (std::thread& each : callers) each.join();
  int total = 0;
  for (int each : counts) total += each;
  EXPECT_EQ(total, 3 * 20 * 50);
}

TEST(WorkerThreadsTest, ReturnsTheErrorOfTheLowestItem) {
  for (int size : {1, 2, 4}) {
    WorkerThreads threads(size);
    for (int round = 0; round < 50; ++round) {
      const absl::Status status = threads.ParallelFor(100, [&](int64_t i, int) {
        if (i == 20) std::this_thread::yield();
        return i < 20 ? absl::OkStatus() : absl::DataLossError(std::to_string(i));
      });
      EXPECT_EQ(status, absl::DataLossError("20"));
    }
  }
}

TEST(WorkerThreadsTest, AnErrorEndsTheRest) {
  WorkerThreads threads(1);
  int64_t runs = 0;
  const auto work = [&](int64_t i, int) {
    ++runs;
    return i == 2 ? absl::DataLossError("") : absl::OkStatus();
  };
  EXPECT_FALSE(threads.ParallelFor(1000, work).ok());
  EXPECT_EQ(runs, 3);
}

TEST(WorkerThreadsTest, WhatIsThrownIsAStatus) {
  WorkerThreads threads(2);
  const absl::Status thrown =
      threads.ParallelFor(9, [](int64_t, int) -> absl::Status { throw std::runtime_error("no"); });
  EXPECT_EQ(thrown, absl::UnknownError("item 0 threw: no"));
  const absl::Status odd = threads.ParallelFor(9, [](int64_t, int) -> absl::Status { throw 7; });
  EXPECT_THAT(odd.message(), HasSubstr("no std::exception"));
  EXPECT_TRUE(threads.ParallelFor(9, [](int64_t, int) { return absl::OkStatus(); }).ok());
}

TEST(WorkerThreadsTest, WorkWithinWorkStaysOnItsThread) {
  WorkerThreads threads(2);
  std::atomic<int> inner = 0;
  const auto work = [&](int64_t, int worker) {
    const auto here = std::this_thread::get_id();
    return threads.ParallelFor(5, [&, here, worker](int64_t, int inner_worker) {
      EXPECT_EQ(std::this_thread::get_id(), here);
      EXPECT_EQ(inner_worker, worker);
      ++inner;
      return absl::OkStatus();
    });
  };
  ASSERT_TRUE(threads.ParallelFor(4, work).ok());
  EXPECT_EQ(inner, 20);
}

TEST(WorkerThreadsTest, AForkedProcessWorksAlone) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer does not follow forks of threads";
#endif
  auto threads = std::make_unique<WorkerThreads>(3);
  const auto sum = [&] {
    std::atomic<int64_t> total = 0;
    const auto work = [&](int64_t i, int) {
      total += i;
      return absl::OkStatus();
    };
    return threads->ParallelFor(10, work).ok() ? total.load() : -1;
  };
  ASSERT_EQ(sum(), 45);
  const pid_t child = fork();
  if (child == 0) {
    const bool right = sum() == 45;
    threads.reset();
    _exit(right ? 0 : 1);
  }
  int state = 0;
  ASSERT_EQ(waitpid(child, &state, 0), child);
  EXPECT_TRUE(WIFEXITED(state) && WEXITSTATUS(state) == 0);
  EXPECT_EQ(sum(), 45);
}

}  // namespace
}  // namespace gopt
