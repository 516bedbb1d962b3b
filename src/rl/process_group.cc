#include "gopt/rl/process_group.h"

#include <c10/util/Exception.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace gopt {
namespace {

absl::Status Failed(const c10d::ProcessGroup& group, const char* why) {
  return absl::UnavailableError(absl::StrCat("sum over ", group.getSize(), " processes: ", why));
}

}  // namespace

SumOverProcesses SumOver(c10::intrusive_ptr<c10d::ProcessGroup> group) {
  return [group = std::move(group)](at::Tensor tensor) -> absl::Status {
    try {
      std::vector<at::Tensor> tensors = {std::move(tensor)};
      group->allreduce(tensors)->wait();
      return absl::OkStatus();
    } catch (const c10::Error& error) {
      return Failed(*group, error.what_without_backtrace());
    } catch (const std::exception& error) {
      return Failed(*group, error.what());
    }
  };
}

}  // namespace gopt
