#ifndef GOPT_SRC_IO_DEVICE_COLOR_H_
#define GOPT_SRC_IO_DEVICE_COLOR_H_

#include <iterator>
#include <string_view>

#include "gopt/base/types.h"

namespace gopt {

// The same device has the same colour in every picture. Light enough for black text; repeats after
// twelve devices. (ColorBrewer's Set3.)
inline std::string_view DeviceColor(DeviceId device) {
  static constexpr std::string_view kColors[] = {"#8dd3c7", "#fdb462", "#bebada", "#b3de69",
                                                 "#80b1d3", "#fb8072", "#fccde5", "#ffed6f",
                                                 "#d9d9d9", "#ccebc5", "#bc80bd", "#ffffb3"};
  return kColors[static_cast<size_t>(device) % std::size(kColors)];
}

}  // namespace gopt

#endif  // GOPT_SRC_IO_DEVICE_COLOR_H_
