// Reading and writing the wire format, against bytes written out by hand from
// its specification.
#include "fastsim_zoo/protobuf.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "check.hpp"
#include "fastsim_zoo/config.hpp"
#include "fastsim_zoo/signature.hpp"

namespace {

using fastsim_zoo::internal::AppendVarintField;
using fastsim_zoo::internal::MessageReader;
using fastsim_zoo::internal::ParseSignatures;
using fastsim_zoo::internal::ParseTensorInfo;
using fastsim_zoo::internal::SerializeConfig;

// A length-delimited field with a tag and a length of one byte each.
std::string Nested(char tag, const std::string& bytes) {
  return std::string{tag, static_cast<char>(bytes.size())} + bytes;
}

void TestVarints() {
  std::string message;
  AppendVarintField(1, 150, message);
  Check(message == "\x08\x96\x01", "the specification's example, 150");
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{127},
                                    std::uint64_t{128}, ~std::uint64_t{0}}) {
    std::string bytes;
    AppendVarintField(31, value, bytes);
    MessageReader reader(bytes);
    const auto field = reader.Next();
    Check(field && field->number == 31 && field->varint == value,
          "a varint comes back: " + std::to_string(value));
    Check(!reader.Next(), "the message ends there");
  }
}

void TestFixedWidthFieldsAreSkipped() {
  const std::string message = std::string(
                                  "\x0d"
                                  "abcd",
                                  5) +
                              std::string(
                                  "\x11"
                                  "abcdefgh",
                                  9) +
                              "\x1a\x02hi";
  MessageReader reader(message);
  reader.Next();
  reader.Next();
  const auto field = reader.Next();
  Check(field && field->number == 3 && field->bytes == "hi",
        "the field after a fixed32 and a fixed64");
}

void TestMalformedMessagesAreRefused() {
  for (const std::string_view bytes :
       {"\x08", "\x0a\x05hi",
        "\x09"
        "abc",
        "\x0b", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}) {
    CheckThrows([&] { MessageReader(bytes).Next(); }, "malformed protobuf");
  }
}

void TestTensorInfo() {
  const std::string free_size =
      Nested('\x12', "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  const std::string shape = free_size + Nested('\x12', "\x08\x05");
  const auto info = ParseTensorInfo(Nested('\x0a', "x:1") + "\x10\x03" +
                                    Nested('\x1a', shape));
  Check(info.name == "x:1" && info.dtype == 3 && info.known_rank,
        "name and data type");
  Check(info.shape == std::vector<std::int64_t>{-1, 5}, "shape [-1, 5]");
  Check(!ParseTensorInfo(Nested('\x1a', "\x18\x01")).known_rank,
        "unknown rank");
}

void TestSignatures() {
  const std::string input =
      Nested('\x0a', "c") + Nested('\x12', Nested('\x0a', "in:0"));
  const std::string output =
      Nested('\x0a', "r") + Nested('\x12', Nested('\x0a', "out:2"));
  const std::string signature = Nested('\x0a', input) + Nested('\x12', output);
  const std::string entry =
      Nested('\x0a', "simulate") + Nested('\x12', signature);
  // Field 2, the graph, is passed over.
  const auto signatures =
      ParseSignatures(Nested('\x12', "graph") + Nested('\x2a', entry));
  Check(signatures.size() == 1, "one signature");
  Check(signatures.at("simulate").inputs.at("c").name == "in:0", "its input");
  Check(signatures.at("simulate").outputs.at("r").name == "out:2",
        "its output");
}

void TestConfig() {
  Check(SerializeConfig(3) == "\x10\x03\x28\x03",
        "intra_op_parallelism_threads = 3, inter_op_parallelism_threads = 3");
  CheckThrows([] { SerializeConfig(-1); }, "threads must be 0");
}

}  // namespace

int main() {
  TestVarints();
  TestFixedWidthFieldsAreSkipped();
  TestMalformedMessagesAreRefused();
  TestTensorInfo();
  TestSignatures();
  TestConfig();
  return 0;
}
