// As simulator.hpp, but onnxruntime runs the model: for programs that link a
// protobuf of their own, or nothing as large as TensorFlow.
#ifndef FASTSIM_ZOO_ONNX_SIMULATOR_HPP_
#define FASTSIM_ZOO_ONNX_SIMULATOR_HPP_

#include <onnxruntime_c_api.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "fastsim_zoo/normal_noise.hpp"
#include "fastsim_zoo/onnx_session.hpp"
#include "fastsim_zoo/table.hpp"

namespace fastsim_zoo {

// Has the methods of Simulator, with the same errors. Its methods are const and
// may be called from several threads at once.
class OnnxSimulator {
 public:
  // Loads the directory that holds `model.onnx`. Throws Error if there is none,
  // or if its inputs and outputs are not those of the zoo.
  explicit OnnxSimulator(const std::string& path, const Options& options = {})
      : session_(path, options.threads),
        num_conditions_(internal::ElementCount(session_.InputShape(kCondition))),
        num_noise_(internal::ElementCount(session_.InputShape(kNoise))),
        response_shape_(session_.OutputShape(
            kResponse, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT)) {
    session_.OutputShape(kInDomain, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL);
  }

  // Number of conditions of one event.
  std::int64_t num_conditions() const { return num_conditions_; }

  // Noise dimension of one event.
  std::int64_t num_noise() const { return num_noise_; }

  // Shape of the response of one event.
  const std::vector<std::int64_t>& response_shape() const {
    return response_shape_;
  }

  // Simulates one response for each row of `conditions`. The same seed gives
  // the same responses, and those of fewer rows are the first of those of more;
  // they are not those of the SavedModel, whose noise is drawn otherwise.
  // Throws Error if a row has not num_conditions() columns, or on a condition
  // that is not finite.
  Simulation Simulate(const Table& conditions, const Seed& seed) const {
    Simulation simulation;
    SimulateInto(conditions, seed, simulation);
    return simulation;
  }

  // As Simulate, into what an earlier call has filled. Buffers that are large
  // enough are used again: then only onnxruntime allocates.
  void SimulateInto(const Table& conditions, const Seed& seed,
                    Simulation& simulation) const {
    const std::int64_t events =
        internal::Rows("condition", conditions, num_conditions_);
    internal::DrawNormal(events, num_noise_, seed, simulation.noise);
    Run(conditions, simulation.noise, events, simulation);
  }

  // As Simulate, but the caller draws the noise, num_noise() values an event,
  // and learns nothing of the trained range.
  std::vector<float> SimulateFromNoise(const Table& conditions,
                                       const Table& noise) const {
    const std::int64_t events =
        internal::Rows(conditions, num_conditions_, noise, num_noise_);
    Simulation simulation;
    Run(conditions, noise, events, simulation);
    return std::move(simulation.responses);
  }

 private:
  static constexpr char kCondition[] = "condition";
  static constexpr char kNoise[] = "noise";
  static constexpr char kResponse[] = "response";
  static constexpr char kInDomain[] = "in_domain";

  // `noise` may be that of the simulation.
  void Run(const Table& conditions, const Table& noise, std::int64_t events,
           Simulation& simulation) const {
    simulation.responses.clear();
    simulation.in_domain.clear();
    // The graph would answer something.
    internal::RequireFinite(kCondition, conditions);
    internal::RequireFinite(kNoise, noise);
    if (events == 0) return;
    const std::array<internal::OrtValuePtr, 2> inputs{
        session_.Wrap(conditions, events), session_.Wrap(noise, events)};
    const auto outputs = session_.Run<2, 2>({kCondition, kNoise}, inputs,
                                            {kResponse, kInDomain});
    session_.Copy<float>(outputs[0].get(),
                         internal::BatchShape(events, response_shape_),
                         simulation.responses);
    session_.Copy<unsigned char>(outputs[1].get(),
                                 internal::BatchShape(events, {}),
                                 simulation.in_domain);
  }

  internal::OnnxSession session_;
  std::int64_t num_conditions_;
  std::int64_t num_noise_;
  std::vector<std::int64_t> response_shape_;
};

}  // namespace fastsim_zoo

#endif  // FASTSIM_ZOO_ONNX_SIMULATOR_HPP_
