// The few lines of the protobuf wire format that the loader needs. Linking
// protobuf itself into a program beside TensorFlow's own copy crashes, so the
// messages are read and written by hand.
//
// Format: https://protobuf.dev/programming-guides/encoding/
#ifndef FASTSIM_ZOO_PROTOBUF_HPP_
#define FASTSIM_ZOO_PROTOBUF_HPP_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fastsim_zoo/error.hpp"

namespace fastsim_zoo::internal {

// One field of a message. A length-delimited field (string, bytes, message)
// fills `bytes`, a varint fills `varint`; fixed-width numbers are skipped over.
struct Field {
  std::uint64_t number = 0;
  std::uint64_t varint = 0;
  std::string_view bytes;
};

// Walks the fields of one serialised message. The bytes must outlive the
// reader and the fields it returns.
class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) : rest_(bytes) {}

  // Returns the next field, or nothing at the end of the message.
  std::optional<Field> Next() {
    if (rest_.empty()) return std::nullopt;
    constexpr std::uint64_t kVarint = 0;
    constexpr std::uint64_t kFixed64 = 1;
    constexpr std::uint64_t kLengthDelimited = 2;
    constexpr std::uint64_t kFixed32 = 5;
    const std::uint64_t tag = ReadVarint();
    Field field;
    field.number = tag >> 3;
    switch (tag & 7) {
      case kVarint:
        field.varint = ReadVarint();
        break;
      case kFixed64:
        Take(8);
        break;
      case kLengthDelimited:
        field.bytes = Take(ReadVarint());
        break;
      case kFixed32:
        Take(4);
        break;
      default:
        throw Error("malformed protobuf message: wire type " +
                    std::to_string(tag & 7));
    }
    return field;
  }

 private:
  std::uint64_t ReadVarint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(Take(1).front());
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    throw Error("malformed protobuf message: a varint of more than 10 bytes");
  }

  std::string_view Take(std::uint64_t size) {
    if (size > rest_.size()) {
      throw Error("malformed protobuf message: " + std::to_string(size) +
                  " bytes announced, " + std::to_string(rest_.size()) +
                  " left");
    }
    const std::string_view taken =
        rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_;
};

inline void AppendVarint(std::uint64_t value, std::string& message) {
  for (; value >= 0x80U; value >>= 7) {
    message.push_back(static_cast<char>((value & 0x7fU) | 0x80U));
  }
  message.push_back(static_cast<char>(value));
}

inline void AppendVarintField(std::uint64_t number, std::uint64_t value,
                              std::string& message) {
  AppendVarint(number << 3, message);
  AppendVarint(value, message);
}

}  // namespace fastsim_zoo::internal

#endif  // FASTSIM_ZOO_PROTOBUF_HPP_
