// The library that the examples are built with.
#ifndef FASTSIM_ZOO_EXAMPLE_CHOSEN_SIMULATOR_HPP_
#define FASTSIM_ZOO_EXAMPLE_CHOSEN_SIMULATOR_HPP_

#ifdef FASTSIM_ZOO_EXAMPLE_ONNX
#include "fastsim_zoo/onnx_simulator.hpp"

using Simulator = fastsim_zoo::OnnxSimulator;
#else
#include "fastsim_zoo/simulator.hpp"

using Simulator = fastsim_zoo::Simulator;
#endif

#endif  // FASTSIM_ZOO_EXAMPLE_CHOSEN_SIMULATOR_HPP_
