// Reading conditions from CSV and writing responses to it.
#ifndef FASTSIM_ZOO_EXAMPLE_CSV_HPP_
#define FASTSIM_ZOO_EXAMPLE_CSV_HPP_

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "fastsim_zoo/error.hpp"
#include "fastsim_zoo/table.hpp"

inline std::vector<std::string> SplitCells(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');)
    cells.push_back(cell);
  if (line.back() == ',') cells.emplace_back();
  return cells;
}

// Returns nothing if the cell is not a number. NaN and infinity are numbers.
inline std::optional<float> ParseNumber(const std::string& cell) {
  char* end = nullptr;
  const float value = std::strtof(cell.c_str(), &end);
  const std::size_t used = static_cast<std::size_t>(end - cell.c_str());
  if (used == 0 || cell.find_first_not_of(" \t", used) != std::string::npos) {
    return std::nullopt;
  }
  return value;
}

inline bool IsHeader(const std::vector<std::string>& cells) {
  return std::none_of(cells.begin(), cells.end(), [](const auto& cell) {
    return ParseNumber(cell).has_value();
  });
}

inline void AppendRow(const std::vector<std::string>& cells,
                      const std::string& where, fastsim_zoo::Table& table) {
  for (const std::string& cell : cells) {
    const std::optional<float> value = ParseNumber(cell);
    if (!value || !std::isfinite(*value)) {
      throw fastsim_zoo::Error(where + ": '" + cell +
                               "' is not a finite float32");
    }
    table.values.push_back(*value);
  }
}

// Reads rows of numbers, as many as the first line has. That line is a header
// if none of its cells is a number; empty lines are passed over.
inline fastsim_zoo::Table ReadConditions(const std::string& path) {
  std::ifstream file(path);
  fastsim_zoo::Table table;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    // Spreadsheets put a byte order mark in front.
    if (++number == 1 && line.rfind("\xef\xbb\xbf", 0) == 0) line.erase(0, 3);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    const std::vector<std::string> cells = SplitCells(line);
    const auto columns = static_cast<std::int64_t>(cells.size());
    const bool first = table.columns == 0;
    if (first) table.columns = columns;
    if (first && IsHeader(cells)) continue;
    const std::string where = path + ", line " + std::to_string(number);
    if (columns != table.columns) {
      throw fastsim_zoo::Error(where + ": " + std::to_string(columns) +
                               " columns, but the first line has " +
                               std::to_string(table.columns));
    }
    AppendRow(cells, where, table);
  }
  // A directory opens as a file does and fails at the first read.
  if (!file.eof()) throw fastsim_zoo::Error("cannot read '" + path + "'");
  if (table.values.empty()) {
    throw fastsim_zoo::Error("'" + path + "' holds no conditions");
  }
  return table;
}

// Writes under a temporary name beside `path`; Commit() renames. Whoever reads
// `path` sees all the events or none.
class ResponseFile {
 public:
  explicit ResponseFile(const std::string& path)
      : path_(path), temporary_(path + ".partial" + std::to_string(getpid())) {
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored) &&
        !std::filesystem::is_regular_file(path, ignored)) {
      throw fastsim_zoo::Error("cannot write '" + path +
                               "': it exists and is not a file");
    }
    file_.open(temporary_, std::ios::binary);
    Check();
  }

  ResponseFile(const ResponseFile&) = delete;
  ResponseFile& operator=(const ResponseFile&) = delete;

  // After Commit() there is nothing left to remove.
  ~ResponseFile() { std::remove(temporary_.c_str()); }

  void Write(const fastsim_zoo::Simulation& simulation) {
    const std::size_t events = simulation.in_domain.size();
    const std::size_t cells = simulation.responses.size() / events;
    std::string line;
    for (std::size_t event = 0; event < events; ++event) {
      line.assign(1, simulation.in_domain[event] ? '1' : '0');
      for (std::size_t cell = 0; cell < cells; ++cell) {
        // Nine digits bring back the same float32.
        char number[32];
        std::snprintf(number, sizeof(number), ",%.9g",
                      simulation.responses[event * cells + cell]);
        line += number;
      }
      line += '\n';
      file_.write(line.data(), static_cast<std::streamsize>(line.size()));
    }
    Check();
  }

  void Commit() {
    file_.close();
    Check();
    std::error_code error;
    std::filesystem::rename(temporary_, path_, error);
    if (error) {
      throw fastsim_zoo::Error("cannot write '" + path_ +
                               "': " + error.message());
    }
  }

 private:
  void Check() const {
    if (!file_) throw fastsim_zoo::Error("cannot write '" + temporary_ + "'");
  }

  std::string path_;
  std::string temporary_;
  std::ofstream file_;
};

#endif  // FASTSIM_ZOO_EXAMPLE_CSV_HPP_
