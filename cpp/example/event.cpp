// Simulates the particles of one event in one call, and prints what each left.
//
//   event MODEL [A B]
//
// MODEL is the directory of a SavedModel whose conditions are momentum and
// impact, for example pretrained/cascade_ecal/saved_model, and A B the seed; of
// the program event_onnx, that of a model.onnx. Bad input: exit status 2 and
// one line on stderr, the last there.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <limits>
#include <ratio>
#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "chosen_simulator.hpp"
#include "fastsim_zoo/batch.hpp"

namespace {

// Units of fastsim_zoo::Particle: GeV and cm, z = 0 on the front face.
std::vector<fastsim_zoo::Particle> Event() {
  using fastsim_zoo::FromMomentum;
  using fastsim_zoo::kElectronMassGev;
  fastsim_zoo::Particle positron;
  positron.pdg = -11;
  positron.kinetic_energy_gev = 20;
  positron.position_cm = {-6.2, 4.1, 0};
  return {
      FromMomentum(11, kElectronMassGev, {0, 0, 50}, {0.2, -0.3, 0}),
      positron,
      // Its straight line crosses the front face at (3.9, 0).
      FromMomentum(11, kElectronMassGev, {1, 0, 10}, {2.9, 0, -10}),
      // A photon, a particle of too much energy, one beside the cells.
      FromMomentum(22, 0, {0, 0, 30}, {0, 0, 0}),
      FromMomentum(11, kElectronMassGev, {0, 0, 900}, {0, 0, 0}),
      FromMomentum(11, kElectronMassGev, {0, 0, 50}, {310, 0, 0}),
  };
}

void Run(const std::string& model, const fastsim_zoo::Seed& seed) {
  fastsim_zoo::BatchOptions options;
  options.threshold = 1;
  options.shift_by_cells = true;
  fastsim_zoo::Description description = fastsim_zoo::ReadDescription(model);
  const Simulator simulator(model);
  fastsim_zoo::Batch<Simulator> batch(simulator, std::move(description),
                                      options);
  // In a program with many events: Clear(), Add(), Simulate() for each.
  for (const fastsim_zoo::Particle& particle : Event()) batch.Add(particle);
  const auto call = [&] {
    const auto start = std::chrono::steady_clock::now();
    batch.Simulate(seed);
    const std::chrono::duration<double, std::micro> spent =
        std::chrono::steady_clock::now() - start;
    return spent.count();
  };
  const double first = call();
  const char* const unit = batch.description().response_unit.c_str();
  std::vector<std::size_t> hits(Event().size());
  std::vector<double> energies(hits.size());
  for (const fastsim_zoo::Hit& hit : batch.hits()) {
    ++hits[hit.particle];
    energies[hit.particle] += static_cast<double>(hit.energy);
  }
  for (std::size_t particle = 0; particle < hits.size(); ++particle) {
    if (hits[particle] == 0) continue;
    std::printf("particle %zu: %zu hits, %.1f %s, %.1f %s beyond the cells\n",
                particle, hits[particle], energies[particle], unit,
                batch.outside_energy()[particle], unit);
  }
  for (const auto& [particle, reason] : batch.not_simulated()) {
    std::printf("particle %zu: not simulated, %s\n", particle,
                ToString(reason));
  }
  const std::size_t simulated = hits.size() - batch.not_simulated().size();
  if (simulated == 0) return;
  constexpr int kCalls = 20;
  double mean = 0;
  for (int i = 0; i < kCalls; ++i) mean += call() / kCalls;
  std::fprintf(stderr,
               "the first call: %.1f us\n"
               "%d more calls: mean %.1f us/call, %.1f us/shower\n",
               first, kCalls, mean, mean / static_cast<double>(simulated));
}

std::int32_t ParseSeed(const std::string& text) {
  return ParseInteger("the seed", text,
                      std::numeric_limits<std::int32_t>::min());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2 && argc != 4) {
      throw fastsim_zoo::Error("usage: event MODEL [A B]");
    }
    fastsim_zoo::Seed seed{0, 0};
    if (argc == 4) seed = {ParseSeed(argv[2]), ParseSeed(argv[3])};
    Run(argv[1], seed);
    return 0;
  } catch (const fastsim_zoo::Error& error) {
    std::fprintf(stderr, "event: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "event: %s\n", error.what());
    return 1;
  }
}
