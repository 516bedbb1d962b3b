#include "src/features/scopes.h"

#include <algorithm>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "src/features/fnv.h"
#include "src/features/string_ids.h"

namespace gopt {
namespace {

// A number at the end of a part of a path: the 3 of "layers.3.norm" or of "layer3.norm".
struct Number {
  size_t begin = 0, end = 0;  // In the path; begin == end: there is none.
  int64_t value = 0;

  bool exists() const { return end > begin; }
};

// The numbers after one prefix.
struct Numbers {
  int64_t smallest = 0, largest = 0;
};

struct Path {
  std::string_view text;
  size_t first_part_end = 0;
  int parts = 0;
  Number outer, inner;  // inner only if there are two.

  std::string_view Prefix(const Number& number) const { return text.substr(0, number.begin); }
};

bool IsSeparator(char c) { return c == '.' || c == '/'; }

Number NumberAtEnd(std::string_view text, size_t part_begin, size_t part_end) {
  constexpr size_t kMaxDigits = 9;
  Number number{part_end, part_end, 0};
  while (number.begin > part_begin && part_end - number.begin < kMaxDigits &&
         absl::ascii_isdigit(static_cast<unsigned char>(text[number.begin - 1]))) {
    --number.begin;
  }
  for (size_t i = number.begin; i < part_end; ++i) number.value = number.value * 10 + text[i] - '0';
  return number;
}

Path ParsePath(std::string_view text) {
  Path path{.text = text, .first_part_end = text.size()};
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = begin;
    while (end < text.size() && !IsSeparator(text[end])) ++end;
    if (path.parts++ == 0) path.first_part_end = end;
    const Number number = NumberAtEnd(text, begin, end);
    if (number.exists()) (path.outer.exists() ? path.inner : path.outer) = number;
    begin = end + 1;
  }
  return path;
}

using NumbersByPrefix = absl::flat_hash_map<std::string_view, Numbers>;

void Collect(const Path& path, const Number& number, NumbersByPrefix* all) {
  if (!number.exists()) return;
  const auto [it, added] =
      all->try_emplace(path.Prefix(number), Numbers{number.value, number.value});
  it->second.smallest = std::min(it->second.smallest, number.value);
  it->second.largest = std::max(it->second.largest, number.value);
}

float Place(const Path& path, const Number& number, const NumbersByPrefix& all) {
  if (!number.exists()) return 0.0f;
  const Numbers& numbers = all.at(path.Prefix(number));
  return static_cast<float>(number.value - numbers.smallest + 1) /
         static_cast<float>(numbers.largest - numbers.smallest + 1);
}

std::array<float, 4> Code(const Path& path) {
  const size_t end = path.outer.exists() ? path.outer.end : path.first_part_end;
  uint64_t hash = Fnv1a(path.text.substr(0, end));
  hash ^= hash >> 32;  // FNV's low bits mix less than its high ones.
  hash *= 0x9e3779b97f4a7c15u;
  std::array<float, 4> code;
  for (int i = 0; i < 4; ++i) code[i] = (hash >> (60 + i) & 1) != 0 ? 0.5f : -0.5f;
  return code;
}

std::vector<Scopes::Scope> Judge(const std::vector<Path>& paths) {
  NumbersByPrefix numbers;
  for (const Path& path : paths) {
    Collect(path, path.outer, &numbers);
    Collect(path, path.inner, &numbers);
  }
  std::vector<Scopes::Scope> scopes;
  scopes.reserve(paths.size());
  for (const Path& path : paths) {
    scopes.push_back({.depth = std::min(1.0f, static_cast<float>(path.parts) / 8.0f),
                      .outer = Place(path, path.outer, numbers),
                      .inner = Place(path, path.inner, numbers),
                      .code = Code(path)});
  }
  return scopes;
}

}  // namespace

Scopes MakeScopes(const Graph& graph) {
  Scopes result;
  std::vector<Path> paths;
  absl::flat_hash_map<std::string_view, int32_t> known;
  result.scope =
      IdsOfStrings(graph.columns().strings, graph.columns().op_scope, [&](const std::string& text) {
        const auto [it, added] = known.try_emplace(text, static_cast<int32_t>(paths.size()));
        if (added) paths.push_back(ParsePath(text));
        return it->second;
      });
  result.scopes = Judge(paths);
  result.position.resize(graph.num_ops());
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    result.position[op] = result.scopes[result.scope[op]].ops++;
  }
  return result;
}

}  // namespace gopt
