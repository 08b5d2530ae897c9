// The particles of an event, simulated in one call: from particles to
// conditions, and from responses to hits.
#ifndef FASTSIM_ZOO_BATCH_HPP_
#define FASTSIM_ZOO_BATCH_HPP_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fastsim_zoo/description.hpp"
#include "fastsim_zoo/error.hpp"
#include "fastsim_zoo/particle.hpp"
#include "fastsim_zoo/placement.hpp"
#include "fastsim_zoo/table.hpp"

namespace fastsim_zoo {

struct Hit {
  static constexpr std::int64_t kOutside = -1;

  // Index of the cell in a response, row-major.
  std::int64_t cell = 0;
  // As Batch::Add returned it.
  std::size_t particle = 0;
  // Centre of the cell [cm].
  std::array<float, 3> position_cm{};
  // [unit of the response].
  float energy = 0;
};

struct NotSimulated {
  std::size_t particle = 0;
  Reason reason = Reason::kDomain;
};

// One for each thread; the simulator may be shared. Once as many particles were
// simulated, a call allocates nothing, but for what the simulator's library
// does. AnySimulator is Simulator, OnnxSimulator, or has their
// num_conditions(), response_shape() and SimulateInto().
template <typename AnySimulator>
class Batch {
 public:
  // `simulator` must outlive the Batch; `description` is ReadDescription() of
  // its folder. Throws Error if both do not fit, if the model takes conditions
  // that no particle has, or if the cells cannot be shifted but should.
  Batch(const AnySimulator& simulator, Description description,
        BatchOptions options = {})
      : simulator_(&simulator),
        description_(std::move(description)),
        placement_(description_, std::move(options)) {
    const auto conditions =
        static_cast<std::int64_t>(description_.condition_names.size());
    if (conditions != simulator.num_conditions() ||
        description_.response_shape != simulator.response_shape()) {
      throw Error("signature.json describes another model: " +
                  std::to_string(conditions) + " conditions and responses of " +
                  internal::ToString(description_.response_shape) +
                  ", but the model takes " +
                  std::to_string(simulator.num_conditions()) +
                  " and returns " +
                  internal::ToString(simulator.response_shape()));
    }
    conditions_.columns = conditions;
  }

  const Description& description() const { return description_; }

  // Why the model cannot have a particle, by signature.json; nothing if it can.
  // Asked before Add() where a particle that is added cannot be given back.
  std::optional<Reason> Refusal(const Particle& particle) {
    refusal_conditions_.clear();
    internal::CellShift shift{};
    return placement_.Append(particle, refusal_conditions_, shift);
  }

  // Takes a particle into the next call and returns its index, from 0.
  std::size_t Add(const Particle& particle) {
    particles_.push_back(particle);
    return particles_.size() - 1;
  }

  // Forgets particles and answers; the memory stays.
  void Clear() {
    particles_.clear();
    ClearAnswers();
  }

  // Simulates all particles that the model knows, in one call. The same
  // particles in the same order and the same seed give the same hits.
  // Particles stay until Clear(): another seed draws other showers of them.
  void Simulate(const Seed& seed) {
    ClearAnswers();
    conditions_.values.clear();
    accepted_.clear();
    not_simulated_.reserve(particles_.size());
    accepted_.reserve(particles_.size());
    conditions_.values.reserve(particles_.size() *
                               description_.condition_names.size());
    outside_energy_.assign(particles_.size(), 0);
    for (std::size_t index = 0; index < particles_.size(); ++index) {
      Accepted one{index, {}};
      const std::optional<Reason> reason = placement_.Append(
          particles_[index], conditions_.values, one.shift);
      if (reason) {
        not_simulated_.push_back({index, *reason});
      } else {
        accepted_.push_back(one);
      }
    }
    if (accepted_.empty()) return;
    simulator_->SimulateInto(conditions_, seed, simulation_);
    // As many as there can be: how many there are differs from call to call.
    hits_.reserve(accepted_.size() * description_.positions_cm.size());
    for (std::size_t row = 0; row < accepted_.size(); ++row) {
      if (simulation_.in_domain[row]) {
        AppendHits(row);
      } else {
        not_simulated_.push_back({accepted_[row].particle, Reason::kDomain});
      }
    }
    std::sort(not_simulated_.begin(), not_simulated_.end(),
              [](const NotSimulated& one, const NotSimulated& other) {
                return one.particle < other.particle;
              });
  }

  // Above the threshold, by particle, then by cell of the trained shower.
  // Particles that hit the same cell have a hit each.
  const std::vector<Hit>& hits() const { return hits_; }

  // By index of the particle. It is for the caller to simulate them otherwise.
  const std::vector<NotSimulated>& not_simulated() const {
    return not_simulated_;
  }

  // Of each particle the energy above the threshold [unit of the response] that
  // a shift moved beyond the cells. Without shifts all are 0.
  const std::vector<double>& outside_energy() const { return outside_energy_; }

 private:
  struct Accepted {
    std::size_t particle;
    internal::CellShift shift;
  };

  void ClearAnswers() {
    hits_.clear();
    not_simulated_.clear();
    outside_energy_.clear();
  }

  void AppendHits(std::size_t row) {
    const auto& [particle, shift] = accepted_[row];
    const std::size_t cells = description_.positions_cm.size();
    const float* const response = simulation_.responses.data() + row * cells;
    const bool shifted = shift != internal::CellShift{};
    const float threshold = placement_.options().threshold;
    for (std::size_t cell = 0; cell < cells; ++cell) {
      if (!(response[cell] > threshold)) continue;
      Hit hit{static_cast<std::int64_t>(cell), particle,
              description_.positions_cm[cell], response[cell]};
      if (shifted && !ShiftBack(shift, hit)) continue;
      hits_.push_back(hit);
    }
  }

  // Returns whether the hit is to be kept.
  bool ShiftBack(const internal::CellShift& shift, Hit& hit) {
    const internal::CellGrid& grid = *placement_.grid();
    hit.cell = grid.Shifted(hit.cell, shift);
    if (hit.cell != Hit::kOutside) {
      hit.position_cm =
          description_.positions_cm[static_cast<std::size_t>(hit.cell)];
      return true;
    }
    outside_energy_[hit.particle] += static_cast<double>(hit.energy);
    for (std::size_t axis = 0; axis < shift.size(); ++axis) {
      hit.position_cm[grid.Coordinate(axis)] += static_cast<float>(
          static_cast<double>(shift[axis]) * grid.Pitch(axis));
    }
    return placement_.options().keep_outside;
  }

  const AnySimulator* simulator_;
  Description description_;
  internal::Placement placement_;
  std::vector<Particle> particles_;
  Table conditions_;
  std::vector<float> refusal_conditions_;
  std::vector<Accepted> accepted_;
  Simulation simulation_;
  std::vector<Hit> hits_;
  std::vector<NotSimulated> not_simulated_;
  std::vector<double> outside_energy_;
};

}  // namespace fastsim_zoo

#endif  // FASTSIM_ZOO_BATCH_HPP_
