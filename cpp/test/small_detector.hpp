// The signature.json of a small calorimeter of 4 x 5 cells, for the tests.
#ifndef FASTSIM_ZOO_TEST_SMALL_DETECTOR_HPP_
#define FASTSIM_ZOO_TEST_SMALL_DETECTOR_HPP_

#include <cstddef>
#include <sstream>
#include <string>

constexpr int kRows = 4;
constexpr int kColumns = 5;

// Of the position: which axis of a response is x, and the step [cm] along each.
struct Axes {
  int x_axis = 0;
  double steps[2] = {2, 2};
};

// Returns rows of `write(row, column)`, as JSON.
template <typename Write>
std::string Rows(const Write& write) {
  std::ostringstream text;
  for (int row = 0; row < kRows; ++row) {
    text << (row == 0 ? "[[" : "],\n[");
    for (int column = 0; column < kColumns; ++column) {
      if (column != 0) text << ", ";
      write(text, row, column);
    }
  }
  text << "]]";
  return text.str();
}

// Electrons of 1 to 100 GeV on the central square centimetre.
inline std::string SmallSignature(const Axes& axes = {}) {
  const auto ones = [](std::ostream& text, int, int) { text << 1; };
  const auto zeros = [](std::ostream& text, int, int) { text << 0; };
  const auto position = [&](std::ostream& text, int row, int column) {
    const double first = (row - 0.5 * (kRows - 1)) * axes.steps[0];
    const double second = (column - 0.5 * (kColumns - 1)) * axes.steps[1];
    text << '[' << (axes.x_axis == 0 ? first : second) << ", "
         << (axes.x_axis == 0 ? second : first) << ", 20.0]";
  };
  return R"({"detector": "small", "mask": null, "trained": true,
"conditions": [{"name": "momentum_x_gev", "unit": "GeV"},
               {"name": "momentum_y_gev", "unit": "GeV"},
               {"name": "momentum_z_gev", "unit": "GeV"},
               {"name": "impact_x_cm", "unit": "cm"},
               {"name": "impact_y_cm", "unit": "cm"}],
"response": {"unit": "MeV", "shape": [4, 5]},
"domain": [{"name": "energy_gev", "unit": "GeV", "low": 1, "high": 1.00001e2},
           {"name": "angle_xz_deg", "unit": "deg", "low": -75, "high": 75},
           {"name": "angle_yz_deg", "unit": "deg", "low": -50, "high": 50},
           {"name": "impact_x_cm", "unit": "cm", "low": -0.5, "high": 0.5},
           {"name": "impact_y_cm", "unit": "cm", "low": -0.5, "high": 0.5}],
"cells": )" + Rows(ones) + ",\n\"dead_cells\": " + Rows(zeros) +
         ",\n\"positions_cm\": " + Rows(position) + "}\n";
}

// Replaces the first `old` of a text.
inline std::string Replaced(std::string text, const std::string& old,
                            const std::string& by) {
  const std::size_t place = text.find(old);
  return text.replace(place, old.size(), by);
}

#endif  // FASTSIM_ZOO_TEST_SMALL_DETECTOR_HPP_
