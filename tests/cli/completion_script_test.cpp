#include "command_line/completion_script.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command_table.hpp"

namespace hyprstream {
namespace {

using ::testing::HasSubstr;

TEST(CompletionScript, KnowsEveryCommandAndOption) {
  const CommandTree tree(command_table(), command_groups());
  for (const auto& script : {render_bash_completion(tree), render_zsh_completion(tree)}) {
    for (const auto& declared : tree.commands()) {
      EXPECT_THAT(script, HasSubstr("'" + std::string(declared.entry->path) + "')"));
      for (const auto& option : declared.arguments.options())
        for (const auto& name : option.names) EXPECT_THAT(script, HasSubstr(name));
    }
    EXPECT_THAT(script, HasSubstr("f16 f32 q8_0"));
    EXPECT_THAT(script, HasSubstr("_files"));
  }
}

}  // namespace
}  // namespace hyprstream
