// A particle that reaches the calorimeter, as a simulation of the detector
// knows it. All in the frame of the model: z is the depth, x and y the plane of
// the front face.
#ifndef FASTSIM_ZOO_PARTICLE_HPP_
#define FASTSIM_ZOO_PARTICLE_HPP_

#include <array>
#include <cmath>
#include <cstdint>

namespace fastsim_zoo {

using Vector3 = std::array<double, 3>;

inline double Norm(const Vector3& vector) {
  return std::hypot(vector[0], vector[1], vector[2]);
}

// Source: Particle Data Group, Review of Particle Physics 2024.
inline constexpr double kElectronMassGev = 0.00051099895;

struct Particle {
  // Code of the Particle Data Group: 11 is an electron, -11 a positron.
  std::int32_t pdg = 11;
  double mass_gev = kElectronMassGev;
  double kinetic_energy_gev = 0;
  // Of any length but 0.
  Vector3 direction{0, 0, 1};
  // On the front face or before it.
  Vector3 position_cm{0, 0, 0};
};

inline Particle FromMomentum(std::int32_t pdg, double mass_gev,
                             const Vector3& momentum_gev,
                             const Vector3& position_cm) {
  const double momentum = Norm(momentum_gev);
  // As sqrt(p^2 + m^2) - m, which would lose digits where the particle is slow.
  const double kinetic =
      momentum / (std::hypot(momentum, mass_gev) + mass_gev) * momentum;
  return {pdg, mass_gev, kinetic, momentum_gev, position_cm};
}

}  // namespace fastsim_zoo

#endif  // FASTSIM_ZOO_PARTICLE_HPP_
