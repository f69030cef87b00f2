#include "catalog/arrow_schema.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace hyprstream {
namespace {

// Metadata on the wire: a count, then each key and value behind its length; native int32 all.
void put(std::string& out, std::size_t number) {
  const auto value = static_cast<std::int32_t>(number);
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string encode(const std::map<std::string, std::string, std::less<>>& metadata) {
  std::string out;
  if (metadata.empty()) return out;
  put(out, metadata.size());
  for (const auto& [key, value] : metadata) {
    put(out, key.size());
    out += key;
    put(out, value.size());
    out += value;
  }
  return out;
}

std::map<std::string, std::string, std::less<>> decode(const char* metadata) {
  std::map<std::string, std::string, std::less<>> out;
  if (metadata == nullptr) return out;
  const auto number = [&metadata] {
    std::int32_t value = 0;
    std::memcpy(&value, metadata, sizeof value);
    metadata += sizeof value;
    return value;
  };
  const auto text = [&] {
    const auto length = static_cast<std::size_t>(number());
    std::string value(metadata, length);
    metadata += length;
    return value;
  };
  for (auto count = number(); count > 0; --count) {
    auto key = text();
    out[std::move(key)] = text();
  }
  return out;
}

// What the pointers of one ArrowSchema point to.
struct Storage {
  std::string format;
  std::string name;
  std::string metadata;
  std::vector<ArrowSchema> children;
  std::vector<ArrowSchema*> pointers;
  std::unique_ptr<ArrowSchema> dictionary;
};

void release_schema(ArrowSchema* schema) {
  const std::unique_ptr<Storage> storage(static_cast<Storage*>(schema->private_data));
  for (auto& child : storage->children)
    if (child.release != nullptr) child.release(&child);
  if (storage->dictionary != nullptr && storage->dictionary->release != nullptr)
    storage->dictionary->release(storage->dictionary.get());
  schema->release = nullptr;
}

ArrowSchema build(const ArrowFieldSpec& spec) {
  auto storage = std::make_unique<Storage>();
  storage->format = spec.format;
  storage->name = spec.name;
  storage->metadata = encode(spec.metadata);
  for (const auto& child : spec.children) storage->children.push_back(build(child));
  for (auto& child : storage->children) storage->pointers.push_back(&child);
  if (!spec.dictionary.empty()) storage->dictionary = std::make_unique<ArrowSchema>(build(spec.dictionary.front()));
  ArrowSchema schema{};
  schema.format = storage->format.c_str();
  schema.name = storage->name.c_str();
  schema.metadata = storage->metadata.empty() ? nullptr : storage->metadata.data();
  schema.flags = spec.flags;
  schema.n_children = static_cast<std::int64_t>(storage->children.size());
  schema.children = storage->pointers.empty() ? nullptr : storage->pointers.data();
  schema.dictionary = storage->dictionary.get();
  schema.release = release_schema;
  schema.private_data = storage.release();
  return schema;
}

}  // namespace

ArrowFieldSpec read_arrow_schema(const ArrowSchema& schema) {
  ArrowFieldSpec spec{.format = schema.format,
                      .name = schema.name == nullptr ? "" : schema.name,
                      .metadata = decode(schema.metadata),
                      .flags = schema.flags};
  for (std::int64_t i = 0; i < schema.n_children; ++i) spec.children.push_back(read_arrow_schema(*schema.children[i]));
  if (schema.dictionary != nullptr) spec.dictionary.push_back(read_arrow_schema(*schema.dictionary));
  return spec;
}

ArrowSchemaHandle build_arrow_schema(const ArrowFieldSpec& spec) { return ArrowSchemaHandle(build(spec)); }

bool has_dictionary(const ArrowSchema& schema) {
  if (schema.dictionary != nullptr) return true;
  return std::ranges::any_of(std::span(schema.children, static_cast<std::size_t>(schema.n_children)),
                             [](const ArrowSchema* child) { return has_dictionary(*child); });
}

std::optional<std::string> arrow_metadata(const ArrowSchema& field, std::string_view key) {
  const auto metadata = decode(field.metadata);
  const auto found = metadata.find(key);
  if (found == metadata.end()) return std::nullopt;
  return found->second;
}

}  // namespace hyprstream
