#include "command_line/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <format>
#include <ranges>
#include <set>
#include <utility>

#include "base/nearest_match.hpp"
#include "command_line/settings.hpp"
#include "terminal/printable.hpp"

namespace hyprstream {
namespace {

// An option of ours and what CLI11 made of it.
struct Binding {
  const OptionSpec* spec;
  CLI::Option* option;
};

std::vector<Binding> bind(CLI::App& app, const ArgumentList& arguments) {
  app.set_help_flag();
  // What is left over is judged by us, which gives better sentences.
  app.allow_extras();
  std::vector<Binding> bindings;
  for (const auto& spec : arguments.options()) {
    if (spec.kind == ValueKind::kNone) {
      const auto names = spec.names | std::views::join_with(',') | std::ranges::to<std::string>();
      bindings.push_back({&spec, app.add_flag(names)});
      continue;
    }
    const auto names = spec.is_positional() ? spec.value_name
                                            : spec.names | std::views::join_with(',') | std::ranges::to<std::string>();
    auto* option = app.add_option(names)->expected(1)->allow_extra_args(false);
    option->multi_option_policy(spec.repeatable ? CLI::MultiOptionPolicy::TakeAll : CLI::MultiOptionPolicy::TakeLast);
    bindings.push_back({&spec, option});
  }
  return bindings;
}

Result<void> assign(std::span<const Binding> bindings) {
  for (const auto& [spec, option] : bindings) {
    if (option->count() == 0) continue;
    if (spec->kind == ValueKind::kNone) {
      HYPRSTREAM_TRY(spec->assign({}));
      continue;
    }
    auto values = option->results();
    // CLI11 marks the text "{}", which means an empty list in its configuration files.
    if (values.size() == 2 && values[0] == "{}" && values[1] == "%%") values.pop_back();
    for (const auto& value : values) HYPRSTREAM_TRY(spec->assign(value));
  }
  return {};
}

// CLI11 takes "[[...]]" for a quoted list and "--prompt=" for an option without its value. Prompts
// are any text, so both are written in the way that it gives back unchanged.
std::vector<std::string> protect(std::span<const std::string> arguments) {
  const auto escape = [](std::string_view value) {
    if (value.size() < 4 || !value.starts_with("[[") || !value.ends_with("]]")) return std::string(value);
    std::string escaped = "[[";
    for (const char c : value.substr(1, value.size() - 2)) escaped.append(2, c);
    return escaped + "]]";
  };
  std::vector<std::string> out;
  bool options_ended = false;
  for (const std::string_view argument : arguments) {
    const auto equals = argument.find('=');
    if (argument == "--") options_ended = true;
    if (!options_ended && argument.starts_with("--") && equals != std::string_view::npos) {
      const auto value = argument.substr(equals + 1);
      if (value.empty()) {
        out.emplace_back(argument.substr(0, equals));
        out.emplace_back();
      } else {
        out.push_back(std::string(argument.substr(0, equals + 1)) + escape(value));
      }
    } else {
      out.push_back(escape(argument));
    }
  }
  return out;
}

std::unexpected<Error> unknown(std::string_view what, std::string_view typed, std::span<const std::string> known,
                               std::string_view help_of) {
  const auto nearest = nearest_match(typed, known);
  const auto remedy = nearest ? std::format("did you mean {}?", in_quotes(*nearest))
                              : std::format("see hyprstream {}{}--help", help_of, help_of.empty() ? "" : " ");
  return fail(ErrorCode::kInvalidArgument, std::format("unknown {} {}: {}", what, in_quotes(typed), remedy));
}

// The first argument that belongs to nothing.
Result<void> judge_leftovers(const DeclaredCommand& declared, std::span<const std::string> leftovers) {
  if (leftovers.empty()) return {};
  const auto& path = declared.entry->path;
  const std::string typed = leftovers.front().substr(0, leftovers.front().find('='));
  if (typed.size() < 2 || !typed.starts_with('-'))
    return fail(ErrorCode::kInvalidArgument,
                std::format("unexpected argument {}: see hyprstream {} --help; text with spaces needs quotes",
                            in_quotes(leftovers.front()), path));
  std::vector<std::string> names;
  for (const auto& option : declared.arguments.options())
    for (const auto& name : option.names)
      if (name.starts_with("--")) names.push_back(name);
  return unknown("option", typed, names, path);
}

// Words that may come next, after the words of `prefix` ("model ").
std::vector<std::string> next_words(const CommandTree& tree, std::string_view prefix) {
  std::vector<std::string> words;
  for (const auto& declared : tree.commands()) {
    if (!declared.entry->path.starts_with(prefix)) continue;
    const auto rest = declared.entry->path.substr(prefix.size());
    std::string word(rest.substr(0, rest.find(' ')));
    if (!std::ranges::contains(words, word)) words.push_back(std::move(word));
  }
  return words;
}

// What CLI11 itself objects to.
std::unexpected<Error> translate(const CLI::ParseError& error, std::span<const std::string> arguments,
                                 const CommandTree& tree) {
  // The value of the last option is missing: CLI11's sentence names it with all its aliases.
  if (!arguments.empty())
    for (const auto& declared : tree.commands())
      if (const auto* option = declared.arguments.find(arguments.back()); option != nullptr)
        if (option->kind != ValueKind::kNone)
          return fail(ErrorCode::kInvalidArgument,
                      std::format("{} needs a value: {} {}", arguments.back(), arguments.back(), option->value_name));
  return fail(ErrorCode::kInvalidArgument, printable_line(error.what()));
}

}  // namespace

void CommonOptions::declare(ArgumentList& arguments, bool with_version) {
  arguments.begin_section(std::string(kCommonSection));
  arguments.flag("--verbose,-v", verbose, "Say more on standard error");
  arguments.flag("--help,-h", help, "Print this help");
  if (with_version) arguments.flag("--version", version, "Print the versions of hyprstream and of what it runs on");
}

CommandTree::CommandTree(std::span<const CommandEntry> table, std::span<const CommandGroup> groups) : groups_(groups) {
  common_.declare(program_arguments_, /*with_version=*/true);
  for (const auto& entry : table) {
    DeclaredCommand declared{.entry = &entry, .command = entry.make(), .arguments = {}};
    declared.command->declare(declared.arguments);
    common_.declare(declared.arguments, /*with_version=*/false);
    commands_.push_back(std::move(declared));
  }
}

const DeclaredCommand* CommandTree::find(std::string_view path) const noexcept {
  const auto found = std::ranges::find(commands_, path, [](const auto& declared) { return declared.entry->path; });
  return found == commands_.end() ? nullptr : &*found;
}

Result<CommandChoice> parse_command_line(CommandTree& tree, std::span<const std::string> arguments) {
  struct Bound {
    DeclaredCommand* declared;
    CLI::App* app;
    std::vector<Binding> bindings;
  };
  CLI::App app("hyprstream");
  const auto program_bindings = bind(app, tree.program_arguments());
  std::vector<Bound> bound;
  for (auto& declared : tree.commands()) {
    CLI::App* parent = &app;
    std::string_view path = declared.entry->path;
    for (auto space = path.find(' '); space != std::string_view::npos; space = path.find(' ')) {
      const std::string word(path.substr(0, space));
      auto* group = parent->get_subcommand_no_throw(word);
      if (group == nullptr) {
        group = parent->add_subcommand(word);
        // --help and --verbose after a group's name belong to the program.
        group->set_help_flag();
        group->allow_extras();
        group->fallthrough();
      }
      parent = group;
      path.remove_prefix(space + 1);
    }
    auto* leaf = parent->add_subcommand(std::string(path));
    bound.push_back({&declared, leaf, bind(*leaf, declared.arguments)});
  }

  auto reversed = protect(arguments);
  std::ranges::reverse(reversed);  // the order in which CLI11 takes a vector
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    return translate(error, arguments, tree);
  }

  HYPRSTREAM_TRY(assign(program_bindings));
  for (auto& [declared, leaf, bindings] : bound) {
    if (!leaf->parsed()) continue;
    // Asked for help, nothing else matters.
    for (const auto& [spec, option] : bindings)
      if (option->count() > 0 && spec->main_name() == "--help") HYPRSTREAM_TRY(spec->assign({}));
    CommandChoice choice{.command = declared, .group = {}};
    if (tree.common().help) return choice;
    // What is left over before the command's name belongs to the program; what a command does not
    // take may come back there too, without its dashes.
    auto leftovers = leaf->remaining();
    const auto before = app.remaining(/*recurse=*/false);
    if (!before.empty() && before.front().starts_with('-') && before.front() != "--")
      return unknown("option", before.front(), std::vector<std::string>{"--help", "--version", "--verbose"}, "");
    leftovers.append_range(before);
    std::erase(leftovers, "--");
    HYPRSTREAM_TRY(judge_leftovers(*declared, leftovers));
    HYPRSTREAM_TRY(assign(bindings));
    if (declared->arguments.settings_file() != nullptr) {
      std::set<const OptionSpec*> given;
      for (const auto& [spec, option] : bindings)
        if (option->count() > 0) given.insert(spec);
      HYPRSTREAM_TRY(assign_settings(declared->arguments, std::move(given)));
    }
    return choice;
  }

  // No command: nothing, a group, or something unknown.
  CommandChoice choice;
  CLI::App* innermost = &app;
  while (!innermost->get_subcommands().empty()) innermost = innermost->get_subcommands().front();
  if (innermost != &app) choice.group = innermost->get_name();
  if (tree.common().help || tree.common().version) return choice;
  // A group hands what it does not know to the program.
  const auto leftovers = app.remaining(/*recurse=*/true);
  if (leftovers.empty()) return choice;
  if (leftovers.front().starts_with('-'))
    return unknown("option", leftovers.front().substr(0, leftovers.front().find('=')),
                   std::vector<std::string>{"--help", "--version", "--verbose"}, choice.group);
  const auto prefix = choice.group.empty() ? std::string() : choice.group + " ";
  return unknown(choice.group.empty() ? "command" : choice.group + " command", leftovers.front(),
                 next_words(tree, prefix), choice.group);
}

}  // namespace hyprstream
