// A stand-in for a simulator, whose showers are known.
#ifndef FASTSIM_ZOO_TEST_STAND_IN_HPP_
#define FASTSIM_ZOO_TEST_STAND_IN_HPP_

#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "fastsim_zoo/description.hpp"
#include "fastsim_zoo/table.hpp"

// Energy [MeV] at a distance from the impact: nothing below zero, and nowhere
// the same by chance.
inline float EnergyAt(const std::array<float, 3>& position, double x, double y,
                      double momentum, const fastsim_zoo::Seed& seed) {
  const double dx = static_cast<double>(position[0]) - x;
  const double dy = static_cast<double>(position[1]) - y;
  const double shape = std::exp(-std::hypot(dx, dy + 0.1 * dx));
  return static_cast<float>(momentum * shape *
                            (1 + 0.1 * seed[0] + 0.01 * seed[1]));
}

class StandIn {
 public:
  explicit StandIn(fastsim_zoo::Description description)
      : description_(std::move(description)) {}

  std::int64_t num_conditions() const {
    return static_cast<std::int64_t>(description_.condition_names.size());
  }
  const std::vector<std::int64_t>& response_shape() const {
    return description_.response_shape;
  }

  // The last three conditions: momentum or energy, x and y of the impact.
  void SimulateInto(const fastsim_zoo::Table& conditions,
                    const fastsim_zoo::Seed& seed,
                    fastsim_zoo::Simulation& simulation) const {
    ++calls;
    const std::vector<float>& values = conditions.values;
    simulation.responses.clear();
    simulation.in_domain.clear();
    const auto columns = static_cast<std::size_t>(num_conditions());
    for (std::size_t end = columns; end <= values.size(); end += columns) {
      const float momentum = values[end - 3];
      for (const auto& position : description_.positions_cm) {
        simulation.responses.push_back(EnergyAt(
            position, values[end - 2], values[end - 1], momentum, seed));
      }
      // Knows of a limit that no range of the signature names.
      simulation.in_domain.push_back(momentum != 13.0F);
    }
  }

  mutable std::atomic<int> calls{0};

 private:
  fastsim_zoo::Description description_;
};

#endif  // FASTSIM_ZOO_TEST_STAND_IN_HPP_
