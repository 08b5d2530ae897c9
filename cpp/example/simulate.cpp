// Simulates the response to every row of a CSV file of conditions.
//
//   simulate SAVED_MODEL CONDITIONS.csv OUTPUT.csv
//            [--seed A B] [--threads N] [--batch N]
//
// Each line of the output is one event: 1 if its conditions lie inside the
// trained range and 0 if not, then all cells in row-major order. Batch number c
// (from 0) uses the seed (A, B + c): the same seed AND the same batch size give
// the same events again.
//
// Bad input: one line on stderr and exit status 2.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <limits>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "csv.hpp"
#include "fastsim_zoo/simulator.hpp"

namespace {

fastsim_zoo::Seed BatchSeed(const fastsim_zoo::Seed& seed, std::int64_t batch) {
  const std::int64_t second = seed[1] + batch;
  if (second > std::numeric_limits<std::int32_t>::max()) {
    throw fastsim_zoo::Error(
        "--seed: B + the number of batches must stay below 2^31");
  }
  return {seed[0], static_cast<std::int32_t>(second)};
}

void Run(const Arguments& arguments) {
  // What a user can get wrong comes before the model, which takes longest.
  const fastsim_zoo::Table conditions = ReadConditions(arguments.conditions);
  ResponseFile output(arguments.output);
  const fastsim_zoo::Simulator simulator(arguments.saved_model,
                                         {arguments.threads});
  if (conditions.columns != simulator.num_conditions()) {
    throw fastsim_zoo::Error(
        arguments.conditions + ": " + std::to_string(conditions.columns) +
        " columns, but the model takes " +
        std::to_string(simulator.num_conditions()) + " conditions");
  }

  const std::size_t rows_size = conditions.values.size();
  const std::size_t batch_size = static_cast<std::size_t>(arguments.batch) *
                                 static_cast<std::size_t>(conditions.columns);
  std::chrono::duration<double> spent{0};
  std::int64_t batch = 0;
  for (std::size_t first = 0; first < rows_size; first += batch_size, ++batch) {
    const float* const begin = conditions.values.data() + first;
    const fastsim_zoo::Table rows{
        conditions.columns,
        {begin, begin + std::min(batch_size, rows_size - first)}};
    const auto start = std::chrono::steady_clock::now();
    const fastsim_zoo::Simulation simulation =
        simulator.Simulate(rows, BatchSeed(arguments.seed, batch));
    spent += std::chrono::steady_clock::now() - start;
    output.Write(simulation);
  }
  output.Commit();

  const std::size_t events =
      rows_size / static_cast<std::size_t>(conditions.columns);
  std::printf("%zu events in %.3f s of simulation, %.4f ms/event\n", events,
              spent.count(), 1e3 * spent.count() / static_cast<double>(events));
}

}  // namespace

int main(int argc, char** argv) {
  // Else TensorFlow's reports of its own state bury an error. A value that is
  // already set wins.
  setenv("TF_CPP_MIN_LOG_LEVEL", "2", /*overwrite=*/0);
  try {
    Run(ParseArguments({argv + 1, argv + argc}));
    return 0;
  } catch (const fastsim_zoo::Error& error) {
    std::fprintf(stderr, "simulate: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "simulate: %s\n", error.what());
    return 1;
  }
}
