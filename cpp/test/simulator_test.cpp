// What must hold for every model of the zoo.
//
//   simulator_test MODEL CONDITION...
//
// The numbers are the conditions of one event the model was trained on. The
// same is built for each of the two libraries that can run a model.
#ifdef FASTSIM_ZOO_TEST_OF_ONNX
#include "fastsim_zoo/onnx_simulator.hpp"
#else
#include "fastsim_zoo/simulator.hpp"
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "check.hpp"

namespace {

using fastsim_zoo::Simulation;
using fastsim_zoo::Table;
#ifdef FASTSIM_ZOO_TEST_OF_ONNX
using Simulator = fastsim_zoo::OnnxSimulator;

void TestNoModel(const std::string& path) {
  CheckThrows([&] { Simulator(path + "/no_such_directory"); },
              "no_such_directory/model.onnx': there is no such file");
}
#else
using fastsim_zoo::Simulator;

void TestNoModel(const std::string& path) {
  CheckThrows([&] { Simulator(path + "/no_such_directory"); },
              "no_such_directory': there is no such directory");
  CheckThrows([&] { Simulator(path + "/variables"); }, "cannot be loaded");
}
#endif

// `rows` times the same values.
Table Repeat(const std::vector<float>& values, std::size_t rows) {
  Table table{static_cast<std::int64_t>(values.size()), {}};
  for (std::size_t row = 0; row < rows; ++row) {
    table.values.insert(table.values.end(), values.begin(), values.end());
  }
  return table;
}

Table Noise(const Simulator& simulator, std::size_t rows, float value) {
  const auto size = static_cast<std::size_t>(simulator.num_noise());
  return Repeat(std::vector<float>(size, value), rows);
}

void TestSeeds(const Simulator& simulator, const std::vector<float>& event) {
  const Table conditions = Repeat(event, 3);
  const auto first = simulator.Simulate(conditions, {1, 2});
  std::int64_t cells = 1;
  for (const std::int64_t size : simulator.response_shape()) cells *= size;
  Check(first.responses.size() == static_cast<std::size_t>(3 * cells),
        "three responses of response_shape()");
  Check(first.in_domain == std::vector<bool>(3, true), "three flags, all set");
  Check(simulator.Simulate(conditions, {1, 2}).responses == first.responses,
        "the same seed gives the same responses");
  Check(simulator.Simulate(conditions, {1, 3}).responses != first.responses,
        "another seed gives other responses");
  Check(simulator.Simulate(conditions, {2, 2}).responses != first.responses,
        "both numbers of the seed count");
}

void TestNoEvents(const Simulator& simulator) {
  const Table conditions{simulator.num_conditions(), {}};
  const auto nothing = simulator.Simulate(conditions, {1, 2});
  Check(nothing.responses.empty() && nothing.in_domain.empty(),
        "no conditions, no responses");
  Check(simulator.SimulateFromNoise(conditions, Noise(simulator, 0, 0)).empty(),
        "nor from no noise");
}

void TestNoise(const Simulator& simulator, const std::vector<float>& event) {
  const Table conditions = Repeat(event, 2);
  const Table noise = Noise(simulator, 2, 0.1F);
  const auto responses = simulator.SimulateFromNoise(conditions, noise);
  const std::size_t cells = responses.size() / 2;
  for (std::size_t cell = 0; cell < cells; ++cell) {
    const float first = responses[cell];
    Check(std::abs(first - responses[cells + cell]) <= 1e-5F * std::abs(first),
          "equal conditions and noise give equal responses");
  }
  const Table other = Noise(simulator, 2, -0.1F);
  Check(simulator.SimulateFromNoise(conditions, other) != responses,
        "other noise gives other responses");
  const Table shorter = Noise(simulator, 1, 0.1F);
  CheckThrows([&] { simulator.SimulateFromNoise(conditions, shorter); },
              "noise: 1 rows, but 2 rows of conditions");
}

void TestWrongColumns(const Simulator& simulator, std::vector<float> event) {
  const std::string taken = std::to_string(event.size());
  Table unfilled = Repeat(event, 2);
  unfilled.values.push_back(0);
  if (unfilled.columns > 1) {
    CheckThrows([&] { simulator.Simulate(unfilled, {1, 2}); },
                "values do not fill rows of " + taken);
  }
  event.push_back(0);
  // As many numbers as so many events of the right length would have.
  CheckThrows(
      [&] { simulator.Simulate(Repeat(event, event.size() - 1), {1, 2}); },
      std::to_string(event.size()) + " columns, but the model takes " + taken);
  CheckThrows([&] { simulator.Simulate({0, {}}, {1, 2}); },
              "0 columns, but the model takes " + taken);
}

void TestNotFinite(const Simulator& simulator,
                   const std::vector<float>& event) {
  const Table conditions = Repeat(event, 3);
  const Table noise = Noise(simulator, 3, 0.1F);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                          -std::numeric_limits<float>::infinity()}) {
    const std::string words =
        ": " + std::to_string(bad) + " in row 1, column 0";
    Table wrong = conditions;
    wrong.values[event.size()] = bad;
    CheckThrows([&] { simulator.Simulate(wrong, {1, 2}); },
                "condition" + words);
    CheckThrows([&] { simulator.SimulateFromNoise(wrong, noise); },
                "condition" + words);
    wrong = noise;
    wrong.values[static_cast<std::size_t>(noise.columns)] = bad;
    CheckThrows([&] { simulator.SimulateFromNoise(conditions, wrong); },
                "noise" + words);
  }
}

// Fewer and more rows in the same buffers, which allocate no more.
void TestSimulateInto(const Simulator& simulator,
                      const std::vector<float>& event) {
  Simulation reused;
  std::size_t calls = 0;
  for (const std::size_t rows : {4, 0, 2, 4}) {
    const Table conditions = Repeat(event, rows);
    const Simulation fresh = simulator.Simulate(conditions, {1, 2});
    const std::size_t allocations = CountAllocations(
        [&] { simulator.SimulateInto(conditions, {1, 2}, reused); });
    Check(reused.responses == fresh.responses &&
              reused.in_domain == fresh.in_domain,
          "the same in buffers that were used before");
    Check((allocations == 0) == (calls++ != 0),
          "only the first call allocates, not those of as many rows or fewer");
  }
}

void TestSeveralThreads(const Simulator& simulator,
                        const std::vector<float>& event) {
  // Each thread has its own conditions, as many as no other, and a buffer.
  const auto simulate = [&](std::size_t number) {
    std::vector<float> scaled = event;
    for (float& value : scaled) value *= 1 + 0.01F * static_cast<float>(number);
    const Table conditions = Repeat(scaled, 2 + number);
    const auto first = static_cast<std::int32_t>(number);
    Simulation simulation;
    std::vector<float> responses;
    for (std::int32_t call = 0; call < 3; ++call) {
      simulator.SimulateInto(conditions, {first, call}, simulation);
      responses.insert(responses.end(), simulation.responses.begin(),
                       simulation.responses.end());
    }
    return responses;
  };
  std::vector<std::vector<float>> together(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < together.size(); ++i) {
    threads.emplace_back([&, i] { together[i] = simulate(i); });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < together.size(); ++i) {
    Check(simulate(i) == together[i],
          "calls at the same time do not disturb each other");
  }
}

void TestMove(Simulator simulator, const std::vector<float>& event) {
  const Table conditions = Repeat(event, 1);
  const auto before = simulator.Simulate(conditions, {1, 2});
  const Simulator moved = std::move(simulator);
  Check(moved.Simulate(conditions, {1, 2}).responses == before.responses,
        "a moved Simulator works");
}

}  // namespace

int main(int argc, char** argv) {
  Check(argc > 2, "usage: simulator_test MODEL CONDITION...");
  const std::string path = argv[1];
  std::vector<float> event;
  for (int i = 2; i < argc; ++i) event.push_back(std::stof(argv[i]));

  TestNoModel(path);
  CheckThrows([&] { Simulator(path, {-1}); }, "threads must be 0");
  const Simulator simulator(path, {2});
  Check(simulator.num_conditions() == static_cast<std::int64_t>(event.size()),
        "as many conditions as the model takes");
  TestSeeds(simulator, event);
  TestSimulateInto(simulator, event);
  TestNoEvents(simulator);
  TestNoise(simulator, event);
  TestWrongColumns(simulator, event);
  TestNotFinite(simulator, event);
  TestSeveralThreads(simulator, event);
  TestMove(Simulator(path), event);
  return 0;
}
