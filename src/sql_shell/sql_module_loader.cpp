#include "sql_shell/sql_module_loader.hpp"

#include <dlfcn.h>

#include <format>
#include <string>
#include <string_view>
#include <system_error>

#include "base/paths.hpp"

namespace hyprstream {
namespace {

Result<const HyprstreamSqlModule*> load() {
  const auto path = module_directory() / kSqlModuleFile;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return fail(ErrorCode::kNotFound, std::format("the SQL module {} is missing", path.string()));
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  const auto cannot_load = [&] {
    const char* why = ::dlerror();
    return fail(ErrorCode::kCorrupt, std::format("the SQL module {} cannot be loaded: {}", path.string(),
                                                 why == nullptr ? "the loader does not say why" : why));
  };
  if (library == nullptr) return cannot_load();
  const auto entry = reinterpret_cast<decltype(&hyprstream_sql_module)>(::dlsym(library, kSqlModuleEntry));
  if (entry == nullptr) return cannot_load();
  const auto* module = entry();
  if (module->abi_version != kSqlModuleAbi || std::string_view(module->program_version) != HYPRSTREAM_VERSION)
    return fail(
        ErrorCode::kUnsupported,
        std::format("the SQL module {} is of another version of hyprstream: install both again", path.string()));
  return module;
}

}  // namespace

Result<const HyprstreamSqlModule*> load_sql_module() {
  static const auto module = load();
  return module;
}

}  // namespace hyprstream
