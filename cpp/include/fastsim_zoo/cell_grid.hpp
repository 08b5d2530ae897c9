// Equal cells in rows along x and y, by whole ones of which a shower can be
// shifted.
#ifndef FASTSIM_ZOO_CELL_GRID_HPP_
#define FASTSIM_ZOO_CELL_GRID_HPP_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "fastsim_zoo/description.hpp"
#include "fastsim_zoo/error.hpp"

namespace fastsim_zoo::internal {

// Numbers of cells along axis 0 and axis 1 of a response.
using CellShift = std::array<std::int64_t, 2>;

class CellGrid {
 public:
  // Throws Error if the cells of the detector are not equal: a shower that is
  // shifted would have its holes in the wrong places.
  explicit CellGrid(const Description& description)
      : where_("detector '" + description.detector + "'") {
    const auto& shape = description.response_shape;
    if (shape.size() < 2 || shape[0] < 2 || shape[1] < 2) {
      Fail("has responses of shape " + ToString(shape));
    }
    const auto missing = std::count(description.cells.begin(),
                                    description.cells.end(), false);
    const auto dead = std::count(description.dead_cells.begin(),
                                 description.dead_cells.end(), true);
    if (missing + dead != 0) {
      Fail("has " + std::to_string(missing) + " missing and " +
           std::to_string(dead) + " dead cells");
    }
    sizes_ = {shape[0], shape[1]};
    strides_[1] = 1;
    for (std::size_t i = 2; i < shape.size(); ++i) strides_[1] *= shape[i];
    strides_[0] = strides_[1] * shape[1];
    for (std::size_t axis = 0; axis < 2; ++axis) Measure(axis, description);
    if (coordinates_[0] == coordinates_[1]) Fail("has no cells along x or y");
  }

  // By how many cells [pitch] an impact must move back, the fewest, to lie from
  // `low` to `high` [cm] in coordinate 0 (x) or 1 (y). NaN if there is no such
  // number, or, unless `beyond`, if it is on none of the cells.
  double Shift(std::size_t coordinate, double impact_cm, double low_cm,
               double high_cm, bool beyond) const {
    const std::size_t axis = coordinates_[0] == coordinate ? 0 : 1;
    const double pitch = std::abs(pitches_[axis]);
    const double first = std::min(edges_[axis][0], edges_[axis][1]);
    const double last = std::max(edges_[axis][0], edges_[axis][1]);
    double steps = 0;
    if (impact_cm > high_cm) steps = std::ceil((impact_cm - high_cm) / pitch);
    if (impact_cm < low_cm) steps = std::floor((impact_cm - low_cm) / pitch);
    const double moved = impact_cm - steps * pitch;
    const bool on_cells = impact_cm >= first && impact_cm <= last;
    // Also false where the impact is not finite.
    const bool possible = std::abs(steps) < kFarthest && moved >= low_cm &&
                          moved <= high_cm && (beyond || on_cells);
    return possible ? std::copysign(1.0, pitches_[axis]) * steps : std::nan("");
  }

  // What `axis` of a response is the coordinate of, and the signed distance
  // [cm] between neighbours there.
  std::size_t Coordinate(std::size_t axis) const { return coordinates_[axis]; }
  double Pitch(std::size_t axis) const { return pitches_[axis]; }

  // The cell that lies `shift` further; -1 if it would be outside.
  std::int64_t Shifted(std::int64_t cell, const CellShift& shift) const {
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const std::int64_t moved =
          cell / strides_[axis] % sizes_[axis] + shift[axis];
      if (moved < 0 || moved >= sizes_[axis]) return -1;
    }
    return cell + shift[0] * strides_[0] + shift[1] * strides_[1];
  }

 private:
  // Positions of signature.json are rounded to 1e-4 cm.
  static constexpr double kTolerance = 1e-3;
  static constexpr double kFarthest = 1e6;

  [[noreturn]] void Fail(const std::string& what) const {
    throw Error("shift_by_cells needs equal cells in rows along x and y; " +
                where_ + " " + what);
  }

  // Finds coordinate and pitch of an axis, and that all cells agree with them.
  void Measure(std::size_t axis, const Description& description) {
    const auto& positions = description.positions_cm;
    const std::int64_t steps = sizes_[axis] - 1;
    const auto at = [&](std::int64_t cell, std::size_t coordinate) {
      return static_cast<double>(
          positions[static_cast<std::size_t>(cell)][coordinate]);
    };
    const std::int64_t last = steps * strides_[axis];
    const std::size_t coordinate =
        std::abs(at(last, 0) - at(0, 0)) > kTolerance ? 0 : 1;
    const double pitch = (at(last, coordinate) - at(0, coordinate)) /
                         static_cast<double>(steps);
    if (!(std::abs(pitch) > kTolerance)) Fail("has cells without a distance");
    const auto cells = static_cast<std::int64_t>(positions.size());
    for (std::int64_t cell = 0; cell < cells; ++cell) {
      const std::int64_t place = cell / strides_[axis] % sizes_[axis];
      const std::int64_t origin = cell - place * strides_[axis];
      for (std::size_t i = 0; i < 3; ++i) {
        const double expected =
            i == coordinate ? at(0, i) + static_cast<double>(place) * pitch
                            : at(origin, i);
        if (!(std::abs(at(cell, i) - expected) <= kTolerance)) {
          Fail("has others");
        }
      }
    }
    coordinates_[axis] = coordinate;
    pitches_[axis] = pitch;
    edges_[axis] = {at(0, coordinate) - 0.5 * pitch,
                    at(last, coordinate) + 0.5 * pitch};
  }

  std::string where_;
  CellShift sizes_{};
  CellShift strides_{};
  std::array<std::size_t, 2> coordinates_{};
  std::array<double, 2> pitches_{};
  std::array<std::array<double, 2>, 2> edges_{};
};

}  // namespace fastsim_zoo::internal

#endif  // FASTSIM_ZOO_CELL_GRID_HPP_
