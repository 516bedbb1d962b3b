#include "src/graph/fingerprint.h"

#include <bit>
#include <string_view>
#include <type_traits>
#include <vector>

namespace gopt {
namespace {

// Multiply-and-fold mixing over 64-bit words, the same on every platform.
class Hasher {
 public:
  void Add(uint64_t word) {
    const unsigned __int128 product =
        static_cast<unsigned __int128>(state_ ^ word) * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du;
    state_ = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
    state_ += 0xd1b54a32d192ed03u;
  }

  void AddText(std::string_view text) {
    Add(text.size());
    uint64_t word = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      word = (word << 8) | static_cast<unsigned char>(text[i]);
      if (i % 8 == 7) Add(word);
    }
    Add(word);
  }

  template <typename T>
  void AddColumn(const std::vector<T>& column) {
    Add(column.size());
    for (const T& value : column) {
      if constexpr (std::is_same_v<T, double>) {
        Add(std::bit_cast<uint64_t>(value + 0.0));  // -0 and 0 are the same number.
      } else {
        Add(static_cast<uint64_t>(value));
      }
    }
  }

  uint64_t state() const { return state_; }

 private:
  uint64_t state_ = 0x676f70742d763031u;  // "gopt-v01"
};

}  // namespace

uint64_t Fingerprint(const GraphColumns& columns) {
  Hasher hasher;
  std::vector<uint64_t> text_hash(columns.strings.size(), 0);
  for (uint32_t type : columns.op_type) {
    if (text_hash[type] == 0) {
      Hasher text;
      text.AddText(columns.strings[type]);
      text_hash[type] = text.state() | 1;
    }
    hasher.Add(text_hash[type]);
  }
  hasher.AddColumn(columns.op_kind);
  hasher.AddColumn(columns.op_phase);
  hasher.AddColumn(columns.op_fusion_class);
  hasher.AddColumn(columns.op_forward_twin);
  hasher.AddColumn(columns.op_colocation);
  hasher.AddColumn(columns.op_flops);
  hasher.AddColumn(columns.op_bytes_read);
  hasher.AddColumn(columns.op_bytes_written);
  hasher.AddColumn(columns.op_scratch_bytes);
  hasher.AddColumn(columns.op_side_effect);
  hasher.AddColumn(columns.op_num_operands);
  hasher.AddColumn(columns.op_num_controls);
  hasher.AddColumn(columns.op_num_ports);
  hasher.AddColumn(columns.operand_port);
  hasher.AddColumn(columns.control_op);
  hasher.AddColumn(columns.port_storage);
  hasher.AddColumn(columns.port_bytes);
  hasher.AddColumn(columns.port_dtype);
  hasher.AddColumn(columns.port_rank);
  hasher.AddColumn(columns.port_dims);
  hasher.AddColumn(columns.port_persistent);
  hasher.AddColumn(columns.port_optimizer_copies);
  hasher.AddColumn(columns.storage_bytes);
  for (const CostTable& table : columns.costs) {
    hasher.AddText(table.source == "roofline" ? "roofline" : "");
    hasher.AddText(table.device_kind);
    hasher.AddColumn(table.duration);
  }
  return hasher.state();
}

}  // namespace gopt
