#ifndef GOPT_SRC_IO_JSON_PATH_H_
#define GOPT_SRC_IO_JSON_PATH_H_

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/types.h"
#include "gopt/base/utf8.h"
#include "src/io/json_handler.h"

namespace gopt {

// A JSON handler that knows where in the text it is: "nodes[3].size".
class JsonPathHandler : public JsonHandler {
 public:
  bool null() final { return Value({.kind = Scalar::kNull}); }
  bool boolean(bool value) final {
    return Value({.kind = Scalar::kBool, .number = value ? 1.0 : 0.0});
  }
  bool number_integer(number_integer_t value) final { return Number(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) final { return Number(static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t&) final { return Number(value); }
  bool string(string_t& value) final { return Value({.kind = Scalar::kText, .text = &value}); }

  bool start_object(size_t) final { return Enter(/*is_list=*/false); }
  bool key(string_t& value) final {
    path_.back().key = value;
    return true;
  }
  bool end_object() final { return Leave(); }
  bool start_array(size_t) final { return Enter(/*is_list=*/true); }
  bool end_array() final { return Leave(); }

 protected:
  struct Scalar {
    enum Kind { kNull, kBool, kNumber, kText };
    Kind kind;
    double number = 0.0;  // Of kBool: 0 or 1.
    const std::string* text = nullptr;

    bool is_number() const { return kind == kNumber || kind == kBool; }
  };
  struct Level {
    bool is_list;
    int64_t index;    // Of the entry at hand, in a list.
    std::string key;  // Of the field at hand, in an object.
  };

  // What a reader does with a value at path(), and when an object or list that was entered is about
  // to be left. False stops the parse; call Fault() to say why.
  virtual bool OnScalar(const Scalar& value) = 0;
  virtual bool OnEnter(bool is_list) { return true; }
  virtual bool OnLeave() { return true; }

  const std::vector<Level>& path() const { return path_; }
  // A field of the outermost object, or of entry `index` of a list there.
  bool IsField(std::string_view list, size_t depth) const {
    return path_.size() == depth && path_[0].key == list;
  }

  bool Fault(const std::string& what) { return Reject(absl::StrCat(Where(), " ", what)); }

 private:
  std::string Where() const {
    std::string where;
    for (const Level& level : path_) {
      if (level.is_list) {
        absl::StrAppend(&where, "[", level.index, "]");
      } else {
        absl::StrAppend(&where, where.empty() ? "" : ".", Printable(level.key));
      }
    }
    return where.empty() ? "the text" : where;
  }
  bool Number(double value) { return Value({.kind = Scalar::kNumber, .number = value}); }
  bool Value(const Scalar& value) {
    Step();
    return OnScalar(value);
  }
  void Step() {
    if (!path_.empty() && path_.back().is_list) ++path_.back().index;
  }
  bool Enter(bool is_list) {
    Step();
    if (static_cast<int>(path_.size()) >= kMaxDepth) return Reject("lists nest too deep");
    if (!OnEnter(is_list)) return false;
    path_.push_back({is_list, -1, {}});
    return true;
  }
  bool Leave() {
    if (!OnLeave()) return false;
    path_.pop_back();
    return true;
  }

  std::vector<Level> path_;
};

}  // namespace gopt

#endif  // GOPT_SRC_IO_JSON_PATH_H_
