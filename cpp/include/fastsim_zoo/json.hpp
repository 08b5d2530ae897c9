// A strict reader of JSON (RFC 8259), for the signature.json beside a model.
// It takes what the standard takes and no more: no comments, no trailing
// commas, no NaN, no key twice.
#ifndef FASTSIM_ZOO_JSON_HPP_
#define FASTSIM_ZOO_JSON_HPP_

#include <cstddef>
#include <cstdint>
#include <locale>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fastsim_zoo/error.hpp"

namespace fastsim_zoo::internal {

// A value of any kind. `items` are the elements of an array, or the values of
// an object, whose keys are `keys`.
struct JsonValue {
  enum class Kind { kNull, kBoolean, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  double number = 0;
  std::string text;
  std::vector<std::string> keys;
  std::vector<JsonValue> items;
};

// Throws Error with the number of the line on which the text is wrong.
class JsonReader {
 public:
  // `where` begins the error's text.
  JsonReader(std::string_view text, std::string where)
      : text_(text), where_(std::move(where)) {
    numbers_.imbue(std::locale::classic());
  }

  // Reads the whole text, which must be one value.
  JsonValue Read() {
    JsonValue value = ReadValue(0);
    SkipSpace();
    if (position_ != text_.size()) Fail("text after the end");
    return value;
  }

 private:
  // What no signature reaches; it bounds the recursion.
  static constexpr int kDeepest = 64;

  [[noreturn]] void Fail(const std::string& what) const {
    std::size_t line = 1;
    for (const char character : text_.substr(0, position_)) {
      if (character == '\n') ++line;
    }
    throw Error(where_ + ", line " + std::to_string(line) + ": " + what);
  }

  bool AtEnd() const { return position_ == text_.size(); }
  char Peek() const { return AtEnd() ? '\0' : text_[position_]; }

  void SkipSpace() {
    while (!AtEnd() && std::string_view(" \t\r\n").find(Peek()) !=
                           std::string_view::npos) {
      ++position_;
    }
  }

  bool Take(std::string_view word) {
    if (text_.substr(position_, word.size()) != word) return false;
    position_ += word.size();
    return true;
  }

  void Require(std::string_view word) {
    if (!Take(word)) Fail("'" + std::string(word) + "' is missing");
  }

  JsonValue ReadValue(int depth) {
    if (depth > kDeepest) {
      Fail("nested more than " + std::to_string(kDeepest) + " deep");
    }
    SkipSpace();
    if (AtEnd()) Fail("the text ends where a value must be");
    JsonValue value;
    switch (Peek()) {
      case '{':
        ReadObject(depth, value);
        break;
      case '[':
        ReadArray(depth, value);
        break;
      case '"':
        value.kind = JsonValue::Kind::kString;
        value.text = ReadString();
        break;
      default:
        ReadScalar(value);
    }
    return value;
  }

  void ReadScalar(JsonValue& value) {
    if (Take("null")) return;
    value.boolean = Peek() == 't';
    if (Take("true") || Take("false")) {
      value.kind = JsonValue::Kind::kBoolean;
      return;
    }
    value.kind = JsonValue::Kind::kNumber;
    value.number = ReadNumber();
  }

  // Calls `read` for each element up to the bracket `close`.
  template <typename ReadOne>
  void ReadElements(char close, const ReadOne& read) {
    ++position_;
    SkipSpace();
    if (Peek() == close) {
      ++position_;
      return;
    }
    while (true) {
      read();
      SkipSpace();
      if (Peek() == close) break;
      if (!Take(",")) {
        Fail(std::string("neither ',' nor '") + close + "' after a value");
      }
    }
    ++position_;
  }

  void ReadArray(int depth, JsonValue& value) {
    value.kind = JsonValue::Kind::kArray;
    ReadElements(']', [&] { value.items.push_back(ReadValue(depth + 1)); });
  }

  void ReadObject(int depth, JsonValue& value) {
    value.kind = JsonValue::Kind::kObject;
    ReadElements('}', [&] {
      SkipSpace();
      if (Peek() != '"') Fail("a key must be a string");
      std::string key = ReadString();
      for (const std::string& earlier : value.keys) {
        if (earlier == key) Fail("the key '" + key + "' is there twice");
      }
      SkipSpace();
      Require(":");
      value.keys.push_back(std::move(key));
      value.items.push_back(ReadValue(depth + 1));
    });
  }

  bool TakeDigits() {
    const std::size_t first = position_;
    while (Peek() >= '0' && Peek() <= '9') ++position_;
    return position_ != first;
  }

  double ReadNumber() {
    const std::size_t first = position_;
    Take("-");
    bool valid = Take("0") || TakeDigits();
    if (Take(".")) valid = TakeDigits() && valid;
    if (Take("e") || Take("E")) {
      if (!Take("+")) Take("-");
      valid = TakeDigits() && valid;
    }
    if (!valid) {
      position_ = first;
      Fail("neither a value nor a number of JSON");
    }
    // Not strtod, which reads "1.5" as 1 where a program's locale has commas.
    double number = 0;
    numbers_.clear();
    numbers_.str(std::string(text_.substr(first, position_ - first)));
    if (!(numbers_ >> number)) Fail("a number out of range");
    return number;
  }

  std::uint32_t ReadHex() {
    std::uint32_t value = 0;
    for (int digit = 0; digit < 4; ++digit, ++position_) {
      const std::size_t found =
          std::string_view("0123456789abcdefABCDEF").find(Peek());
      if (AtEnd() || found == std::string_view::npos) {
        Fail("\\u lacks four hexadecimal digits");
      }
      value = 16 * value +
              static_cast<std::uint32_t>(found < 16 ? found : found - 6);
    }
    return value;
  }

  // Appends the character of a \u escape as UTF-8; those beyond the first 65536
  // are written as two escapes.
  void AppendEscape(std::string& text) {
    std::uint32_t code = ReadHex();
    if (code >= 0xD800 && code <= 0xDFFF) {
      std::uint32_t low = 0;
      if (code < 0xDC00 && Take("\\u")) low = ReadHex();
      if (low < 0xDC00 || low > 0xDFFF) Fail("half of a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (code < 0x80) {
      text += static_cast<char>(code);
      return;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    const std::uint32_t heads[] = {0xC0, 0xE0, 0xF0};
    text += static_cast<char>(heads[more - 1] | (code >> (6 * more)));
    for (int rest = more - 1; rest >= 0; --rest) {
      text += static_cast<char>(0x80 | ((code >> (6 * rest)) & 0x3F));
    }
  }

  std::string ReadString() {
    std::string text;
    ++position_;
    while (true) {
      if (AtEnd()) Fail("a string does not end");
      const char character = text_[position_];
      if (static_cast<unsigned char>(character) < 0x20) {
        Fail("a control character inside a string");
      }
      ++position_;
      if (character == '"') return text;
      if (character != '\\') {
        text += character;
        continue;
      }
      const char escape = Peek();
      const std::size_t found = std::string_view("\"\\/bfnrtu").find(escape);
      if (AtEnd() || found == std::string_view::npos) Fail("unknown escape");
      ++position_;
      if (escape == 'u') {
        AppendEscape(text);
      } else {
        text += "\"\\/\b\f\n\r\t"[found];
      }
    }
  }

  std::string_view text_;
  std::string where_;
  std::size_t position_ = 0;
  std::istringstream numbers_;
};

inline JsonValue ReadJson(std::string_view text, const std::string& where) {
  return JsonReader(text, where).Read();
}

}  // namespace fastsim_zoo::internal

#endif  // FASTSIM_ZOO_JSON_HPP_
