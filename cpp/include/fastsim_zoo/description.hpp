// What the signature.json beside a model says of conditions, cells and the
// trained range.
#ifndef FASTSIM_ZOO_DESCRIPTION_HPP_
#define FASTSIM_ZOO_DESCRIPTION_HPP_

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fastsim_zoo/error.hpp"
#include "fastsim_zoo/json.hpp"
#include "fastsim_zoo/table.hpp"

namespace fastsim_zoo {

// A closed range of a quantity in which the model was trained. The quantity is
// a condition or follows from several of them, for example "angle_xz_deg".
struct DomainRange {
  std::string name;
  std::string unit;
  double low = 0;
  double high = 0;
};

// The cells are in the order of a response, row-major.
struct Description {
  std::string detector;
  std::vector<std::string> condition_names;
  std::vector<std::string> condition_units;
  std::string response_unit;
  std::vector<std::int64_t> response_shape;
  std::vector<DomainRange> domain;
  // Whether the cell exists, and whether it is one that is never read out.
  std::vector<bool> cells;
  std::vector<bool> dead_cells;
  // Centres (x, y, z) [cm].
  std::vector<std::array<float, 3>> positions_cm;
};

namespace internal {

// Walks through a document; the errors name the place and what must be there.
class DescriptionReader {
 public:
  explicit DescriptionReader(std::string where) : where_(std::move(where)) {}

  Description Read(const JsonValue& document) const {
    using Kind = JsonValue::Kind;
    Description description;
    description.detector = Text(document, "detector");
    for (const JsonValue& one :
         Get(document, "conditions", Kind::kArray).items) {
      description.condition_names.push_back(Text(one, "name"));
      description.condition_units.push_back(Text(one, "unit"));
    }
    const JsonValue& response = Get(document, "response", Kind::kObject);
    description.response_unit = Text(response, "unit");
    for (const JsonValue& one : Get(response, "shape", Kind::kArray).items) {
      description.response_shape.push_back(Size(one));
    }
    for (const JsonValue& one : Get(document, "domain", Kind::kArray).items) {
      description.domain.push_back({Text(one, "name"), Text(one, "unit"),
                                    Get(one, "low", Kind::kNumber).number,
                                    Get(one, "high", Kind::kNumber).number});
    }
    std::vector<std::int64_t> shape = description.response_shape;
    for (const double flag : Flat(document, "cells", shape)) {
      description.cells.push_back(flag != 0);
    }
    for (const double flag : Flat(document, "dead_cells", shape)) {
      description.dead_cells.push_back(flag != 0);
    }
    shape.push_back(3);
    const std::vector<double> positions = Flat(document, "positions_cm", shape);
    for (std::size_t i = 0; i < positions.size(); i += 3) {
      const auto at = [&](std::size_t coordinate) {
        return static_cast<float>(positions[i + coordinate]);
      };
      description.positions_cm.push_back({at(0), at(1), at(2)});
    }
    return description;
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const {
    throw Error(where_ + ": " + what + "; export the model again");
  }

  const JsonValue& Get(const JsonValue& object, const std::string& key,
                       JsonValue::Kind kind) const {
    static constexpr const char* kKinds[] = {
        "null", "a boolean", "a number", "a string", "an array", "an object"};
    // Of what is not an object, there are no keys.
    for (std::size_t i = 0; i < object.keys.size(); ++i) {
      if (object.keys[i] != key) continue;
      if (object.items[i].kind == kind) return object.items[i];
      Fail("'" + key + "' must be " + kKinds[static_cast<int>(kind)] +
           ", not " + kKinds[static_cast<int>(object.items[i].kind)]);
    }
    Fail("'" + key + "' is missing");
  }

  std::string Text(const JsonValue& object, const std::string& key) const {
    return Get(object, key, JsonValue::Kind::kString).text;
  }

  std::int64_t Size(const JsonValue& value) const {
    // No response has more numbers on an axis, and an int64 holds all products.
    constexpr double kLargest = 1e6;
    if (!(value.kind == JsonValue::Kind::kNumber && value.number >= 1 &&
          value.number <= kLargest &&
          value.number == std::floor(value.number))) {
      Fail("'shape' must hold integers from 1 to 1000000");
    }
    return static_cast<std::int64_t>(value.number);
  }

  // The numbers of nested arrays of this shape, row-major.
  std::vector<double> Flat(const JsonValue& object, const std::string& key,
                           const std::vector<std::int64_t>& shape) const {
    std::vector<double> numbers;
    Append(Get(object, key, JsonValue::Kind::kArray), key, shape, 0, numbers);
    return numbers;
  }

  void Append(const JsonValue& value, const std::string& key,
              const std::vector<std::int64_t>& shape, std::size_t axis,
              std::vector<double>& numbers) const {
    const bool inside = axis < shape.size();
    const auto kind =
        inside ? JsonValue::Kind::kArray : JsonValue::Kind::kNumber;
    if (value.kind != kind ||
        (inside &&
         value.items.size() != static_cast<std::size_t>(shape[axis]))) {
      Fail("'" + key + "' must hold numbers of shape " + ToString(shape));
    }
    if (!inside) numbers.push_back(value.number);
    for (const JsonValue& item : value.items) {
      Append(item, key, shape, axis + 1, numbers);
    }
  }

  std::string where_;
};

inline Description ParseDescription(std::string_view text,
                                    const std::string& where) {
  return DescriptionReader(where).Read(ReadJson(text, where));
}

}  // namespace internal

// Reads the signature.json in the directory of a SavedModel or of a model.onnx.
// Throws Error if it is not there, not JSON, or lacks something.
inline Description ReadDescription(const std::string& folder) {
  const std::string path =
      (std::filesystem::path(folder) / "signature.json").string();
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error("cannot read '" + path + "'");
  const std::string text{std::istreambuf_iterator<char>(file),
                         std::istreambuf_iterator<char>()};
  return internal::ParseDescription(text, "'" + path + "'");
}

}  // namespace fastsim_zoo

#endif  // FASTSIM_ZOO_DESCRIPTION_HPP_
