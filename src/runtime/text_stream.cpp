#include "runtime/text_stream.hpp"

#include "base/utf8.hpp"

namespace hyprstream {

Result<TextStream> TextStream::create(std::span<const std::string> stop) {
  TextStream stream;
  for (std::size_t i = 0; i < stop.size(); ++i) {
    if (stop[i].empty()) return fail(ErrorCode::kInvalidArgument, "a stop string is empty; leave it out");
    stream.add_stop(stop[i], i);
  }
  stream.link_nodes();
  return stream;
}

std::string TextStream::push(std::string_view bytes) {
  if (stopped()) return {};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    node_ = advance(node_, bytes[i]);
    const auto& node = nodes_[node_];
    if (!node.stop) continue;
    matched_ = node.stop;
    held_ += bytes.substr(0, i + 1);
    held_.resize(held_.size() - node.stop_length);
    return finish();
  }
  held_ += bytes;
  // What a stop string may still begin with stays, and so does a character cut before it.
  std::size_t ready = held_.size() - nodes_[node_].length;
  ready -= incomplete_utf8_suffix(std::string_view(held_).substr(0, ready));
  auto text = replace_invalid_utf8(std::string_view(held_).substr(0, ready));
  held_.erase(0, ready);
  return text;
}

std::string TextStream::finish() {
  auto text = replace_invalid_utf8(held_);
  held_.clear();
  node_ = 0;
  return text;
}

std::optional<std::uint32_t> TextStream::child(std::uint32_t node, char byte) const noexcept {
  for (const auto& [label, next] : nodes_[node].next)
    if (label == byte) return next;
  return std::nullopt;
}

std::uint32_t TextStream::advance(std::uint32_t node, char byte) const noexcept {
  for (;;) {
    if (const auto next = child(node, byte)) return *next;
    if (node == 0) return 0;
    node = nodes_[node].shorter;
  }
}

void TextStream::add_stop(std::string_view text, std::size_t index) {
  std::uint32_t node = 0;
  for (const char byte : text) {
    auto next = child(node, byte);
    if (!next) {
      next = static_cast<std::uint32_t>(nodes_.size());
      nodes_[node].next.emplace_back(byte, *next);
      const auto length = nodes_[node].length + 1;
      nodes_.emplace_back().length = length;
    }
    node = *next;
  }
  if (nodes_[node].stop) return;  // named twice: the first index counts
  nodes_[node].stop = index;
  nodes_[node].stop_length = nodes_[node].length;
}

// Breadth first: a node's links need those of all shorter nodes.
void TextStream::link_nodes() {
  std::vector<std::uint32_t> queue = {0};
  for (std::size_t at = 0; at < queue.size(); ++at) {
    const auto parent = queue[at];
    for (const auto& [byte, node] : nodes_[parent].next) {
      auto& current = nodes_[node];
      current.shorter = parent == 0 ? 0 : advance(nodes_[parent].shorter, byte);
      const auto& shorter = nodes_[current.shorter];
      if (!current.stop) {
        current.stop = shorter.stop;
        current.stop_length = shorter.stop_length;
      }
      queue.push_back(node);
    }
  }
}

}  // namespace hyprstream
