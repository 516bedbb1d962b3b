#ifndef GOPT_SRC_WORKLOADS_TIMED_OPS_H_
#define GOPT_SRC_WORKLOADS_TIMED_OPS_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/random.h"
#include "gopt/graph/graph.h"
#include "gopt/workloads/synthetic.h"
#include "src/workloads/graph_writer.h"

namespace gopt {

absl::Status CheckTimeOptions(std::string_view family, const TimeOptions& options);

// Ops that differ in times and bytes only, both drawn when all of them are there.
class TimedOps {
 public:
  explicit TimedOps(std::string name) : writer_(std::move(name)) {}

  // An op with one port, whose id is the op's.
  OpId Add(std::string name, std::string_view scope, std::span<const OpId> operands) {
    const OpId op = writer_.AddOp(
        {.name = std::move(name), .type = "op", .scope = std::string(scope)}, operands);
    writer_.AddPort(0);
    return op;
  }
  int num_ops() const { return writer_.num_ops(); }

  absl::StatusOr<std::shared_ptr<const Graph>> Finish(const TimeOptions& options) &&;

 private:
  std::vector<Nanoseconds> DrawTimes(const TimeOptions& options, Random& random);
  void DrawBytes(const TimeOptions& options, double work, Random& random);

  GraphWriter writer_;
};

}  // namespace gopt

#endif  // GOPT_SRC_WORKLOADS_TIMED_OPS_H_
