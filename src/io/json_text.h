#ifndef GOPT_SRC_IO_JSON_TEXT_H_
#define GOPT_SRC_IO_JSON_TEXT_H_

#include <string>

#include <nlohmann/json.hpp>

namespace gopt {

// Fields in the order they were added, without white space; malformed UTF-8 is replaced.
inline std::string ToJsonText(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

// Writes a list item by item, a line each, so that a large one never stands in memory as a tree.
class JsonList {
 public:
  explicit JsonList(std::string* out) : out_(out) { out_->append("["); }
  void Add(const nlohmann::ordered_json& item) {
    out_->append(empty_ ? "\n" : ",\n").append(ToJsonText(item));
    empty_ = false;
  }
  void Finish() { out_->append("\n]"); }

 private:
  std::string* const out_;
  bool empty_ = true;
};

}  // namespace gopt

#endif  // GOPT_SRC_IO_JSON_TEXT_H_
