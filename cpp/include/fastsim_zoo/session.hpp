// A loaded SavedModel: its session, its signatures, and one way to run them.
#ifndef FASTSIM_ZOO_SESSION_HPP_
#define FASTSIM_ZOO_SESSION_HPP_

#include <tensorflow/c/c_api.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "fastsim_zoo/config.hpp"
#include "fastsim_zoo/error.hpp"
#include "fastsim_zoo/handles.hpp"
#include "fastsim_zoo/signature.hpp"
#include "fastsim_zoo/table.hpp"

namespace fastsim_zoo::internal {

// Where an input enters the graph or an output leaves it. `event_shape` is the
// tensor's shape without the batch axis.
struct Port {
  TF_Output output{};
  std::vector<std::int64_t> event_shape;
};

class Session {
 public:
  Session(std::string path, int threads)
      : path_(std::move(path)), graph_(TF_NewGraph()) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(path_, ignored)) {
      throw Error(Where("there is no such directory"));
    }
    const SessionOptionsPtr options(TF_NewSessionOptions());
    const StatusPtr status = NewStatus();
    const std::string config = SerializeConfig(threads);
    TF_SetConfig(options.get(), config.data(), config.size(), status.get());
    CheckStatus(status.get(), "cannot set the number of threads");

    const BufferPtr meta_graph(TF_NewBuffer());
    const char* const tags[] = {"serve"};
    session_.reset(TF_LoadSessionFromSavedModel(
        options.get(), /*run_options=*/nullptr, path_.c_str(), tags, 1,
        graph_.get(), meta_graph.get(), status.get()));
    CheckStatus(status.get(), Where("cannot be loaded"));
    signatures_ = ParseSignatures(std::string_view(
        static_cast<const char*>(meta_graph->data), meta_graph->length));
  }

  Port Input(const std::string& signature, const std::string& name,
             TF_DataType dtype) const {
    return Resolve(signature, Get(signature).inputs, "input", name, dtype);
  }

  Port Output(const std::string& signature, const std::string& name,
              TF_DataType dtype) const {
    return Resolve(signature, Get(signature).outputs, "output", name, dtype);
  }

  // Feeds `tensors` to `inputs` and returns the values of `outputs`. May be
  // called from several threads at once, as TF_SessionRun may.
  template <std::size_t kInputs, std::size_t kOutputs>
  std::array<TensorPtr, kOutputs> Run(
      const std::array<TF_Output, kInputs>& inputs,
      const std::array<TensorPtr, kInputs>& tensors,
      const std::array<TF_Output, kOutputs>& outputs) const {
    std::array<TF_Tensor*, kInputs> fed{};
    for (std::size_t i = 0; i < kInputs; ++i) fed[i] = tensors[i].get();
    std::array<TF_Tensor*, kOutputs> fetched{};
    const StatusPtr status = NewStatus();
    TF_SessionRun(session_.get(), /*run_options=*/nullptr, inputs.data(),
                  fed.data(), static_cast<int>(kInputs), outputs.data(),
                  fetched.data(), static_cast<int>(kOutputs),
                  /*target_opers=*/nullptr, /*ntargets=*/0,
                  /*run_metadata=*/nullptr, status.get());
    std::array<TensorPtr, kOutputs> values;
    for (std::size_t i = 0; i < kOutputs; ++i) values[i].reset(fetched[i]);
    // The text is put together only where it is needed: it allocates.
    if (TF_GetCode(status.get()) != TF_OK) {
      CheckStatus(status.get(), Where("failed"));
    }
    return values;
  }

 private:
  std::string Where(const std::string& what) const {
    return "SavedModel '" + path_ + "': " + what;
  }

  const Signature& Get(const std::string& name) const {
    return Find(signatures_, name, Where("signature"));
  }

  Port Resolve(const std::string& signature, const TensorInfos& infos,
               const std::string& side, const std::string& name,
               TF_DataType dtype) const {
    const std::string where = Where("signature '" + signature + "', " + side);
    const TensorInfo& info = Find(infos, name, where);
    if (info.dtype != static_cast<int>(dtype)) {
      throw Error(where + " '" + name + "' must be of data type " +
                  std::to_string(static_cast<int>(dtype)) + ", not " +
                  std::to_string(info.dtype) + " (numbers of TF_DataType)");
    }
    if (!info.known_rank || info.shape.empty() ||
        info.shape.size() > TensorShape::kLargestRank) {
      throw Error(where + " '" + name + "' must have a known rank of 1 to " +
                  std::to_string(TensorShape::kLargestRank));
    }
    Port port;
    port.output = FindTensor(info.name, where);
    port.event_shape.assign(info.shape.begin() + 1, info.shape.end());
    for (const std::int64_t size : port.event_shape) {
      if (size < 1) {
        throw Error(where + " '" + name + "' must have a fixed size on every " +
                    "axis after the first");
      }
    }
    return port;
  }

  // `name` is "operation:index".
  TF_Output FindTensor(const std::string& name,
                       const std::string& where) const {
    const std::size_t colon = name.rfind(':');
    TF_Output output{};
    output.oper =
        TF_GraphOperationByName(graph_.get(), name.substr(0, colon).c_str());
    if (colon != std::string::npos) {
      output.index = std::atoi(name.c_str() + colon + 1);
    }
    if (output.oper == nullptr ||
        output.index >= TF_OperationNumOutputs(output.oper)) {
      throw Error(where + ": its tensor '" + name + "' is not in the graph");
    }
    return output;
  }

  std::string path_;
  GraphPtr graph_;
  // Declared after the graph, hence destroyed before it.
  SessionPtr session_;
  Signatures signatures_;
};

}  // namespace fastsim_zoo::internal

#endif  // FASTSIM_ZOO_SESSION_HPP_
