#include "hub/reference.hpp"

#include <algorithm>
#include <cctype>
#include <format>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "base/paths.hpp"
#include "base/utf8.hpp"
#include "hub/names.hpp"

namespace hyprstream {
namespace {

constexpr std::string_view kBundled = "bundled";
constexpr std::string_view kScheme = "hf://";

std::string shown(std::string_view text) {
  std::string out = replace_invalid_utf8(text.substr(0, 120));
  std::ranges::replace_if(out, [](unsigned char c) { return std::iscntrl(c) != 0; }, '?');
  return out;
}

bool is_quantization(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.');
  });
}

bool is_gguf_name(std::string_view text) {
  static constexpr std::string_view kExtension = ".gguf";
  return text.size() > kExtension.size() &&
         std::ranges::equal(text.substr(text.size() - kExtension.size()), kExtension,
                            [](unsigned char a, char b) { return std::tolower(a) == b; });
}

// Cuts off and gives back what stands before the first of the characters.
std::string_view take_until(std::string_view& text, std::string_view stops) {
  const auto end = std::min(text.find_first_of(stops), text.size());
  const auto taken = text.substr(0, end);
  text.remove_prefix(end);
  return taken;
}

// What follows '@': up to ':' or '/'; "refs/pr/1" has slashes of its own.
std::string_view take_revision(std::string_view& text) {
  const std::string_view whole = text;
  take_until(text, ":/");
  if (whole.starts_with("refs/"))
    for (int part = 0; part < 2 && text.starts_with('/'); ++part) {
      text.remove_prefix(1);
      take_until(text, ":/");
    }
  return whole.substr(0, whole.size() - text.size());
}

// "org/repo[@rev][:QUANT|/file]". The error is only the reason.
std::expected<HubReference, std::string> parse_hub(std::string_view text) {
  HubReference reference;
  std::string_view rest = text;
  std::string name(take_until(rest, "/@:"));
  if (rest.starts_with('/')) {
    rest.remove_prefix(1);
    name += '/';
    name += take_until(rest, "/@:");
  }
  if (!is_repository_name(name)) return std::unexpected("it names no repository");
  reference.repository = std::move(name);
  if (rest.starts_with('@')) {
    rest.remove_prefix(1);
    reference.revision = take_revision(rest);
    if (!is_revision(reference.revision)) return std::unexpected("what follows '@' is no branch, tag or commit");
  }
  if (rest.starts_with(':')) {
    reference.quantization = rest.substr(1);
    if (!is_quantization(*reference.quantization)) return std::unexpected("what follows ':' is no quantization");
  } else if (rest.starts_with('/')) {
    reference.file = rest.substr(1);
    if (const auto checked = check_file_path(*reference.file); !checked)
      return std::unexpected(checked.error().message);
  }
  return reference;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](std::size_t at) {
      const auto c = static_cast<unsigned char>(text[at]);
      return std::isdigit(c) != 0 ? c - '0' : std::tolower(c) - 'a' + 10;
    };
    if (text[i] == '%' && i + 2 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1])) != 0 &&
        std::isxdigit(static_cast<unsigned char>(text[i + 2])) != 0) {
      out += static_cast<char>(16 * digit(i + 1) + digit(i + 2));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// A page or file of the hub: "/org/repo", "/org/repo/resolve/main/x.gguf".
std::optional<HubReference> parse_hub_page(const HttpUrl& url) {
  const std::string path = percent_decode(url.path());
  std::string_view rest = path;
  if (rest.starts_with('/')) rest.remove_prefix(1);
  HubReference reference;
  std::string name(take_until(rest, "/"));
  if (rest.empty()) return std::nullopt;
  rest.remove_prefix(1);
  name += '/';
  name += take_until(rest, "/");
  if (!is_repository_name(name)) return std::nullopt;
  reference.repository = std::move(name);
  if (rest.empty() || rest == "/") return reference;
  rest.remove_prefix(1);
  const auto view = take_until(rest, "/");
  if ((view != "resolve" && view != "blob" && view != "tree") || rest.empty()) return std::nullopt;
  rest.remove_prefix(1);
  reference.revision = take_until(rest, "/");
  if (!is_revision(reference.revision)) return std::nullopt;
  if (view == "tree") return reference;
  if (rest.size() < 2) return std::nullopt;
  reference.file = rest.substr(1);
  if (!check_file_path(*reference.file)) return std::nullopt;
  return reference;
}

Result<ModelReference> parse_address(std::string_view text, const HttpUrl& endpoint) {
  HYPRSTREAM_ASSIGN(auto url, HttpUrl::parse(text));
  ModelReference reference;
  const bool is_hub = url.same_origin(endpoint) ||
                      (url.scheme() == "https" && (url.host() == "huggingface.co" || url.host() == "hf.co"));
  if (is_hub)
    if (auto page = parse_hub_page(url)) {
      reference.kind = ModelReference::Kind::kHub;
      reference.hub = std::move(*page);
      return reference;
    }
  if (url.scheme() == "http" && !is_local_host(url.host()))
    return fail(ErrorCode::kInvalidArgument,
                std::format("'{}' would come unprotected over the network: use https://", shown(text)));
  if (!is_gguf_name(url.path()))
    return fail(ErrorCode::kInvalidArgument,
                std::format("'{}' does not end in .gguf: give the address of a GGUF file", shown(text)));
  reference.kind = ModelReference::Kind::kUrl;
  reference.url = std::move(url);
  return reference;
}

bool looks_like_repository(std::string_view text) {
  return text.contains('/') && !is_gguf_name(text) &&
         std::ranges::none_of(text, [](unsigned char c) { return std::isspace(c) != 0; });
}

}  // namespace

std::string HubReference::text() const {
  std::string out = repository;
  if (revision != "main") out += "@" + revision;
  if (file) return out + "/" + *file;
  if (quantization) out += ":" + *quantization;
  return out;
}

Result<ModelAliases> parse_aliases(std::string_view text, std::string_view what) {
  ModelAliases aliases;
  for (int number = 1; !text.empty(); ++number) {
    std::string_view line = take_until(text, "\n");
    if (!text.empty()) text.remove_prefix(1);
    line = line.substr(0, line.find('#'));
    std::vector<std::string_view> words;
    for (;;) {
      line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
      if (line.empty()) break;
      words.push_back(take_until(line, " \t\r"));
    }
    if (words.empty()) continue;
    if (words.size() != 2)
      return fail(ErrorCode::kCorrupt, std::format("line {} of {} must be an alias and a repository", number, what));
    auto reference = parse_hub(words[1]);
    if (!reference || reference->file)
      return fail(ErrorCode::kCorrupt, std::format("line {} of {} names no repository", number, what));
    if (!aliases.emplace(std::string(words[0]), std::move(*reference)).second)
      return fail(ErrorCode::kCorrupt, std::format("line {} of {} has an alias that is there already", number, what));
  }
  return aliases;
}

Result<ModelAliases> load_aliases() {
  const auto path = install_prefix() / "models" / "aliases.txt";
  std::ifstream file(path);
  if (!file) return fail_errno("cannot read the list of model names, " + path.string(), errno);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parse_aliases(text, path.string());
}

Result<ModelReference> parse_reference(std::string_view text, const ModelAliases& aliases, const HttpUrl& endpoint,
                                       bool path_exists) {
  ModelReference reference;
  if (text == kBundled) return reference;
  if (text.starts_with(kScheme)) {
    auto hub = parse_hub(text.substr(kScheme.size()));
    if (!hub)
      return fail(ErrorCode::kInvalidArgument,
                  std::format("'{}' is not understood, {}: write hf://org/repo, with @revision, :QUANT or /file.gguf "
                              "after it",
                              shown(text), hub.error()));
    reference.kind = ModelReference::Kind::kHub;
    reference.hub = std::move(*hub);
    return reference;
  }
  if (text.starts_with("https://") || text.starts_with("http://")) return parse_address(text, endpoint);
  if (!path_exists) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (const auto alias = aliases.find(lower); alias != aliases.end()) {
      reference.kind = ModelReference::Kind::kHub;
      reference.hub = alias->second;
      return reference;
    }
    if (looks_like_repository(text))
      if (auto hub = parse_hub(text); hub && !hub->file) {
        reference.kind = ModelReference::Kind::kHub;
        reference.hub = std::move(*hub);
        return reference;
      }
  }
  reference.kind = ModelReference::Kind::kPath;
  reference.path = std::filesystem::path(text);
  return reference;
}

}  // namespace hyprstream
