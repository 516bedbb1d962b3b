#include "gopt/base/spec.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gopt/base/utf8.h"

namespace gopt {
namespace {

constexpr size_t kMaxSpecBytes = 1 << 16;

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.' || c == '+';
}

// Cuts `text` at commas outside parentheses. Positions are within `text`.
struct Piece {
  size_t begin;
  std::string_view text;
};

std::string_view Trim(std::string_view text) {
  while (!text.empty() && absl::ascii_isspace(text.front())) text.remove_prefix(1);
  while (!text.empty() && absl::ascii_isspace(text.back())) text.remove_suffix(1);
  return text;
}

absl::Status Fault(std::string_view text, size_t column, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("spec '", Printable(text, 200), "', column ",
                                                 column + 1, ": ", std::string(what)));
}

absl::StatusOr<std::vector<Piece>> SplitAtCommas(std::string_view text) {
  std::vector<Piece> pieces;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c == '(') ++depth;
    if (c == ')' && --depth < 0) return Fault(text, i, "')' without '('");
    if (c == ',' && depth == 0) {
      pieces.push_back({begin, text.substr(begin, i - begin)});
      begin = i + 1;
    }
  }
  if (depth != 0) return Fault(text, text.size(), "expected ')'");
  return pieces;
}

absl::StatusOr<Spec> ParseOne(std::string_view whole, std::string_view text) {
  const size_t offset = static_cast<size_t>(text.data() - whole.data());
  text = Trim(text);
  const size_t start = text.empty() ? offset : static_cast<size_t>(text.data() - whole.data());
  size_t end = 0;
  while (end < text.size() && IsNameCharacter(text[end])) ++end;
  if (end == 0) return Fault(whole, start, "expected a name");
  Spec spec;
  spec.name = std::string(text.substr(0, end));
  std::string_view rest = Trim(text.substr(end));
  if (rest.empty()) return spec;
  if (rest.front() != '(') return Fault(whole, start + end, "expected '(' or the end");
  if (rest.back() != ')') return Fault(whole, start + text.size(), "expected ')' at the end");
  const std::string_view inside = rest.substr(1, rest.size() - 2);
  if (Trim(inside).empty()) return spec;
  absl::StatusOr<std::vector<Piece>> pieces = SplitAtCommas(inside);
  if (!pieces.ok()) return Fault(whole, start + end, "parentheses do not match");
  for (const Piece& piece : *pieces) {
    const size_t column = static_cast<size_t>(piece.text.data() - whole.data());
    const size_t equals = piece.text.find('=');
    if (equals == std::string_view::npos) return Fault(whole, column, "expected key=value");
    const std::string key(Trim(piece.text.substr(0, equals)));
    const std::string value(Trim(piece.text.substr(equals + 1)));
    if (key.empty() || value.empty()) return Fault(whole, column, "expected key=value");
    for (char c : key) {
      if (!IsNameCharacter(c)) return Fault(whole, column, "expected a key of letters and digits");
    }
    for (const auto& [known, unused] : spec.arguments) {
      if (known == key) return Fault(whole, column, absl::StrCat("key '", key, "' appears twice"));
    }
    spec.arguments.emplace_back(key, value);
  }
  return spec;
}

}  // namespace

absl::StatusOr<Spec> Spec::Parse(std::string_view text) {
  if (text.size() > kMaxSpecBytes) return absl::InvalidArgumentError("spec: longer than 64 KiB");
  return ParseOne(text, text);
}

absl::StatusOr<std::vector<Spec>> Spec::ParseList(std::string_view text) {
  if (text.size() > kMaxSpecBytes) return absl::InvalidArgumentError("spec: longer than 64 KiB");
  absl::StatusOr<std::vector<Piece>> pieces = SplitAtCommas(text);
  if (!pieces.ok()) return pieces.status();
  std::vector<Spec> specs;
  for (const Piece& piece : *pieces) {
    absl::StatusOr<Spec> spec = ParseOne(text, piece.text);
    if (!spec.ok()) return spec.status();
    specs.push_back(*std::move(spec));
  }
  return specs;
}

std::string Spec::ToString() const {
  if (arguments.empty()) return name;
  return absl::StrCat(name, "(", absl::StrJoin(arguments, ",", absl::PairFormatter("=")), ")");
}

SpecReader::SpecReader(const Spec& spec) : spec_(spec), used_(spec.arguments.size(), false) {}

const std::string* SpecReader::Find(std::string_view key) {
  // Parts of one options struct may share a key.
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  for (size_t i = 0; i < spec_.arguments.size(); ++i) {
    if (spec_.arguments[i].first == key) {
      used_[i] = true;
      return &spec_.arguments[i].second;
    }
  }
  return nullptr;
}

void SpecReader::Expect(std::string_view key, const std::string& value, std::string_view type) {
  if (!status_.ok()) return;
  status_ = absl::InvalidArgumentError(absl::StrCat(spec_.name, ": ", std::string(key), "='", value,
                                                    "' is not ", std::string(type)));
}

void SpecReader::Read(std::string_view key, bool* value) {
  const std::string* text = Find(key);
  if (text != nullptr && !absl::SimpleAtob(*text, value)) Expect(key, *text, "true or false");
}

void SpecReader::Read(std::string_view key, int* value) {
  const std::string* text = Find(key);
  if (text != nullptr && !absl::SimpleAtoi(*text, value)) Expect(key, *text, "a 32-bit integer");
}

void SpecReader::Read(std::string_view key, int64_t* value) {
  const std::string* text = Find(key);
  if (text != nullptr && !absl::SimpleAtoi(*text, value)) Expect(key, *text, "a 64-bit integer");
}

void SpecReader::Read(std::string_view key, double* value) {
  const std::string* text = Find(key);
  if (text == nullptr) return;
  double parsed = 0.0;
  if (!absl::SimpleAtod(*text, &parsed) || !std::isfinite(parsed)) {
    return Expect(key, *text, "a finite number");
  }
  *value = parsed;
}

void SpecReader::Read(std::string_view key, std::string* value) {
  const std::string* text = Find(key);
  if (text != nullptr) *value = *text;
}

absl::Status SpecReader::Finish() const {
  if (!status_.ok()) return status_;
  for (size_t i = 0; i < used_.size(); ++i) {
    if (used_[i]) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(spec_.name, ": unknown key '", spec_.arguments[i].first,
                     "'; known: ", known_.empty() ? "none" : absl::StrJoin(known_, ", ")));
  }
  return absl::OkStatus();
}

}  // namespace gopt
