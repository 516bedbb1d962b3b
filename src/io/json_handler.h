#ifndef GOPT_SRC_IO_JSON_HANDLER_H_
#define GOPT_SRC_IO_JSON_HANDLER_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/utf8.h"

namespace gopt {

// What readers of JSON share: texts are read token by token, so that memory is that of the result,
// and the first fault ends the parse.
class JsonHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  const absl::Status& status() const { return status_; }

  bool binary(binary_t&) override { return Reject("the text holds bytes"); }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::json::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    std::string_view what = error.what();
    if (const size_t close = what.find("] "); close != std::string_view::npos) {
      what.remove_prefix(close + 2);
    }
    return Reject(absl::StrCat("byte ", position, ": ", Printable(what, 300)));
  }

 protected:
  static constexpr int kMaxDepth = 64;

  // False: the parse stops.
  bool Reject(std::string message) {
    status_ = absl::InvalidArgumentError(std::move(message));
    return false;
  }

 private:
  absl::Status status_;
};

}  // namespace gopt

#endif  // GOPT_SRC_IO_JSON_HANDLER_H_
