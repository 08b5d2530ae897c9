// Batches of a small calorimeter, with a stand-in for the simulator whose
// showers are known.
#include "fastsim_zoo/batch.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "check.hpp"
#include "small_detector.hpp"
#include "stand_in.hpp"

namespace {

using fastsim_zoo::BatchOptions;
using fastsim_zoo::Description;
using fastsim_zoo::FromMomentum;
using fastsim_zoo::Hit;
using fastsim_zoo::Particle;
using fastsim_zoo::Reason;
using fastsim_zoo::Seed;
using fastsim_zoo::Simulation;
using fastsim_zoo::Table;
using fastsim_zoo::Vector3;
using fastsim_zoo::internal::ParseDescription;

constexpr double kMass = fastsim_zoo::kElectronMassGev;

Description Small(const Axes& axes = {}) {
  return ParseDescription(SmallSignature(axes), "small");
}

using Batch = fastsim_zoo::Batch<StandIn>;

Particle Electron(const Vector3& momentum_gev, const Vector3& position_cm) {
  return FromMomentum(11, kMass, momentum_gev, position_cm);
}

void CheckNear(double value, double expected, const std::string& what) {
  Check(std::abs(value - expected) <= 1e-5 * (1 + std::abs(expected)),
        what + ": " + std::to_string(value) + " instead of " +
            std::to_string(expected));
}

void TestMomentum() {
  const Particle particle = FromMomentum(2212, 3, {0, 0, 4}, {1, 2, 3});
  CheckNear(particle.kinetic_energy_gev, 2, "5 GeV less the mass of 3 GeV");
  const Particle slow = FromMomentum(2212, 1, {0, 1e-9, 0}, {});
  CheckNear(slow.kinetic_energy_gev * 1e18, 0.5, "p^2 / 2 m, of 1 GeV");
}

// Keeps the conditions, and knows no particle.
struct Recorder {
  std::int64_t num_conditions() const { return 5; }
  const std::vector<std::int64_t>& response_shape() const { return shape; }
  void SimulateInto(const Table& conditions, const Seed&,
                    Simulation& simulation) const {
    seen = conditions.values;
    simulation.in_domain.assign(seen.size() / 5, false);
  }

  std::vector<std::int64_t> shape{kRows, kColumns};
  mutable std::vector<float> seen;
};

void TestConditions() {
  const Recorder recorder;
  fastsim_zoo::Batch batch(recorder, Small());
  batch.Add(Electron({-3, 4, 12}, {2.25, -3, -10}));
  Particle heavy;
  heavy.pdg = -11;
  heavy.mass_gev = 5;
  heavy.kinetic_energy_gev = 8;
  heavy.direction = {0.6, -0.8, 2.4};
  batch.Add(heavy);
  batch.Simulate({1, 2});
  // The second one has 13 GeV of energy, 5 of mass, hence a momentum of 12.
  const std::vector<double> expected{
      -3,        4,          12,         -0.25, 1 / 3.0,
      36 / 13.0, -48 / 13.0, 144 / 13.0, 0,     0};
  Check(recorder.seen.size() == expected.size(), "two rows");
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CheckNear(recorder.seen[i], expected[i], "condition " + std::to_string(i));
  }
}

void TestHits() {
  const StandIn simulator(Small());
  BatchOptions options;
  options.threshold = 2;
  Batch batch(simulator, Small(), options);
  // From 10 cm before the front, to (0.4, -0.2) on it.
  Check(batch.Add(Electron({3, 0, 30}, {-0.6, -0.2, -10})) == 0, "index 0");
  Particle second;
  second.kinetic_energy_gev = 20;
  second.direction = {0, 0, 5};
  Check(batch.Add(second) == 1, "index 1");
  batch.Simulate({1, 2});
  Check(simulator.calls == 1, "one call for the event");
  std::vector<Hit> expected;
  const auto& positions = batch.description().positions_cm;
  for (std::size_t cell = 0; cell < 2 * positions.size(); ++cell) {
    const std::size_t particle = cell / positions.size();
    const auto& position = positions[cell % positions.size()];
    const float energy = particle == 0
                             ? EnergyAt(position, 0.4, -0.2, 30, {1, 2})
                             : EnergyAt(position, 0, 0, 20, {1, 2});
    if (energy > options.threshold) {
      expected.push_back({static_cast<std::int64_t>(cell % positions.size()),
                          particle, position, energy});
    }
  }
  Check(!expected.empty() && expected.size() < 40, "some hits, not all");
  Check(batch.hits().size() == expected.size(), "as many hits");
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Hit& hit = batch.hits()[i];
    Check(hit.cell == expected[i].cell &&
              hit.particle == expected[i].particle &&
              hit.position_cm == expected[i].position_cm,
          "cell, particle and position of a hit");
    // The kinetic energy became a momentum, 0.5 MeV higher.
    Check(std::abs(hit.energy / expected[i].energy - 1) < 1e-4F, "energy");
  }
  Check(batch.not_simulated().empty(), "all were simulated");
  Check(batch.outside_energy() == std::vector<double>{0, 0}, "nothing outside");
  const float before = batch.hits()[0].energy;
  batch.Simulate({1, 2});
  Check(batch.hits()[0].energy == before, "the same seed, the same hits");
  batch.Simulate({2, 2});
  Check(batch.hits()[0].energy != before, "another seed, other hits");
  batch.Clear();
  batch.Simulate({1, 2});
  Check(batch.hits().empty() && simulator.calls == 3, "no particles, no call");
}

void TestNotSimulated() {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Particle photon = Electron({0, 0, 30}, {});
  photon.pdg = 22;
  Particle heavy = Electron({0, 0, 30}, {});
  heavy.mass_gev = -1;
  Particle at_rest;
  const std::vector<std::pair<Particle, Reason>> refused{
      {photon, Reason::kSpecies},
      {at_rest, Reason::kUnphysical},
      {heavy, Reason::kUnphysical},
      {Electron({0, 0, kNan}, {}), Reason::kUnphysical},
      {Electron({0, 0, 30}, {0, kInfinity, 0}), Reason::kUnphysical},
      {Electron({0, 0, -30}, {}), Reason::kDirection},
      {Electron({30, 0, 0}, {}), Reason::kDirection},
      {Electron({0, 0, 30}, {0, 0, 0.01}), Reason::kDirection},
      {Electron({0, 0, 0.9}, {}), Reason::kDomain},
      {Electron({0, 80, 80}, {}), Reason::kDomain},
      {Electron({10, 0, 2}, {}), Reason::kDomain},
      {Electron({0, 10, 8}, {}), Reason::kDomain},
      {Electron({0, 0, 30}, {0.6, 0, 0}), Reason::kDomain},
      {Electron({3, 0, 30}, {0, 0, -10}), Reason::kDomain},
      {Electron({0, 0, 1e300}, {}), Reason::kDomain},
      // Of this one the model itself says so.
      {Electron({0, 0, 13}, {}), Reason::kDomain},
  };
  const StandIn simulator(Small());
  Batch batch(simulator, Small());
  for (const auto& one : refused) {
    batch.Add(one.first);
    batch.Add(Electron({0, 0, 50}, {0.5, -0.5, 0}));
  }
  batch.Simulate({1, 2});
  Check(simulator.calls == 1, "one call for the event");
  Check(batch.not_simulated().size() == refused.size(), "all are given back");
  for (std::size_t i = 0; i < refused.size(); ++i) {
    const std::string number = " of particle " + std::to_string(i);
    Check(batch.not_simulated()[i].particle == 2 * i, "the index" + number);
    Check(batch.not_simulated()[i].reason == refused[i].second,
          "the reason" + number);
    Check(*ToString(refused[i].second) != '\0', "a text for it");
    // The last one only the model knows.
    const bool known = i + 1 < refused.size();
    Check(batch.Refusal(refused[i].first) ==
              (known ? std::optional(refused[i].second) : std::nullopt),
          "told before" + number);
  }
  Check(batch.hits().size() == refused.size() * kRows * kColumns,
        "the others have their hits");
  for (const Hit& hit : batch.hits()) {
    Check(hit.particle % 2 == 1, "and only they");
  }
  batch.Clear();
  batch.Add(photon);
  batch.Simulate({1, 2});
  Check(simulator.calls == 1 && batch.not_simulated().size() == 1,
        "no call for none");
}

// The stand-in's energies depend on the distance from the impact alone. Hits
// that moved back must show the true impact, whichever way axes point.
void TestShifts(const Axes& axes) {
  const Description small = Small(axes);
  const StandIn simulator(small);
  BatchOptions inside;
  inside.shift_by_cells = true;
  BatchOptions beyond = inside;
  beyond.keep_outside = true;
  Batch cut(simulator, small, inside);
  Batch whole(simulator, small, beyond);
  const double far = 3.6;
  const double near = 2.3;
  const Vector3 impact = axes.x_axis == 0 ? Vector3{near, -far, 0}
                                          : Vector3{far, -near, 0};
  const double momentum = 40;
  for (Batch* batch : {&cut, &whole}) {
    batch->Add(Electron({0, 0, momentum}, impact));
    // Between two ranges: one pitch is 2 cm, the range 1 cm wide.
    batch->Add(Electron({0, 0, momentum}, {1, 0, 0}));
    batch->Add(Electron({0, 0, momentum}, {0, 104.2, 0}));
    batch->Simulate({3, 4});
    double energy = 0;
    std::size_t outside = 0;
    for (const Hit& hit : batch->hits()) {
      const double y = hit.particle == 0 ? impact[1] : 104.2;
      const double x = hit.particle == 0 ? impact[0] : 0;
      CheckNear(hit.energy, EnergyAt(hit.position_cm, x, y, momentum, {3, 4}),
                "energy at the place of a hit");
      if (hit.cell == Hit::kOutside) {
        ++outside;
      } else {
        Check(hit.position_cm ==
                  small.positions_cm[static_cast<std::size_t>(hit.cell)],
              "a hit is at the centre of its cell");
      }
      if (hit.particle == 0 && hit.cell != Hit::kOutside) energy += hit.energy;
    }
    double expected = 0;
    for (const auto& position : small.positions_cm) {
      expected += EnergyAt(position, impact[0] > 3 ? -0.4 : 0.3,
                           impact[1] < -3 ? 0.4 : -0.3, momentum, {3, 4});
    }
    CheckNear(energy + batch->outside_energy()[0], expected,
              "inside and outside make the whole shower");
    Check(batch->outside_energy()[0] > 0 && energy > 0, "some of either");
    Check(batch == &whole ? outside == 11 + 20 : outside == 0,
          "hits outside where they are wanted");
    const auto& back = batch->not_simulated();
    Check(back.size() == (batch == &whole ? 1 : 2) && back[0].particle == 1 &&
              back[0].reason == Reason::kDomain,
          "between the ranges, and beside the cells");
  }
}

void TestRefusals() {
  const StandIn simulator(Small());
  BatchOptions shifted;
  shifted.shift_by_cells = true;
  const auto refused = [&](const std::string& text, const std::string& words,
                           const BatchOptions& options = {}) {
    CheckThrows(
        [&] { Batch(simulator, ParseDescription(text, "small"), options); },
        words);
  };
  const std::string text = SmallSignature();
  refused(Replaced(text, "momentum_x_gev", "pseudorapidity"),
          "a Batch cannot give the condition 'pseudorapidity' of detector "
          "'small'");
  refused(Replaced(text, "impact_y_cm", "energy_gev"),
          "a Batch needs the condition 'impact_y_cm', which detector 'small' "
          "lacks");
  CheckThrows([&] { Batch(StandIn(Small()), {}); }, "a Batch needs the");
  Description other = Small();
  other.response_shape = {5, 4};
  CheckThrows([&] { Batch(simulator, other); },
              "signature.json describes another model: 5 conditions and "
              "responses of [5, 4], but the model takes 5 and returns [4, 5]");
  BatchOptions negative;
  negative.threshold = -1;
  refused(text, "threshold must be 0 or more, not -1.0", negative);
  refused(Replaced(text, "[[1, 1", "[[1, 0"), "1 missing and 0 dead cells",
          shifted);
  refused(Replaced(text, "[[0, 0", "[[0, 1"), "0 missing and 1 dead cells",
          shifted);
  refused(Replaced(text, "[-3, -2, 20", "[-3, -2.1, 20"), "has others",
          shifted);
  refused(SmallSignature({0, {2, 0}}), "has cells without a distance", shifted);
}

// A model that takes the energy knows perpendicular particles only.
void TestEnergyCondition() {
  Description description = Small();
  description.condition_names = {"energy_gev", "impact_x_cm", "impact_y_cm"};
  const StandIn simulator(description);
  Batch batch(simulator, description);
  Particle slow;
  slow.kinetic_energy_gev = 2;
  slow.mass_gev = 3;
  batch.Add(slow);
  batch.Add(Electron({0.5, 0, 50}, {}));
  batch.Add(Electron({1, 0, 50}, {}));
  batch.Simulate({1, 2});
  Check(batch.not_simulated().size() == 1 &&
            batch.not_simulated()[0].particle == 2 &&
            batch.not_simulated()[0].reason == Reason::kDirection,
        "0.6 degrees are taken, 1.1 degrees are not");
  CheckNear(batch.hits()[0].energy,
            EnergyAt(description.positions_cm[0], 0, 0, 2, {1, 2}),
            "the kinetic energy is the condition");
}

void Fill(Batch& batch, double momentum) {
  batch.Clear();
  for (int i = 0; i < 20; ++i) {
    batch.Add(Electron({0, 0, momentum + i}, {0.01 * i, 2.01 * (i % 3), 0}));
  }
}

void TestAllocations() {
  Check(CountAllocations([] { ::operator delete(::operator new(1)); }) == 1,
        "one is counted");
  const StandIn simulator(Small());
  BatchOptions options;
  options.shift_by_cells = true;
  Batch batch(simulator, Small(), options);
  const auto event = [&](double momentum, std::int32_t seed) {
    Fill(batch, momentum);
    batch.Simulate({seed, 0});
    Check(batch.hits().size() > 300, "hits");
  };
  Check(CountAllocations([&] { event(20, 1); }) > 0, "the first event");
  Check(CountAllocations([&] {
          for (std::int32_t seed = 2; seed < 9; ++seed) event(10 + seed, seed);
        }) == 0,
        "later events of as many particles allocate nothing");
}

void TestSeveralThreads() {
  const StandIn simulator(Small());
  const auto energies = [&](std::int32_t number) {
    Batch batch(simulator, Small());
    Fill(batch, 20 + number);
    std::vector<float> found;
    for (std::int32_t seed = 0; seed < 5; ++seed) {
      batch.Simulate({seed, number});
      for (const Hit& hit : batch.hits()) found.push_back(hit.energy);
    }
    return found;
  };
  std::array<std::vector<float>, 4> together;
  std::vector<std::thread> threads;
  for (std::int32_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      together[static_cast<std::size_t>(i)] = energies(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::int32_t i = 0; i < 4; ++i) {
    Check(energies(i) == together[static_cast<std::size_t>(i)],
          "batches at the same time do not disturb each other");
  }
}

}  // namespace

int main() {
  TestMomentum();
  TestConditions();
  TestHits();
  TestNotSimulated();
  for (const double first : {2.0, -2.0}) {
    for (const double second : {2.0, -2.0}) {
      TestShifts({0, {first, second}});
      TestShifts({1, {first, second}});
    }
  }
  TestRefusals();
  TestEnergyCondition();
  TestAllocations();
  TestSeveralThreads();
  return 0;
}
