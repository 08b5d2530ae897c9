// What goes into a simulator and comes out, whatever runs the model.
#ifndef FASTSIM_ZOO_TABLE_HPP_
#define FASTSIM_ZOO_TABLE_HPP_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fastsim_zoo/error.hpp"

namespace fastsim_zoo {

struct Options {
  // Threads inside one operation and, with TensorFlow, between operations; 0
  // leaves the number to the library (one per core). TensorFlow makes its pools
  // once in a process: the first Simulator decides for all later ones.
  int threads = 0;
};

// Rows of equal length, one event a row, one after the other.
struct Table {
  std::int64_t columns = 0;
  std::vector<float> values;
};

using Seed = std::array<std::int32_t, 2>;

struct Simulation {
  // All events one after the other, each in row-major order.
  std::vector<float> responses;
  // Whether the model was trained on conditions like those of the event.
  std::vector<bool> in_domain;
  // What an OnnxSimulator drew, one event a row. A Simulator draws inside the
  // model, and leaves it empty.
  Table noise;
};

namespace internal {

inline std::int64_t ElementCount(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return count;
}

inline std::string ToString(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t size : shape) {
    text += (text.empty() ? "[" : ", ") + std::to_string(size);
  }
  return text.empty() ? "[]" : text + "]";
}

// The shape of a tensor. It is held in place, for a call to allocate nothing.
struct TensorShape {
  static constexpr std::size_t kLargestRank = 8;

  bool operator==(const TensorShape& other) const {
    return rank == other.rank && sizes == other.sizes;
  }

  std::array<std::int64_t, kLargestRank> sizes{};
  std::size_t rank = 0;
};

inline std::string ToString(const TensorShape& shape) {
  const auto begin = shape.sizes.begin();
  return ToString(std::vector<std::int64_t>(
      begin, begin + static_cast<std::ptrdiff_t>(shape.rank)));
}

// The shape of a batch of events of shape `event_shape`, which has fewer than
// TensorShape::kLargestRank axes.
inline TensorShape BatchShape(std::int64_t events,
                              const std::vector<std::int64_t>& event_shape) {
  TensorShape shape;
  shape.rank = event_shape.size() + 1;
  shape.sizes[0] = events;
  std::copy(event_shape.begin(), event_shape.end(), shape.sizes.begin() + 1);
  return shape;
}

inline std::size_t ElementCount(const TensorShape& shape) {
  std::int64_t count = 1;
  for (std::size_t axis = 0; axis < shape.rank; ++axis) {
    count *= shape.sizes[axis];
  }
  return static_cast<std::size_t>(count);
}

// Returns the number of rows of `table`, which must have `columns` columns.
inline std::int64_t Rows(const std::string& name, const Table& table,
                         std::int64_t columns) {
  if (table.columns != columns) {
    throw Error(name + ": " + std::to_string(table.columns) +
                " columns, but the model takes " + std::to_string(columns));
  }
  const auto values = static_cast<std::int64_t>(table.values.size());
  if (values % table.columns != 0) {
    throw Error(name + ": " + std::to_string(values) +
                " values do not fill rows of " + std::to_string(table.columns));
  }
  return values / table.columns;
}

// Returns the number of events of both, which must be the same.
inline std::int64_t Rows(const Table& conditions, std::int64_t num_conditions,
                         const Table& noise, std::int64_t num_noise) {
  const std::int64_t events = Rows("condition", conditions, num_conditions);
  const std::int64_t rows = Rows("noise", noise, num_noise);
  if (rows != events) {
    throw Error("noise: " + std::to_string(rows) + " rows, but " +
                std::to_string(events) + " rows of conditions");
  }
  return events;
}

inline void RequireFinite(const std::string& name, const Table& table) {
  const auto begin = table.values.begin();
  const auto bad = std::find_if(begin, table.values.end(), [](float value) {
    return !std::isfinite(value);
  });
  if (bad == table.values.end()) return;
  const std::int64_t index = bad - begin;
  throw Error(name + ": " + std::to_string(*bad) + " in row " +
              std::to_string(index / table.columns) + ", column " +
              std::to_string(index % table.columns) +
              " (from 0); it must be finite");
}

}  // namespace internal
}  // namespace fastsim_zoo

#endif  // FASTSIM_ZOO_TABLE_HPP_
