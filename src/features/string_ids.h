#ifndef GOPT_FEATURES_STRING_IDS_H_
#define GOPT_FEATURES_STRING_IDS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace gopt {

// Calls new_id(text) once per entry of a graph's string table that the column uses, in order of
// first use, and gives the answer for each op. new_id should give equal answers for equal texts:
// the table may hold a text twice.
template <typename NewId>
std::vector<int32_t> IdsOfStrings(const std::vector<std::string>& strings,
                                  const std::vector<uint32_t>& column, NewId new_id) {
  std::vector<int32_t> id_of_string(strings.size(), -1);
  std::vector<int32_t> ids(column.size());
  for (size_t op = 0; op < column.size(); ++op) {
    int32_t& id = id_of_string[column[op]];
    if (id < 0) id = new_id(strings[column[op]]);
    ids[op] = id;
  }
  return ids;
}

}  // namespace gopt

#endif  // GOPT_FEATURES_STRING_IDS_H_
