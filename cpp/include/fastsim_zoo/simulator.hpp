// Calls a model of the zoo from C++: conditions in, detector responses out,
// both in physical units. The transforms are inside the SavedModel.
#ifndef FASTSIM_ZOO_SIMULATOR_HPP_
#define FASTSIM_ZOO_SIMULATOR_HPP_

#include <tensorflow/c/c_api.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fastsim_zoo/error.hpp"
#include "fastsim_zoo/handles.hpp"
#include "fastsim_zoo/session.hpp"

namespace fastsim_zoo {

struct Options {
  // Threads inside one operation and between operations; 0 leaves the number to
  // TensorFlow (one per core). TensorFlow makes its pools once in a process:
  // the first Simulator decides for all later ones.
  int threads = 0;
};

// Rows of equal length, one event a row, one after the other.
struct Table {
  std::int64_t columns = 0;
  std::vector<float> values;
};

using Seed = std::array<std::int32_t, 2>;

struct Simulation {
  // All events one after the other, each in row-major order.
  std::vector<float> responses;
  // Whether the model was trained on conditions like those of the event.
  std::vector<bool> in_domain;
};

// Its methods are const and may be called from several threads at once.
class Simulator {
 public:
  // Loads the directory that holds `saved_model.pb`. Throws Error if there is
  // none, or if its signatures are not those of the zoo.
  explicit Simulator(const std::string& path, const Options& options = {})
      : session_(path, options.threads),
        condition_(session_.Input(kSimulate, "condition", TF_FLOAT)),
        seed_(session_.Input(kSimulate, "seed", TF_INT32)),
        response_(session_.Output(kSimulate, "response", TF_FLOAT)),
        in_domain_(session_.Output(kSimulate, "in_domain", TF_BOOL)),
        noise_condition_(session_.Input(kFromNoise, "condition", TF_FLOAT)),
        noise_(session_.Input(kFromNoise, "noise", TF_FLOAT)),
        noise_response_(session_.Output(kFromNoise, "response", TF_FLOAT)) {}

  // Number of conditions of one event.
  std::int64_t num_conditions() const { return Size(condition_); }

  // Noise dimension of one event.
  std::int64_t num_noise() const { return Size(noise_); }

  // Shape of the response of one event.
  const std::vector<std::int64_t>& response_shape() const {
    return response_.event_shape;
  }

  // Simulates one response for each row of `conditions`. The same seed gives
  // the same responses, and those of fewer rows are the first of those of more.
  // Throws Error if a row has not num_conditions() columns, or on a condition
  // that is not finite.
  Simulation Simulate(const Table& conditions, const Seed& seed) const {
    const std::int64_t events = Rows("condition", conditions, condition_);
    // TensorFlow's fused convolutions return a wrong shape for an empty batch.
    if (events == 0) return {};
    std::vector<internal::TensorPtr> inputs;
    inputs.push_back(Feed(conditions, events, condition_));
    inputs.push_back(internal::MakeTensor(TF_INT32, {2}, seed.data()));
    const auto outputs = Run({condition_.output, seed_.output}, inputs,
                             {response_.output, in_domain_.output}, conditions);
    Simulation simulation;
    simulation.responses = Fetch<float>(outputs[0].get(), events, response_);
    const auto flags =
        Fetch<unsigned char>(outputs[1].get(), events, in_domain_);
    simulation.in_domain.assign(flags.begin(), flags.end());
    return simulation;
  }

  // As Simulate, but the caller draws the noise, num_noise() values an event,
  // and learns nothing of the trained range.
  std::vector<float> SimulateFromNoise(const Table& conditions,
                                       const Table& noise) const {
    const std::int64_t events = Rows("condition", conditions, noise_condition_);
    if (Rows("noise", noise, noise_) != events) {
      throw Error("noise: " + std::to_string(Rows("noise", noise, noise_)) +
                  " rows, but " + std::to_string(events) +
                  " rows of conditions");
    }
    if (events == 0) return {};
    std::vector<internal::TensorPtr> inputs;
    inputs.push_back(Feed(conditions, events, noise_condition_));
    inputs.push_back(Feed(noise, events, noise_));
    const auto outputs = Run({noise_condition_.output, noise_.output}, inputs,
                             {noise_response_.output}, conditions, noise);
    return Fetch<float>(outputs[0].get(), events, noise_response_);
  }

 private:
  static constexpr char kSimulate[] = "simulate";
  static constexpr char kFromNoise[] = "simulate_from_noise";

  static std::int64_t Size(const internal::Port& port) {
    return internal::ElementCount(port.event_shape);
  }

  static std::int64_t Rows(const std::string& name, const Table& table,
                           const internal::Port& port) {
    if (table.columns != Size(port)) {
      throw Error(name + ": " + std::to_string(table.columns) +
                  " columns, but the model takes " +
                  std::to_string(Size(port)));
    }
    const auto values = static_cast<std::int64_t>(table.values.size());
    if (values % table.columns != 0) {
      throw Error(name + ": " + std::to_string(values) +
                  " values do not fill rows of " +
                  std::to_string(table.columns));
    }
    return values / table.columns;
  }

  static std::vector<std::int64_t> BatchShape(std::int64_t events,
                                              const internal::Port& port) {
    std::vector<std::int64_t> shape{events};
    shape.insert(shape.end(), port.event_shape.begin(), port.event_shape.end());
    return shape;
  }

  static internal::TensorPtr Feed(const Table& table, std::int64_t events,
                                  const internal::Port& port) {
    return internal::MakeTensor(TF_FLOAT, BatchShape(events, port),
                                table.values.data());
  }

  template <typename T>
  static std::vector<T> Fetch(const TF_Tensor* tensor, std::int64_t events,
                              const internal::Port& port) {
    const std::vector<std::int64_t> shape = BatchShape(events, port);
    if (internal::Shape(tensor) != shape) {
      throw Error("the model returned a tensor of shape " +
                  internal::ToString(internal::Shape(tensor)) +
                  ", but its signature says " + internal::ToString(shape));
    }
    const T* const values = static_cast<const T*>(TF_TensorData(tensor));
    return std::vector<T>(values, values + internal::ElementCount(shape));
  }

  // The graph itself refuses numbers that are not finite, but does not say
  // which one it met.
  std::vector<internal::TensorPtr> Run(
      const std::vector<TF_Output>& inputs,
      const std::vector<internal::TensorPtr>& tensors,
      const std::vector<TF_Output>& outputs, const Table& conditions,
      const Table& noise = {}) const {
    try {
      return session_.Run(inputs, tensors, outputs);
    } catch (const Error&) {
      RequireFinite("condition", conditions);
      RequireFinite("noise", noise);
      throw;
    }
  }

  static void RequireFinite(const std::string& name, const Table& table) {
    const auto begin = table.values.begin();
    const auto bad = std::find_if(begin, table.values.end(), [](float value) {
      return !std::isfinite(value);
    });
    if (bad == table.values.end()) return;
    const std::int64_t index = bad - begin;
    throw Error(name + ": " + std::to_string(*bad) + " in row " +
                std::to_string(index / table.columns) + ", column " +
                std::to_string(index % table.columns) +
                " (from 0); it must be finite");
  }

  internal::Session session_;
  internal::Port condition_;
  internal::Port seed_;
  internal::Port response_;
  internal::Port in_domain_;
  internal::Port noise_condition_;
  internal::Port noise_;
  internal::Port noise_response_;
};

}  // namespace fastsim_zoo

#endif  // FASTSIM_ZOO_SIMULATOR_HPP_
