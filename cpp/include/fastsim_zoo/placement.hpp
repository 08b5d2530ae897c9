// From a particle to the conditions of a model: energy or momentum, the impact
// on the front face, the trained range, and shifts by whole cells.
#ifndef FASTSIM_ZOO_PLACEMENT_HPP_
#define FASTSIM_ZOO_PLACEMENT_HPP_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fastsim_zoo/cell_grid.hpp"
#include "fastsim_zoo/description.hpp"
#include "fastsim_zoo/error.hpp"
#include "fastsim_zoo/particle.hpp"

namespace fastsim_zoo {

struct BatchOptions {
  // A hit holds more than this [unit of the response]; 0 or more.
  float threshold = 0;
  // The species that the showers of the model stand for (PDG codes).
  // signature.json does not name them; the pretrained models learnt from
  // electrons.
  std::vector<std::int32_t> species{11, -11};
  // Whether a particle may be shifted by whole cells into the trained range of
  // the impact, and its hits back. Only for equal cells in rows along x and y.
  bool shift_by_cells = false;
  // Whether hits that a shift moves beyond the cells are hits too, with
  // Hit::kOutside as their cell, and impacts beyond the cells are simulated:
  // for a calorimeter that is larger than that of the model.
  bool keep_outside = false;
  // For models without a condition for the direction, which know perpendicular
  // particles only: the largest angle to z that counts as perpendicular.
  double largest_angle_deg = 1;
  // z of the plane on which the conditions of the model give the impact: 0, the
  // front face, in all detectors of the zoo.
  double front_z_cm = 0;
};

// Why a particle was not simulated.
enum class Reason {
  // Not one of BatchOptions::species.
  kSpecies,
  // A number that is not finite, no energy, a negative mass, no direction.
  kUnphysical,
  // It starts behind the front face, or does not fly towards it, or is not
  // perpendicular for a model that knows no angle.
  kDirection,
  // Outside of the trained range, also after shifts; with shifts also beside
  // the cells.
  kDomain,
};

inline const char* ToString(Reason reason) {
  switch (reason) {
    case Reason::kSpecies:
      return "of another species";
    case Reason::kUnphysical:
      return "not physical";
    case Reason::kDirection:
      return "does not enter through the front face in a direction the model "
             "knows";
    case Reason::kDomain:
      break;
  }
  return "outside the trained range";
}

namespace internal {

class Placement {
 public:
  // Throws Error if a condition is not one of a shower, or if the options ask
  // for shifts that the detector does not allow.
  Placement(const Description& description, BatchOptions options)
      : options_(std::move(options)), domain_(description.domain) {
    for (const std::string& name : description.condition_names) {
      const auto known = std::find(kNames.begin(), kNames.end(), name);
      if (known == kNames.end()) {
        throw Error("a Batch cannot give the condition '" + name +
                    "' of detector '" + description.detector +
                    "'; it gives momentum, energy and impact");
      }
      columns_.push_back(static_cast<std::size_t>(known - kNames.begin()));
    }
    for (const std::size_t impact : {kImpactX, kImpactY}) {
      if (!Has(impact)) {
        throw Error("a Batch needs the condition '" +
                    std::string(kNames[impact]) + "', which detector '" +
                    description.detector + "' lacks");
      }
    }
    knows_angles_ = Has(kMomentumX) && Has(kMomentumY) && Has(kMomentumZ);
    if (!(options_.threshold >= 0)) {
      throw Error("threshold must be 0 or more, not " +
                  std::to_string(options_.threshold));
    }
    if (options_.shift_by_cells) grid_.emplace(description);
  }

  const BatchOptions& options() const { return options_; }

  // The grid of the shifts; none without.
  const std::optional<CellGrid>& grid() const { return grid_; }

  // Appends the conditions of a particle and returns nothing, or says why the
  // model cannot have it. `shift` is by how many cells its hits move back.
  std::optional<Reason> Append(const Particle& particle,
                               std::vector<float>& conditions,
                               CellShift& shift) const {
    const auto& species = options_.species;
    if (std::find(species.begin(), species.end(), particle.pdg) ==
        species.end()) {
      return Reason::kSpecies;
    }
    if (!IsPhysical(particle)) return Reason::kUnphysical;
    if (!Enters(particle)) return Reason::kDirection;
    Quantities values = QuantitiesOf(particle);
    shift = {0, 0};
    if (grid_ && !MoveIntoDomain(values, shift)) return Reason::kDomain;
    // The model sees float32.
    for (double& value : values) value = static_cast<float>(value);
    for (const std::size_t column : columns_) {
      if (!std::isfinite(values[column])) return Reason::kDomain;
    }
    if (!InDomain(values)) return Reason::kDomain;
    for (const std::size_t column : columns_) {
      conditions.push_back(static_cast<float>(values[column]));
    }
    return std::nullopt;
  }

 private:
  // In the order of kNames.
  enum : std::size_t {
    kMomentumX,
    kMomentumY,
    kMomentumZ,
    kEnergy,
    kImpactX,
    kImpactY,
    kQuantities
  };
  using Quantities = std::array<double, kQuantities>;

  static constexpr std::array<const char*, kQuantities> kNames{
      "momentum_x_gev", "momentum_y_gev", "momentum_z_gev",
      "energy_gev",     "impact_x_cm",    "impact_y_cm"};
  static constexpr double kDegrees = 57.29577951308232;
  // Positions on a surface are rounded.
  static constexpr double kSurfaceCm = 1e-4;

  bool Has(std::size_t quantity) const {
    return std::find(columns_.begin(), columns_.end(), quantity) !=
           columns_.end();
  }

  static bool IsPhysical(const Particle& particle) {
    const double length = Norm(particle.direction);
    return std::isfinite(particle.kinetic_energy_gev) &&
           particle.kinetic_energy_gev > 0 &&
           std::isfinite(particle.mass_gev) && particle.mass_gev >= 0 &&
           std::isfinite(length) && length > 0 &&
           std::isfinite(Norm(particle.position_cm));
  }

  bool Enters(const Particle& particle) const {
    const auto& [x, y, z] = particle.direction;
    if (!(z > 0)) return false;
    if (particle.position_cm[2] > options_.front_z_cm + kSurfaceCm) {
      return false;
    }
    const double angle = std::atan2(std::hypot(x, y), z) * kDegrees;
    return knows_angles_ || angle <= options_.largest_angle_deg;
  }

  Quantities QuantitiesOf(const Particle& particle) const {
    const double kinetic = particle.kinetic_energy_gev;
    const double momentum =
        std::sqrt(kinetic * (kinetic + 2 * particle.mass_gev));
    const double length = Norm(particle.direction);
    const Vector3& direction = particle.direction;
    const Vector3& position = particle.position_cm;
    const double way = (options_.front_z_cm - position[2]) / direction[2];
    return {momentum * direction[0] / length,
            momentum * direction[1] / length,
            momentum * direction[2] / length,
            kinetic,
            position[0] + way * direction[0],
            position[1] + way * direction[1]};
  }

  bool MoveIntoDomain(Quantities& values, CellShift& shift) const {
    for (const DomainRange& range : domain_) {
      for (std::size_t axis = 0; axis < 2; ++axis) {
        const std::size_t coordinate = grid_->Coordinate(axis);
        const std::size_t impact = kImpactX + coordinate;
        if (range.name != kNames[impact]) continue;
        const double steps =
            grid_->Shift(coordinate, values[impact], range.low, range.high,
                         options_.keep_outside);
        if (std::isnan(steps)) return false;
        values[impact] -= steps * grid_->Pitch(axis);
        shift[axis] = static_cast<std::int64_t>(steps);
      }
    }
    return true;
  }

  // Of what a range limits, where it is known here. The model has the last
  // word, with its flag.
  bool InDomain(const Quantities& values) const {
    for (const DomainRange& range : domain_) {
      const double value = QuantityOf(range.name, values);
      if (value < range.low || value > range.high) return false;
    }
    return true;
  }

  // NaN for an unknown name.
  double QuantityOf(const std::string& name, const Quantities& values) const {
    // Of a model that takes the momentum, "energy_gev" is its length.
    if (name == kNames[kEnergy] && knows_angles_) {
      return Norm({values[0], values[1], values[2]});
    }
    for (std::size_t i = 0; i < kQuantities; ++i) {
      if (name == kNames[i]) return values[i];
    }
    const double z = values[kMomentumZ];
    if (name == "angle_xz_deg") {
      return std::atan2(values[kMomentumX], z) * kDegrees;
    }
    if (name == "angle_yz_deg") {
      return std::atan2(values[kMomentumY], z) * kDegrees;
    }
    return std::nan("");
  }

  BatchOptions options_;
  std::vector<DomainRange> domain_;
  // What each condition is, as an index into kNames.
  std::vector<std::size_t> columns_;
  bool knows_angles_ = false;
  std::optional<CellGrid> grid_;
};

}  // namespace internal
}  // namespace fastsim_zoo

#endif  // FASTSIM_ZOO_PLACEMENT_HPP_
