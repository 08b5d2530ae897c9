// Reading signature.json: what is right, and what is refused.
#include "fastsim_zoo/description.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "fastsim_zoo/json.hpp"
#include "small_detector.hpp"

namespace {

using fastsim_zoo::Description;
using fastsim_zoo::internal::JsonValue;
using fastsim_zoo::internal::ParseDescription;
using fastsim_zoo::internal::ReadJson;

void TestValues() {
  const JsonValue value = ReadJson(
      " {\"a\" : [ -0.5e+2, 0, 1E1, true, false, null, [], {} ],\r\n\t"
      "\"\\u00e9\\ud83d\\ude00\\n\\\\\" : \"\xc3\xa9\\/\"}",
      "text");
  Check(value.keys == std::vector<std::string>{
                          "a", "\xc3\xa9\xf0\x9f\x98\x80\n\\"},
        "keys with escapes");
  Check(value.items[1].text == "\xc3\xa9/", "a string");
  const std::vector<JsonValue>& items = value.items[0].items;
  Check(items.size() == 8, "eight items");
  Check(items[0].number == -50 && items[1].number == 0 &&
            items[2].number == 10,
        "numbers");
  Check(items[3].boolean && !items[4].boolean, "booleans");
  Check(items[5].kind == JsonValue::Kind::kNull &&
            items[6].kind == JsonValue::Kind::kArray &&
            items[7].kind == JsonValue::Kind::kObject,
        "kinds");
}

void TestMalformed() {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "line 1: the text ends where a value must be"},
      {"[1,\n2", "line 2: neither ',' nor ']' after a value"},
      {"[1 2]", "neither ',' nor ']'"},
      {"{\"a\": 1 \"b\"", "neither ',' nor '}'"},
      {"[1,]", "neither a value nor a number of JSON"},
      {"{\"a\": 1,}", "a key must be a string"},
      {"{a: 1}", "a key must be a string"},
      {"{\"a\" 1}", "':' is missing"},
      {"{\"a\": 1,\n\"a\": 2}", "line 2: the key 'a' is there twice"},
      {"[1] 2", "text after the end"},
      {"[1]\n//", "line 2: text after the end"},
      {"NaN", "neither a value nor a number of JSON"},
      {"-Infinity", "neither a value nor a number of JSON"},
      {"+1", "neither a value nor a number of JSON"},
      {"01", "text after the end"},
      {".5", "neither a value nor a number of JSON"},
      {"1.", "neither a value nor a number of JSON"},
      {"1e", "neither a value nor a number of JSON"},
      {"0x10", "text after the end"},
      {"1e999", "a number out of range"},
      {"\"a", "a string does not end"},
      {"\"a\nb\"", "a control character inside a string"},
      {"\"\\x\"", "unknown escape"},
      {"\"\\", "unknown escape"},
      {"\"\\u12g4\"", "four hexadecimal digits"},
      {"\"\\u12", "four hexadecimal digits"},
      {"\"\\ud800x\"", "half of a surrogate pair"},
      {"\"\\udc00\"", "half of a surrogate pair"},
      {"'a'", "neither a value nor a number of JSON"},
      {"nul", "neither a value nor a number of JSON"},
      {std::string(100000, '['), "nested more than 64 deep"},
      {std::string("[1\0]", 4), "neither ',' nor ']'"},
  };
  for (const auto& [text, words] : cases) {
    const std::string& read = text;
    CheckThrows([&] { ReadJson(read, "text"); }, words);
  }
}

void TestDescription() {
  const Description small = ParseDescription(SmallSignature(), "small");
  Check(small.detector == "small" && small.response_unit == "MeV", "texts");
  Check(small.condition_names.size() == 5 &&
            small.condition_names[3] == "impact_x_cm" &&
            small.condition_units[0] == "GeV",
        "conditions");
  Check(small.response_shape == std::vector<std::int64_t>{4, 5}, "shape");
  Check(small.domain.size() == 5 && small.domain[0].high == 100.001 &&
            small.domain[2].name == "angle_yz_deg",
        "domain");
  Check(small.cells == std::vector<bool>(20, true) &&
            small.dead_cells == std::vector<bool>(20, false),
        "cells");
  Check(small.positions_cm.size() == 20 &&
            small.positions_cm[6] == std::array<float, 3>{-1, -2, 20},
        "positions, row-major");
}

void TestWrongDescriptions() {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"\"detector\"", "'detector' is missing"},
      {"\"conditions\"", "'conditions' is missing"},
      {"\"name\"", "'name' is missing"},
      {"\"high\"", "'high' is missing"},
      {"\"positions_cm\"", "'positions_cm' is missing"},
  };
  for (const auto& [key, words] : cases) {
    const std::string text = Replaced(SmallSignature(), key, "\"other\"");
    CheckThrows([&] { ParseDescription(text, "small"); },
                "small: " + words + "; export the model again");
  }
  const std::vector<std::vector<std::string>> changes{
      {"\"small\"", "3", "'detector' must be a string, not a number"},
      {"\"low\": 1", "\"low\": null", "'low' must be a number, not null"},
      {"[4, 5]", "{}", "'shape' must be an array, not an object"},
      {"[4, 5]", "[4, 5.5]", "'shape' must hold integers from 1 to 1000000"},
      {"[4, 5]", "[4, 1e300]", "'shape' must hold integers from 1 to 1000000"},
      {"[4, 5]", "[4, \"5\"]", "'shape' must hold integers"},
      {"[4, 5]", "[5, 4]", "'cells' must hold numbers of shape [5, 4]"},
      {"[4, 5]", "[]", "'cells' must hold numbers of shape []"},
      {"[[0, 0", "[[0", "'dead_cells' must hold numbers of shape [4, 5]"},
      {", 20.0]", "]", "'positions_cm' must hold numbers of shape [4, 5, 3]"},
      {"20.0", "\"deep\"", "'positions_cm' must hold numbers of shape"},
  };
  for (const auto& change : changes) {
    const std::string text = Replaced(SmallSignature(), change[0], change[1]);
    CheckThrows([&] { ParseDescription(text, "small"); }, change[2]);
  }
  CheckThrows([&] { ParseDescription("[]", "small"); },
              "'detector' is missing");
  CheckThrows([&] { fastsim_zoo::ReadDescription("/no_such_folder"); },
              "cannot read '/no_such_folder/signature.json'");
}

// Whatever is cut off or changed, there is an answer or an Error.
void TestDamage() {
  const std::string whole = SmallSignature();
  for (std::size_t size = 0; size + 2 < whole.size(); ++size) {
    CheckThrows([&] { ParseDescription(whole.substr(0, size), "cut"); }, "cut");
  }
  for (std::size_t place = 0; place < whole.size(); ++place) {
    for (const char other : std::string("\"]{-9\\\xff")) {
      std::string text = whole;
      text[place] = other;
      try {
        ParseDescription(text, "changed");
      } catch (const fastsim_zoo::Error& error) {
        Check(std::string(error.what()).find("changed") == 0, "our error");
      }
    }
  }
}

}  // namespace

int main() {
  TestValues();
  TestMalformed();
  TestDescription();
  TestWrongDescriptions();
  TestDamage();
  return 0;
}
