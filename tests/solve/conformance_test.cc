#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gopt/solve/solver.h"
#include "tests/testing/solver_conformance.h"

namespace gopt {
namespace {

std::vector<std::string> RegisteredNames() {
  std::vector<std::string> names;
  for (const auto& [name, summary] : Solvers().NamesAndSummaries()) names.push_back(name);
  return names;
}

class EverySolver : public ::testing::TestWithParam<std::string> {};

TEST_P(EverySolver, Conforms) {
  const auto solver = Solvers().Create(GetParam());
  ASSERT_TRUE(solver.ok()) << solver.status();
  EXPECT_EQ((*solver)->name(), GetParam());
  testing::CheckSolverConforms(**solver);
}

TEST_P(EverySolver, RejectsUnknownOptions) {
  EXPECT_EQ(Solvers().Create(GetParam() + "(no_such_option=1)").status().code(),
            absl::StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Registered, EverySolver, ::testing::ValuesIn(RegisteredNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace gopt
