#ifndef TESTS_TESTING_FIND_OP_H_
#define TESTS_TESTING_FIND_OP_H_

#include <string_view>

#include "gopt/graph/graph.h"
#include "gtest/gtest.h"

namespace gopt::testing {

// The op of that name; the test fails if there is none.
inline OpId FindOp(const Graph& graph, std::string_view name) {
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    if (graph.op_name(op) == name) return op;
  }
  ADD_FAILURE() << "no op is named " << name;
  return 0;
}

}  // namespace gopt::testing

#endif  // TESTS_TESTING_FIND_OP_H_
