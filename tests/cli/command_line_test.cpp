#include "command_line/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "cli/command_table.hpp"
#include "command_line/help.hpp"

namespace hyprstream {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::vector<std::string>& arguments) {
  CommandTree tree(command_table(), command_groups());
  const auto choice = parse_command_line(tree, arguments);
  if (choice) return "no error";
  EXPECT_EQ(choice.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(choice.error().message.find('\n'), std::string::npos) << choice.error().message;
  return choice.error().message;
}

std::string_view path_of(const std::vector<std::string>& arguments) {
  CommandTree tree(command_table(), command_groups());
  const auto choice = parse_command_line(tree, arguments);
  if (!choice) return "error";
  return choice->command == nullptr ? "none" : choice->command->entry->path;
}

TEST(CommandLine, FindsTheCommand) {
  EXPECT_EQ(path_of({"quick-start"}), "quick-start");
  EXPECT_EQ(path_of({"model", "info", "x.gguf", "--json"}), "model info");
  EXPECT_EQ(path_of({"run", "bundled", "hi", "--temperature", "0", "--stop=a", "--stop", "b"}), "run");
  EXPECT_EQ(path_of({"quick-start", "-n", "3", "-s1"}), "quick-start");
  EXPECT_EQ(path_of({}), "none");
  EXPECT_EQ(path_of({"--version"}), "none");
}

TEST(CommandLine, UnknownNamesGetTheNearestOne) {
  EXPECT_EQ(error_of({"quikstart"}), "unknown command 'quikstart': did you mean 'quick-start'?");
  EXPECT_EQ(error_of({"model", "inof"}), "unknown model command 'inof': did you mean 'info'?");
  EXPECT_EQ(error_of({"run", "--temprature", "3"}), "unknown option '--temprature': did you mean '--temperature'?");
  EXPECT_EQ(error_of({"run", "--temprature=3"}), "unknown option '--temprature': did you mean '--temperature'?");
  EXPECT_EQ(error_of({"--versoin"}), "unknown option '--versoin': did you mean '--version'?");
  EXPECT_EQ(error_of({"frobnicate"}), "unknown command 'frobnicate': see hyprstream --help");
  EXPECT_EQ(error_of({"run", "--frobnicate"}), "unknown option '--frobnicate': see hyprstream run --help");
  EXPECT_THAT(error_of({"model", "info", "a", "b"}), HasSubstr("unexpected argument 'b'"));
}

TEST(CommandLine, ValuesAreNamedWhenTheyAreWrongOrMissing) {
  EXPECT_EQ(error_of({"quick-start", "--max-tokens"}), "--max-tokens needs a value: --max-tokens N");
  EXPECT_THAT(error_of({"quick-start", "--max-tokens", "-1"}), HasSubstr("--max-tokens must be a whole number from 1"));
  EXPECT_THAT(error_of({"quick-start", "--max-tokens=0"}), HasSubstr("not '0'"));
  EXPECT_THAT(error_of({"quick-start", "--threads", "0"}),
              HasSubstr("--threads must be a whole number from 1 to 1024"));
  EXPECT_THAT(error_of({"quick-start", "--model-path="}), HasSubstr("--model-path needs the path"));
  EXPECT_THAT(error_of({"completion", "fish"}), HasSubstr("SHELL must be one of bash, zsh, not 'fish'"));
}

TEST(CommandLine, HelpWinsOverEverythingElse) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"quick-start", "--help"}, {"quick-start", "-h", "--nonsense"}, {"run", "--max-tokens", "0", "--help"}}) {
    CommandTree tree(command_table(), command_groups());
    const auto choice = parse_command_line(tree, arguments);
    ASSERT_TRUE(choice) << choice.error().message;
    EXPECT_TRUE(tree.common().help);
    EXPECT_NE(choice->command, nullptr);
  }
}

TEST(CommandTree, EveryOptionIsDescribedAndUnique) {
  const CommandTree tree(command_table(), command_groups());
  for (const auto& declared : tree.commands()) {
    std::set<std::string> names;
    const auto help = render_command_help(declared, 80);
    for (const auto& option : declared.arguments.options()) {
      EXPECT_TRUE(option.help.ends_with('.')) << declared.entry->path << " " << option.main_name();
      EXPECT_THAT(help, HasSubstr(option.main_name()));
      for (const auto& name : option.names)
        EXPECT_TRUE(names.insert(name).second) << declared.entry->path << " " << name;
    }
    EXPECT_FALSE(declared.command->manual().description.empty());
    EXPECT_FALSE(declared.command->manual().examples.empty());
  }
}

TEST(Help, StaysWithinTheWidth) {
  const CommandTree tree(command_table(), command_groups());
  for (const auto& declared : tree.commands()) {
    std::string_view help_left;
    const auto help = render_command_help(declared, 60);
    help_left = std::string_view(help).substr(0, help.find("\nExamples:"));  // examples are not wrapped
    while (!help_left.empty()) {
      const auto line = help_left.substr(0, help_left.find('\n'));
      EXPECT_LE(line.size(), 60U) << line;
      help_left.remove_prefix(std::min(help_left.size(), line.size() + 1));
    }
  }
}

}  // namespace
}  // namespace hyprstream
