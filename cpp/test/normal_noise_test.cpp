// The noise of the ONNX loader: the published numbers of its generator, and
// what normal numbers must obey.
#include "fastsim_zoo/normal_noise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "check.hpp"

namespace {

using fastsim_zoo::Seed;
using fastsim_zoo::Table;
using fastsim_zoo::internal::Philox;

std::vector<float> Draw(std::int64_t rows, std::int64_t columns,
                        const Seed& seed) {
  Table table;
  fastsim_zoo::internal::DrawNormal(rows, columns, seed, table);
  return table.values;
}

// The answers that come with the authors' own code, for ten rounds.
void TestPhilox() {
  using Words = std::array<std::uint32_t, 4>;
  Check(Philox({0, 0, 0, 0}, {0, 0}) ==
            Words{0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U},
        "Philox of zeros");
  constexpr std::uint32_t kAll = 0xffffffffU;
  Check(Philox({kAll, kAll, kAll, kAll}, {kAll, kAll}) ==
            Words{0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU},
        "Philox of ones");
  Check(Philox({0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U},
               {0xa4093822U, 0x299f31d0U}) ==
            Words{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U},
        "Philox of the digits of pi");
}

void TestRows() {
  const auto whole = Draw(5, 7, {3, -4});
  const auto fewer = Draw(2, 7, {3, -4});
  Check(whole.size() == 35 && fewer.size() == 14, "rows times columns");
  Check(std::equal(fewer.begin(), fewer.end(), whole.begin()),
        "fewer rows are the first of more");
  Check(Draw(5, 7, {-4, 3}) != whole, "the seed counts");
  Check(Draw(0, 7, {3, -4}).empty(), "no rows, no numbers");
}

// Moments within five standard errors, and neighbours without correlation.
void TestMoments() {
  constexpr std::size_t kCount = 400000;
  const auto x = Draw(kCount / 100, 100, {1, 2});
  std::array<double, 5> sums{};
  for (std::size_t i = 0; i < kCount; ++i) {
    const double value = x[i];
    Check(std::isfinite(value), "finite");
    sums[0] += value;
    sums[1] += value * value;
    sums[2] += value * value * value * value;
    sums[3] += value * x[(i + 1) % kCount];
    sums[4] += std::abs(value) > 1.959964 ? 1 : 0;
  }
  const std::array<double, 5> expected{0, 1, 3, 0, 0.05};
  const std::array<double, 5> variance{1, 2, 96, 1, 0.05 * 0.95};
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double error = std::sqrt(variance[i] / kCount);
    Check(std::abs(sums[i] / kCount - expected[i]) < 5 * error,
          "moment " + std::to_string(i) + " of normal numbers");
  }
}

}  // namespace

int main() {
  TestPhilox();
  TestRows();
  TestMoments();
  return 0;
}
