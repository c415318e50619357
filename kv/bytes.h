// Views of bytes. A view never owns and is never stored past the call unless a comment says whose memory it is.
#pragma once

#include <string_view>

namespace lora {
using ByteView = std::string_view;  // any bytes, not only text
}  // namespace lora
