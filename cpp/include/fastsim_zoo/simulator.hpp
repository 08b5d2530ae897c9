// Calls a model of the zoo from C++: conditions in, detector responses out,
// both in physical units. The transforms are inside the SavedModel.
#ifndef FASTSIM_ZOO_SIMULATOR_HPP_
#define FASTSIM_ZOO_SIMULATOR_HPP_

#include <tensorflow/c/c_api.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fastsim_zoo/error.hpp"
#include "fastsim_zoo/handles.hpp"
#include "fastsim_zoo/session.hpp"
#include "fastsim_zoo/table.hpp"

namespace fastsim_zoo {

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
    Simulation simulation;
    SimulateInto(conditions, seed, simulation);
    return simulation;
  }

  // As Simulate, into what an earlier call has filled. Buffers that are large
  // enough are used again: then only TensorFlow allocates.
  void SimulateInto(const Table& conditions, const Seed& seed,
                    Simulation& simulation) const {
    const std::int64_t events =
        internal::Rows("condition", conditions, num_conditions());
    simulation.responses.clear();
    simulation.in_domain.clear();
    simulation.noise.values.clear();
    // TensorFlow's fused convolutions return a wrong shape for an empty batch.
    if (events == 0) return;
    const std::array<internal::TensorPtr, 2> inputs{
        Feed(conditions, events, condition_),
        internal::MakeTensor(TF_INT32, internal::BatchShape(2, {}),
                             seed.data())};
    const auto outputs =
        Run<2, 2>({condition_.output, seed_.output}, inputs,
                  {response_.output, in_domain_.output}, conditions);
    Fetch<float>(outputs[0].get(), events, response_, simulation.responses);
    Fetch<unsigned char>(outputs[1].get(), events, in_domain_,
                         simulation.in_domain);
  }

  // As Simulate, but the caller draws the noise, num_noise() values an event,
  // and learns nothing of the trained range.
  std::vector<float> SimulateFromNoise(const Table& conditions,
                                       const Table& noise) const {
    const std::int64_t events = internal::Rows(
        conditions, Size(noise_condition_), noise, num_noise());
    if (events == 0) return {};
    const std::array<internal::TensorPtr, 2> inputs{
        Feed(conditions, events, noise_condition_),
        Feed(noise, events, noise_)};
    const auto outputs =
        Run<2, 1>({noise_condition_.output, noise_.output}, inputs,
                  {noise_response_.output}, conditions, noise);
    std::vector<float> responses;
    Fetch<float>(outputs[0].get(), events, noise_response_, responses);
    return responses;
  }

 private:
  static constexpr char kSimulate[] = "simulate";
  static constexpr char kFromNoise[] = "simulate_from_noise";

  static std::int64_t Size(const internal::Port& port) {
    return internal::ElementCount(port.event_shape);
  }

  static internal::TensorPtr Feed(const Table& table, std::int64_t events,
                                  const internal::Port& port) {
    return internal::MakeTensor(
        TF_FLOAT, internal::BatchShape(events, port.event_shape),
        table.values.data());
  }

  template <typename T, typename Values>
  static void Fetch(const TF_Tensor* tensor, std::int64_t events,
                    const internal::Port& port, Values& fetched) {
    const internal::TensorShape shape =
        internal::BatchShape(events, port.event_shape);
    if (!(internal::Shape(tensor) == shape)) {
      throw Error("the model returned a tensor of shape " +
                  internal::ToString(internal::Shape(tensor)) +
                  ", but its signature says " + internal::ToString(shape));
    }
    const T* const values = static_cast<const T*>(TF_TensorData(tensor));
    fetched.assign(values, values + internal::ElementCount(shape));
  }

  // The graph itself refuses numbers that are not finite, but does not say
  // which one it met.
  template <std::size_t kInputs, std::size_t kOutputs>
  std::array<internal::TensorPtr, kOutputs> Run(
      const std::array<TF_Output, kInputs>& inputs,
      const std::array<internal::TensorPtr, kInputs>& tensors,
      const std::array<TF_Output, kOutputs>& outputs, const Table& conditions,
      const Table& noise = {}) const {
    try {
      return session_.Run(inputs, tensors, outputs);
    } catch (const Error&) {
      internal::RequireFinite("condition", conditions);
      internal::RequireFinite("noise", noise);
      throw;
    }
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
