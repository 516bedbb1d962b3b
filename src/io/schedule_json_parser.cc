#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/utf8.h"
#include "src/io/json_handler.h"
#include "src/io/schedule_json.h"

namespace gopt {
namespace {

constexpr size_t kMaxGroupings = 16;
constexpr size_t kMaxFields = 256;

// Receives the text's tokens. Depth 1 is the object's fields, depth 2 the entries of a field's
// list, depth 3 those of a list in it. The first fault ends the parse.
class Handler : public JsonHandler {
 public:
  Handler(const GraphLimits& limits, ScheduleJson* out) : limits_(limits), out_(*out) {}

  bool Saw(const char* field) const { return fields_.count(field) != 0; }

  bool null() override {
    const bool optional_list = depth_ == 1 && (field_ == "scopes" || field_ == "expert");
    return optional_list || Unexpected("null");
  }
  bool boolean(bool) override { return Unexpected("true or false"); }
  bool number_integer(number_integer_t value) override { return Integer(value); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<uint64_t>(kSaturated)) return Fault("is above 2^62");
    return Integer(static_cast<int64_t>(value));
  }
  bool number_float(number_float_t value, const string_t&) override {
    if (std::floor(value) == value && std::abs(value) < 0x1p53) {
      return Integer(static_cast<int64_t>(value));
    }
    return Real(value);
  }
  bool string(string_t& value) override {
    if (depth_ != 1) return Unexpected("a text");
    if (field_ == "name") return Text(value, &out_.name);
    if (field_ == "set") return Text(value, &out_.set);
    if (field_ == "family") return Text(value, &out_.family);
    return Unexpected("a text");
  }

  bool start_object(size_t) override {
    if (depth_ == 0) return Enter();
    return (!IsKnown() || Unexpected("an object")) && Enter();
  }
  bool end_object() override { return Leave(); }
  bool key(string_t& value) override {
    if (depth_ != 1) return true;
    field_ = value;
    entry_ = -1;
    if (fields_.size() >= kMaxFields) return Fault("is one field too many");
    if (!fields_.insert({value, true}).second) return Fault("is given twice");
    return true;
  }
  bool start_array(size_t) override {
    if (depth_ == 0) {
      field_.clear();
      return Reject("the text is a list, not an object");
    }
    if (!IsKnown()) return Enter();
    if (depth_ == 1 && (HoldsLists() || HoldsNumbers())) {
      entry_ = HoldsLists() ? -1 : 0;
      return Enter();
    }
    if (depth_ == 2 && HoldsLists()) return StartInner();
    return Unexpected("a list");
  }
  bool end_array() override {
    if (depth_ == 3 && field_ == "edges" && inner_.size() != 2) {
      return Fault(absl::StrCat("has ", inner_.size(), " ends, expected 2"));
    }
    if (depth_ == 3 && field_ == "edges") out_.edges.emplace_back(inner_[0], inner_[1]);
    return Leave();
  }

 private:
  // "field 'edges', entry 3 ...".
  bool Fault(const std::string& what) {
    const std::string entry = entry_ < 0 ? "" : absl::StrCat(", entry ", entry_);
    return Reject(absl::StrCat("field '", Printable(field_), "'", entry, " ", what));
  }
  // A value where another type belongs; anything goes in fields that are not ours.
  bool Unexpected(const char* found) {
    if (depth_ == 0) return Reject(absl::StrCat("the text is ", found, ", not an object"));
    if (!IsKnown()) return true;
    if (depth_ == 2 && HoldsLists()) ++entry_;
    return Fault(absl::StrCat("is ", found, ", expected ", Expected()));
  }
  const char* Expected() const {
    if (field_ == "name" || field_ == "set" || field_ == "family") return "a text";
    if (depth_ == 1 && HoldsLists()) return "a list";
    if (field_ == "edges") return depth_ == 3 ? "an op's index" : "a pair of op indices";
    if (field_ == "scopes") return depth_ == 3 ? "a group's number" : "a list of groups";
    if (depth_ == 1 && HoldsNumbers()) return "a list";
    return field_ == "bandwidth_bytes_per_s" ? "a number" : "a whole number";
  }
  bool IsKnown() const {
    static constexpr std::string_view kKnown[] = {
        "name",       "set",     "family", "ops",          "devices",
        "latency_ns", "cost_ns", "edges",  "output_bytes", "bandwidth_bytes_per_s",
        "scopes",     "expert"};
    for (std::string_view known : kKnown) {
      if (field_ == known) return true;
    }
    return IsFigure();
  }
  bool HoldsLists() const { return field_ == "edges" || field_ == "scopes"; }
  bool HoldsNumbers() const {
    return field_ == "cost_ns" || field_ == "output_bytes" || field_ == "expert";
  }
  bool IsFigure() const { return absl::StartsWith(field_, "prototype_"); }

  bool Enter() { return ++depth_ <= kMaxDepth || Reject("lists nest too deep"); }
  bool Leave() {
    --depth_;
    return true;
  }
  bool StartInner() {
    ++entry_;
    inner_.clear();
    if (field_ == "scopes") {
      if (out_.scopes.size() >= kMaxGroupings) return Fault("is one grouping too many");
      out_.scopes.emplace_back();
    } else if (static_cast<int64_t>(out_.edges.size()) >= limits_.max_edges) {
      return Fault(absl::StrCat("exceeds the limit of ", limits_.max_edges, " edges"));
    }
    return Enter();
  }

  bool Text(const std::string& value, std::string* text) {
    if (value.size() > static_cast<size_t>(limits_.max_name_bytes)) return Fault("is too long");
    *text = value;
    return true;
  }

  bool Real(double value) {
    if (depth_ == 1 && field_ == "bandwidth_bytes_per_s") {
      out_.bandwidth_bytes_per_s = value;
      return true;
    }
    if (depth_ == 1 && IsFigure()) {
      out_.figures[field_] = value;
      return true;
    }
    return Unexpected("not whole");
  }

  bool Integer(int64_t value) {
    if (depth_ == 0 || !IsKnown()) return Unexpected("a number");
    if (depth_ == 1) return Scalar(value);
    if (value < 0) return EntryFault(value);
    if (depth_ == 2 && field_ == "cost_ns") return Append(value, kSaturated, &out_.cost_ns);
    if (depth_ == 2 && field_ == "output_bytes") {
      return Append(value, kSaturated, &out_.output_bytes);
    }
    if (depth_ == 2 && field_ == "expert") return Append(value, kMaxIndex, &out_.expert);
    if (depth_ == 3 && field_ == "scopes") {
      if (static_cast<int64_t>(out_.scopes.back().size()) >= limits_.max_ops) return TooManyOps();
      out_.scopes.back().push_back(value);
      return true;
    }
    if (depth_ == 3 && field_ == "edges") {
      if (inner_.size() >= 2) return Fault("has more than 2 ends");
      if (value > kMaxIndex) return EntryFault(value);
      inner_.push_back(value);
      return true;
    }
    return Unexpected("a number");
  }

  bool Scalar(int64_t value) {
    if (field_ == "bandwidth_bytes_per_s" || IsFigure()) return Real(static_cast<double>(value));
    if (field_ != "ops" && field_ != "devices" && field_ != "latency_ns") {
      return Unexpected("a number");
    }
    if (value < 0) return Fault(absl::StrCat("is ", value));
    if (field_ == "ops") out_.ops = value;
    if (field_ == "devices") out_.devices = value;
    if (field_ == "latency_ns") out_.latency_ns = value;
    return true;
  }

  bool Append(int64_t value, int64_t last, std::vector<int64_t>* list) {
    if (value > last) return EntryFault(value);
    if (entry_ >= limits_.max_ops) return TooManyOps();
    list->push_back(value);
    ++entry_;
    return true;
  }
  bool EntryFault(int64_t value) { return Fault(absl::StrCat("is or holds ", value)); }
  bool TooManyOps() {
    return Fault(absl::StrCat("exceeds the limit of ", limits_.max_ops, " ops"));
  }

  static constexpr int64_t kMaxIndex = (int64_t{1} << 31) - 1;

  const GraphLimits& limits_;
  ScheduleJson& out_;
  int depth_ = 0;
  std::string field_;
  int64_t entry_ = -1;
  std::vector<int64_t> inner_;
  std::map<std::string, bool> fields_;
};

}  // namespace

absl::StatusOr<ScheduleJson> ParseScheduleJson(std::string_view text, const GraphLimits& limits) {
  ScheduleJson schedule;
  Handler handler(limits, &schedule);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &handler)) return handler.status();
  for (const char* field :
       {"devices", "bandwidth_bytes_per_s", "latency_ns", "cost_ns", "output_bytes", "edges"}) {
    if (!handler.Saw(field)) {
      return absl::InvalidArgumentError(absl::StrCat("field '", field, "' is missing"));
    }
  }
  return schedule;
}

}  // namespace gopt
