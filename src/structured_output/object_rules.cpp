#include "structured_output/object_rules.hpp"

#include <algorithm>
#include <format>
#include <map>
#include <utility>

#include "base/utf8.hpp"
#include "structured_output/char_set.hpp"
#include "structured_output/json_rules.hpp"

namespace hyprstream {
namespace {

CharSet plain_characters() { return CharSet::of("\"\\").add(0, 0x1F).complement(); }

// Keys by their characters, as a tree of nodes; node 0 is the root.
struct KeyTree {
  struct Node {
    std::map<char32_t, std::size_t> next;
    bool is_key = false;
  };
  std::vector<Node> nodes = std::vector<Node>(1);

  void add(std::u32string_view key) {
    std::size_t node = 0;
    for (const char32_t c : key) {
      const auto [child, fresh] = nodes[node].next.try_emplace(c, nodes.size());
      node = child->second;
      if (fresh) nodes.emplace_back();
    }
    nodes[node].is_key = true;
  }
};

class ObjectWriter {
 public:
  ObjectWriter(GbnfWriter& writer, std::string_view hint, const ObjectRules& object, std::string space)
      : writer_(writer), hint_(hint), object_(object), space_(std::move(space)) {}

  Result<std::string> write() {
    for (const auto& property : object_.properties) {
      HYPRSTREAM_ASSIGN(const auto key, key_and_colon(writer_, property.key));
      members_.push_back(key + " " + property.value);
    }
    if (object_.others) {
      HYPRSTREAM_ASSIGN(const auto key, other_key_rule(writer_, object_.properties));
      HYPRSTREAM_ASSIGN(other_,
                        writer_.add(hint_ + "-other", std::format("{} \":\" {} {}", key, space_, *object_.others)));
    }
    HYPRSTREAM_ASSIGN(const auto inside, members());
    return writer_.add(hint_, std::format("\"{{\" {} {} \"}}\"", space_, inside));
  }

 private:
  std::string with_comma(const std::string& member) const { return std::format("\",\" {} {}", space_, member); }

  // "(...)?" of all that may come at the object's end.
  Result<std::string> others_behind() {
    if (!object_.others) return std::string();
    const auto next = "(" + with_comma(other_) + ")";
    return object_.most_others ? writer_.repeat(next, 0, *object_.most_others) : writer_.repeat_from(next, 0);
  }

  // All members from `first` on, each with its comma before it.
  Result<std::string> behind(std::size_t first) {
    std::string text;
    for (std::size_t i = first; i < members_.size(); ++i) {
      const auto member = with_comma(members_[i]);
      text += (object_.properties[i].required ? member : "(" + member + ")?") + " ";
    }
    HYPRSTREAM_ASSIGN(const auto others, others_behind());
    text += others;
    return text;
  }

  // The members and their commas. Which one comes first decides where a comma stands, so there is one way for each
  // that may: the optional ones at the beginning, and the first that is required.
  Result<std::string> members() {
    const auto first_required = static_cast<std::size_t>(
        std::ranges::find(object_.properties, true, &PropertyRule::required) - object_.properties.begin());
    if (first_required == 0 && !members_.empty()) {
      HYPRSTREAM_ASSIGN(const auto rest, behind(1));
      return members_[0] + " " + rest + " " + space_;
    }
    // What may follow member i, from the last to the first, each in terms of the next.
    std::vector<std::string> ways;
    HYPRSTREAM_ASSIGN(auto rest, behind(std::min(first_required + 1, members_.size())));
    if (first_required < members_.size()) {
      HYPRSTREAM_ASSIGN(rest, named(rest));
      ways.push_back(members_[first_required] + " " + rest);
      rest = with_comma(members_[first_required]) + " " + rest;
    } else if (object_.others) {
      HYPRSTREAM_ASSIGN(const auto alone, others_alone());
      if (!alone.empty()) ways.push_back(alone);
    }
    for (std::size_t i = first_required; i-- > 0;) {
      HYPRSTREAM_ASSIGN(rest, named(rest));
      ways.push_back(members_[i] + " " + rest);
      rest = std::format("({})? {}", with_comma(members_[i]), rest);
    }
    std::ranges::reverse(ways);
    if (ways.empty()) return std::string("\"\"");
    const bool may_be_empty = first_required == members_.size() && object_.may_be_empty;
    return std::format("(({}) {}){}", gbnf_alternatives(ways), space_, may_be_empty ? "?" : "");
  }

  Result<std::string> others_alone() {
    if (object_.most_others == 0) return std::string();
    return list_of(writer_, other_, 1, object_.most_others);
  }

  // A rule for it, unless it is short as it is.
  Result<std::string> named(const std::string& text) {
    return text.empty() ? Result<std::string>(text) : writer_.add(hint_ + "-rest", text);
  }

  GbnfWriter& writer_;
  std::string hint_;
  const ObjectRules& object_;
  std::string space_;
  std::vector<std::string> members_;  // key, colon and value of each property
  std::string other_;                 // of a further property
};

}  // namespace

Result<std::string> object_rule(GbnfWriter& writer, std::string_view hint, const ObjectRules& object) {
  HYPRSTREAM_ASSIGN(auto space, space_rule(writer));
  return ObjectWriter(writer, hint, object, std::move(space)).write();
}

Result<std::string> other_key_rule(GbnfWriter& writer, std::span<const PropertyRule> taken) {
  const auto plain = plain_characters();
  HYPRSTREAM_ASSIGN(const auto any, writer.add("key-char", plain.gbnf_class()));
  KeyTree tree;
  for (const auto& property : taken) {
    const auto key = decode_utf8(property.key);
    // One with a character that needs an escape is none that is written here.
    const bool escaped = std::ranges::any_of(key, [](char32_t c) { return c < 0x20 || c == U'"' || c == U'\\'; });
    if (!escaped) tree.add(key);
  }
  if (tree.nodes.size() == 1 && !tree.nodes[0].is_key) return writer.add("key", R"("\"" )" + any + R"(* "\"")");

  // Children come after their parents, so from the last to the first each finds the rules that it needs.
  std::vector<std::string> rules(tree.nodes.size());
  for (std::size_t node = tree.nodes.size(); node-- > 0;) {
    std::vector<std::string> ways;
    CharSet leaves;
    for (const auto& [character, child] : tree.nodes[node].next) {
      const auto set = CharSet().add(character, character);
      leaves.add(set);
      ways.push_back(set.gbnf_class() + " " + rules[child]);
    }
    if (const auto rest = plain.without(leaves); !rest.empty()) ways.push_back(rest.gbnf_class() + " " + any + "*");
    const auto body = gbnf_alternatives(ways);
    HYPRSTREAM_ASSIGN(rules[node], writer.add("other-key", tree.nodes[node].is_key ? body : "(" + body + ")?"));
  }
  return writer.add("key", R"("\"" )" + rules[0] + R"( "\"")");
}

}  // namespace hyprstream
