// Standard normal numbers from a seed, the same on every machine.
#ifndef FASTSIM_ZOO_NORMAL_NOISE_HPP_
#define FASTSIM_ZOO_NORMAL_NOISE_HPP_

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "fastsim_zoo/table.hpp"

namespace fastsim_zoo::internal {

// Philox4x32-10: four random words for each value of a counter, without a
// state. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
inline std::array<std::uint32_t, 4> Philox(std::array<std::uint32_t, 4> counter,
                                           std::array<std::uint32_t, 2> key) {
  constexpr std::uint64_t kFirst = 0xD2511F53U;
  constexpr std::uint64_t kSecond = 0xCD9E8D57U;
  constexpr std::array<std::uint32_t, 2> kWeyl{0x9E3779B9U, 0xBB67AE85U};
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t first = kFirst * counter[0];
    const std::uint64_t second = kSecond * counter[2];
    const auto high = [](std::uint64_t product) {
      return static_cast<std::uint32_t>(product >> 32);
    };
    counter = {high(second) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(second),
               high(first) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(first)};
    key = {key[0] + kWeyl[0], key[1] + kWeyl[1]};
  }
  return counter;
}

// Two standard normal numbers from two random words, by Box and Muller.
inline std::array<float, 2> Normal(std::uint32_t first, std::uint32_t second) {
  constexpr float kStep = 1.0F / 16777216.0F;
  constexpr float kTwoPi = 6.28318530718F;
  // Never 0, of which there is no logarithm.
  const float uniform = static_cast<float>((first >> 8) + 1U) * kStep;
  const float radius = std::sqrt(-2.0F * std::log(uniform));
  const float angle = kTwoPi * static_cast<float>(second >> 8) * kStep;
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

// Fills a table with `rows` rows of `columns` numbers, in the memory that it
// has; fewer rows are the first of more.
inline void DrawNormal(std::int64_t rows, std::int64_t columns,
                       const Seed& seed, Table& table) {
  table.columns = columns;
  const auto count = static_cast<std::size_t>(rows * columns);
  // Whole counters: up to three numbers more.
  table.values.resize((count + 3) / 4 * 4);
  const std::array<std::uint32_t, 2> key{static_cast<std::uint32_t>(seed[0]),
                                         static_cast<std::uint32_t>(seed[1])};
  for (std::size_t first = 0; first < count; first += 4) {
    const std::uint64_t number = first / 4;
    const auto words = Philox({static_cast<std::uint32_t>(number),
                               static_cast<std::uint32_t>(number >> 32), 0, 0},
                              key);
    for (std::size_t pair = 0; pair < 4; pair += 2) {
      const auto normal = Normal(words[pair], words[pair + 1]);
      table.values[first + pair] = normal[0];
      table.values[first + pair + 1] = normal[1];
    }
  }
  table.values.resize(count);
}

}  // namespace fastsim_zoo::internal

#endif  // FASTSIM_ZOO_NORMAL_NOISE_HPP_
