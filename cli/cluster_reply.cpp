#include "cli/cluster_reply.hpp"

#include <charconv>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tenbit::cli {

using nlohmann::json;

control::reply done(const json& result) {
  return {true, {}, result.dump(-1, ' ', false, json::error_handler_t::replace)};
}

control::reply refusal(std::string why) {
  return {false, std::move(why), "null"};
}

control::reply no_answer() {
  return refusal("the coordinator does not answer; see its log");
}

control::reply no_run(const std::string& name) {
  return refusal(fmt::format("no run {} is here; 'tenbit ctl run list' names them", name));
}

std::string text(const control::request& r, const char* name) {
  const auto place = r.args.find(name);
  return place == r.args.end() || place->second.empty() ? std::string() : place->second.front();
}

std::int64_t number(const control::request& r, const char* name) {
  const std::string value = text(r, name);
  std::int64_t out = 0;
  std::from_chars(value.data(), value.data() + value.size(), out);
  return out;
}

} // namespace tenbit::cli
