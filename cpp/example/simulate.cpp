// Simulates the response to every row of a CSV file of conditions.
//
//   simulate MODEL CONDITIONS.csv OUTPUT.csv
//            [--seed A B] [--threads N] [--batch N]
//
// Each line of the output is one event: 1 if its conditions lie inside the
// trained range and 0 if not, then all cells in row-major order. Batch number c
// (from 0) uses the seed (A, B + c): the same seed AND the same batch size give
// the same events again.
//
// MODEL is the directory of a SavedModel; of the program simulate_onnx, which is
// this one on onnxruntime, that of a model.onnx.
//
// Bad input: exit status 2 and one line on stderr, the last there. TensorFlow
// writes its own before; TF_CPP_MIN_LOG_LEVEL=2 in the environment keeps that
// short. It is read before main(), so setting it here would come too late.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <limits>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "chosen_simulator.hpp"
#include "csv.hpp"

namespace {

void RequireSeeds(const fastsim_zoo::Seed& seed, std::size_t batches) {
  const std::int64_t last = seed[1] + static_cast<std::int64_t>(batches) - 1;
  if (last > std::numeric_limits<std::int32_t>::max()) {
    throw fastsim_zoo::Error("--seed: the last of " + std::to_string(batches) +
                             " batches has B = " + std::to_string(last) +
                             ", which must stay below 2^31");
  }
}

void Run(const Arguments& arguments) {
  // What a user can get wrong comes before the model, which takes longest.
  const fastsim_zoo::Table conditions = ReadConditions(arguments.conditions);
  const std::size_t columns = static_cast<std::size_t>(conditions.columns);
  const std::size_t events = conditions.values.size() / columns;
  const std::size_t batch_size = static_cast<std::size_t>(arguments.batch);
  RequireSeeds(arguments.seed, (events + batch_size - 1) / batch_size);
  ResponseFile output(arguments.output);
  const Simulator simulator(arguments.model, {arguments.threads});
  if (conditions.columns != simulator.num_conditions()) {
    throw fastsim_zoo::Error(
        arguments.conditions + ": " + std::to_string(columns) +
        " columns, but the model takes " +
        std::to_string(simulator.num_conditions()) + " conditions");
  }

  std::chrono::duration<double> spent{0};
  // This one also optimises the graph: it would hide the time of the others.
  std::chrono::duration<double> spent_on_first{0};
  fastsim_zoo::Seed seed = arguments.seed;
  fastsim_zoo::Simulation simulation;
  for (std::size_t first = 0; first < events; first += batch_size) {
    if (first != 0) ++seed[1];
    const float* const begin = conditions.values.data() + first * columns;
    const float* const end =
        begin + std::min(batch_size, events - first) * columns;
    const fastsim_zoo::Table batch{conditions.columns, {begin, end}};
    const auto start = std::chrono::steady_clock::now();
    simulator.SimulateInto(batch, seed, simulation);
    spent += std::chrono::steady_clock::now() - start;
    if (first == 0) spent_on_first = spent;
    output.Write(simulation);
  }
  output.Commit();
  std::printf("%zu events in %.3f s of simulation, %.4f ms/event\n", events,
              spent.count(), 1e3 * spent.count() / static_cast<double>(events));
  std::fprintf(stderr, "the first call: %.1f us\n",
               1e6 * spent_on_first.count());
  if (events <= batch_size) return;
  const std::size_t more = events - batch_size;
  const std::size_t calls = (more + batch_size - 1) / batch_size;
  const double microseconds = 1e6 * (spent - spent_on_first).count();
  std::fprintf(stderr, "%zu more calls: mean %.1f us/call, %.1f us/event\n",
               calls, microseconds / static_cast<double>(calls),
               microseconds / static_cast<double>(more));
}

}  // namespace

int main(int argc, char** argv) {
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
