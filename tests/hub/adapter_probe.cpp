// adapter_probe REFERENCE: pulls a PEFT adapter as `lora import hf://...` does, and prints its folder. For the
// end-to-end tests, which have a hub to ask.
#include <cstdio>

#include "hub/pull.hpp"
#include "hub/reference.hpp"

int main(int argc, char** argv) {
  using namespace hyprstream;
  const auto print = [](const Error& error) {
    std::fprintf(stderr, "hyprstream: %s\n", error.message.c_str());
    return 1;
  };
  if (argc != 2) return 2;
  const auto settings = hub_settings_from_environment();
  if (!settings) return print(settings.error());
  const auto reference = parse_reference(argv[1], {}, settings->endpoint, /*path_exists=*/false);
  if (!reference) return print(reference.error());
  const auto folder = pull_adapter(*settings, reference->hub, {});
  if (!folder) return print(folder.error());
  std::printf("%s\n", folder->c_str());
  return 0;
}
