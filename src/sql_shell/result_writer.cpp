#include "sql_shell/result_writer.hpp"

#include <algorithm>

#include "sql_shell/result_table.hpp"

namespace hyprstream {
namespace {

// RFC 4180, with lines that end as on this system. Nothing between the commas is NULL.
void add_csv(std::string& out, std::string_view value) {
  if (!value.empty() && value.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += value;
    return;
  }
  out += '"';
  for (const char c : value) out.append(c == '"' ? 2 : 1, c);
  out += '"';
}

Result<void> write_csv(TextRows& rows, const TextSink& sink) {
  std::string out;
  for (const auto& column : rows.columns()) {
    if (!out.empty()) out += ',';
    add_csv(out, column.name);
  }
  out += '\n';
  while (true) {
    HYPRSTREAM_ASSIGN(const auto batch, rows.next());
    for (const auto& row : batch) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (i > 0) out += ',';
        if (row[i]) add_csv(out, *row[i]);
      }
      out += '\n';
    }
    HYPRSTREAM_TRY(sink(out));
    if (batch.empty()) return {};
    out.clear();
  }
}

// A line each, or the elements of an array.
Result<void> write_json(TextRows& rows, bool array, const TextSink& sink) {
  std::string out = array ? "[" : "";
  bool first = true;
  while (true) {
    HYPRSTREAM_ASSIGN(const auto batch, rows.next());
    for (const auto& row : batch) {
      if (array && !first) out += ",\n";
      first = false;
      out += row[0].value_or("null");
      if (!array) out += '\n';
    }
    if (batch.empty() && array) out += "]\n";
    HYPRSTREAM_TRY(sink(out));
    if (batch.empty()) return {};
    out.clear();
  }
}

Result<void> write_box(TextRows& rows, std::size_t width, const TextSink& sink) {
  BoxTable table(rows.columns(), width);
  while (true) {
    HYPRSTREAM_ASSIGN(const auto batch, rows.next());
    if (batch.empty()) return sink(table.render());
    table.add(batch);
  }
}

Result<void> write_markdown(TextRows& rows, const TextSink& sink) {
  MarkdownTable table(rows.columns());
  while (true) {
    HYPRSTREAM_ASSIGN(const auto batch, rows.next());
    HYPRSTREAM_TRY(sink(table.add(batch)));
    if (batch.empty()) return {};
  }
}

}  // namespace

ResultFormat result_format(std::string_view name) noexcept {
  const auto found = std::ranges::find(kResultFormats, name);
  return static_cast<ResultFormat>(found - kResultFormats.begin());
}

Result<void> write_result(ResultStream& stream, ResultFormat format, TextFormatter& formatter, std::size_t width,
                          const TextSink& sink) {
  if (format == ResultFormat::kJson || format == ResultFormat::kJsonl) {
    HYPRSTREAM_ASSIGN(const auto rows, formatter.as_json(stream));
    return write_json(*rows, format == ResultFormat::kJson, sink);
  }
  HYPRSTREAM_ASSIGN(const auto rows, formatter.as_text(stream));
  switch (format) {
    case ResultFormat::kCsv: return write_csv(*rows, sink);
    case ResultFormat::kMarkdown: return write_markdown(*rows, sink);
    default: return write_box(*rows, width, sink);
  }
}

}  // namespace hyprstream
