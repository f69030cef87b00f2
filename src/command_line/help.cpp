#include "command_line/help.hpp"

#include <algorithm>
#include <format>
#include <ranges>

#include "base/utf8.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kLeftColumn = 28;  // where the explanations begin

// Words of `text` in lines of at most `width` columns, each indented but the first.
std::string wrap(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t column = indent;
  for (const auto range : std::views::split(text, ' ')) {
    const std::string_view word(range);
    const std::size_t word_width = display_width(word);
    if (column > indent && column + 1 + word_width > width) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word_width;
  }
  return out;
}

// "  LEFT    explanation", the explanation on its own line if LEFT is too long.
std::string entry(std::string_view left, std::string_view explanation, std::size_t width) {
  std::string line = "  " + std::string(left);
  if (line.size() + 2 > kLeftColumn) {
    line += '\n';
    line.append(kLeftColumn, ' ');
  } else {
    line.append(kLeftColumn - line.size(), ' ');
  }
  return line + wrap(explanation, kLeftColumn, width) + "\n";
}

std::string option_label(const OptionSpec& option) {
  if (option.is_positional()) return option.value_name;
  // "-t, --threads N", as everywhere.
  std::string label =
      option.names | std::views::reverse | std::views::join_with(std::string(", ")) | std::ranges::to<std::string>();
  if (!option.value_name.empty()) label += " " + option.value_name;
  return label;
}

std::string render_options(const ArgumentList& arguments, std::size_t width) {
  std::string out;
  std::string_view section;
  for (const auto& option : arguments.options()) {
    if (option.section != section) {
      out += std::format("\n{}:\n", option.section);
      section = option.section;
    }
    out += entry(option_label(option), option.repeatable ? option.help + " May be given several times." : option.help,
                 width);
  }
  return out;
}

constexpr std::string_view kEnvironmentAndExitCodes[][2] = {
    {"HYPRSTREAM_HOME", "Where hyprstream keeps its own data. Default: hyprstream in the XDG data directory."},
    {"HF_HOME, HF_HUB_CACHE", "Where models are kept, shared with other tools. Default: ~/.cache/huggingface."},
    {"HF_TOKEN", "For private and gated repositories; else the token that the hub's own tools have saved."},
    {"HF_ENDPOINT", "The hub to get models from. Default: https://huggingface.co."},
    {"HF_HUB_OFFLINE", "If 1, never use the network."},
    {"HYPRSTREAM_LOG", "Log level on standard error: debug, info, warning, error or off. Default: warning."},
    {"NO_COLOR", "If set, no colours."},
};

std::string render_footer(std::size_t width) {
  std::string out = "\nEnvironment:\n";
  for (const auto& [name, meaning] : kEnvironmentAndExitCodes) out += entry(name, meaning, width);
  out += "\nExit codes:\n";
  out += entry("0", "Done.", width);
  out += entry("1", "Failed: one sentence on standard error says why.", width);
  out += entry("2", "The command line, or an input that it names, makes no sense.", width);
  out += entry("130", "Interrupted. What there was so far has been printed.", width);
  return out;
}

}  // namespace

std::string render_program_help(const CommandTree& tree, std::size_t width) {
  std::string out =
      "hyprstream runs language models on this machine.\n\n"
      "Usage: hyprstream COMMAND [ARGUMENTS...]\n\nCommands:\n";
  for (const auto& declared : tree.commands()) out += entry(declared.entry->path, declared.entry->summary, width);
  out += render_options(tree.program_arguments(), width);
  out += render_footer(width);
  out += "\nhyprstream COMMAND --help says more about one command.\n";
  return out;
}

std::string render_group_help(const CommandTree& tree, std::string_view group, std::size_t width) {
  std::string out;
  for (const auto& known : tree.groups())
    if (known.name == group) out = std::format("{}.\n\n", known.summary);
  out += std::format("Usage: hyprstream {} COMMAND [ARGUMENTS...]\n\nCommands:\n", group);
  for (const auto& declared : tree.commands())
    if (declared.entry->path.starts_with(std::string(group) + " "))
      out += entry(declared.entry->path, declared.entry->summary, width);
  return out;
}

std::string render_command_help(const DeclaredCommand& declared, std::size_t width) {
  const auto manual = declared.command->manual();
  std::string out;
  for (const auto paragraph : std::views::split(manual.description, '\n'))
    out += wrap(std::string_view(paragraph), 0, width) + "\n";
  out += std::format("\nUsage: hyprstream {} [OPTIONS]", declared.entry->path);
  for (const auto& option : declared.arguments.options())
    if (option.is_positional()) out += std::format(" [{}]", option.value_name);
  out += '\n';
  out += render_options(declared.arguments, width);
  if (!manual.examples.empty()) out += "\nExamples:\n";
  for (const auto& example : manual.examples)
    out += std::format("  {}\n      {}\n", example.command, example.explanation);
  out += render_footer(width);
  return out;
}

}  // namespace hyprstream
