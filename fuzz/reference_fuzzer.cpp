// Any text as a model's name, as an alias list, as an address and as a redirect: taken or refused, and what is taken
// never leads out of the cache or to a machine that it must not reach.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "hub/names.hpp"
#include "hub/redirects.hpp"
#include "hub/reference.hpp"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

bool leads_out(std::string_view path) {
  return path.starts_with('/') || path == ".." || path.starts_with("../") || path.ends_with("/..") ||
         path.contains("/../") || path.contains('\0') || path.contains('\\');
}

void check_hub(const hyprstream::HubReference& hub) {
  require(hyprstream::is_repository_name(hub.repository) && !leads_out(hub.repository));
  require(hyprstream::is_revision(hub.revision) && !leads_out(hub.revision));
  require(!hub.file || (!hub.file->empty() && !leads_out(*hub.file)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyprstream;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const auto endpoint = HttpUrl::parse("https://hub.example.com").value();
  const auto aliases = parse_aliases(text, "the list");
  if (aliases)
    for (const auto& [name, hub] : *aliases) check_hub(hub);
  if (const auto reference = parse_reference(text, {}, endpoint, false)) {
    if (reference->kind == ModelReference::Kind::kHub) {
      check_hub(reference->hub);
      // What is printed for it is understood again, and as the same.
      const auto again = parse_reference("hf://" + reference->hub.text(), {}, endpoint, false);
      require(again.has_value() && again->hub.repository == reference->hub.repository);
      require(again->hub.file == reference->hub.file && again->hub.revision == reference->hub.revision);
    }
    if (reference->kind == ModelReference::Kind::kUrl)
      require(reference->url->scheme() == "https" || is_local_host(reference->url->host()));
  }
  if (const auto url = HttpUrl::parse(text)) {
    const auto again = HttpUrl::parse(url->text());
    require(again.has_value() && again->text() == url->text() && again->same_origin(*url));
  }
  RedirectChain chain(endpoint);
  if (chain.follow(text)) {
    require(chain.current().scheme() == "https" && !is_local_host(chain.current().host()));
    require(chain.may_send_credentials() == chain.current().same_origin(endpoint));
  }
  (void)is_local_address(text);
  return 0;
}
