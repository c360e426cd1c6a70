#include "control/lines.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace tenbit::control {

using nlohmann::ordered_json;

std::string json_line(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

namespace {

using texts = std::vector<std::string>;

ordered_json args_json(const request& r) {
  auto args = ordered_json::object();
  for (const auto& [name, values] : r.args)
    args[repair_utf8(name)] = values;
  return args;
}

// The object of a line, or what is wrong with it.
expected<ordered_json, std::string> parse_object(std::string_view line) {
  if (!valid_utf8(line))
    return fail(std::string("the line is not valid UTF-8"));
  if (!depth_within(line, limits::json_depth_max))
    return fail(fmt::format("the line is nested deeper than {}", limits::json_depth_max));
  auto value = ordered_json::parse(line, nullptr, false);
  if (value.is_discarded())
    return fail(std::string("the line is not JSON; send one object a line, such as "
                            "{\"verb\": \"status\"}"));
  if (!value.is_object())
    return fail(std::string("the line is not a JSON object, such as {\"verb\": \"status\"}"));
  return value;
}

expected<texts, std::string> arg_values(const std::string& name, const ordered_json& value) {
  const auto wrong = [&] {
    return fail(fmt::format("args.{} must be a text or an array of texts",
                            one_line(name, limits::shown_name_chars_max)));
  };
  if (value.is_string())
    return texts{value.get<std::string>()};
  if (!value.is_array())
    return wrong();
  texts out;
  for (const auto& one : value) {
    if (!one.is_string())
      return wrong();
    out.push_back(one.get<std::string>());
  }
  return out;
}

status<std::string> read_member(request& into, const std::string& name, const ordered_json& value) {
  if (name == "verb" || name == "reason") {
    if (!value.is_string())
      return fail(fmt::format("\"{}\" must be a text", name));
    (name == "verb" ? into.verb : into.reason) = value.get<std::string>();
    return {};
  }
  if (name == "dry_run") {
    if (!value.is_boolean())
      return fail(std::string("\"dry_run\" must be true or false"));
    into.dry_run = value.get<bool>();
    return {};
  }
  if (name != "args") // a misspelt dry_run must not be taken for none
    return fail(fmt::format("there is no \"{}\" in a request; its members are verb, args, dry_run, "
                            "reason",
                            one_line(name, limits::shown_name_chars_max)));
  if (!value.is_object())
    return fail(std::string("\"args\" must be an object"));
  for (const auto& [arg, given] : value.items()) {
    auto values = arg_values(arg, given);
    if (!values)
      return fail(std::move(values.error()));
    into.args[arg] = std::move(*values);
  }
  return {};
}

} // namespace

bool depth_within(std::string_view json, int most) {
  int depth = 0;
  bool in_text = false, escaped = false;
  for (const char c : json) {
    if (in_text) {
      in_text = escaped || c != '"';
      escaped = !escaped && c == '\\';
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      if (++depth > most)
        return false;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return true;
}

std::string to_line(const request& r) {
  return json_line(
      {{"verb", r.verb}, {"args", args_json(r)}, {"dry_run", r.dry_run}, {"reason", r.reason}});
}

expected<request, std::string> parse_request(std::string_view line) {
  auto object = parse_object(line);
  if (!object)
    return fail(std::move(object.error()));
  request out;
  for (const auto& [name, value] : object->items())
    if (auto read = read_member(out, name, value); !read)
      return fail(std::move(read.error()));
  if (out.verb.empty())
    return fail(std::string("the request has no \"verb\""));
  return out;
}

std::string to_line(const reply& r) {
  ordered_json out = {{"ok", r.ok}};
  if (!r.error.empty())
    out["error"] = r.error;
  if (!r.result.empty()) {
    auto result = ordered_json::parse(r.result, nullptr, false);
    if (result.is_discarded())
      return json_line(
          {{"ok", false},
           {"error",
            r.ok ? "it was done, but its result is not JSON (a fault of tenbit)" : r.error}});
    out["result"] = std::move(result);
  }
  return json_line(out);
}

expected<reply, std::string> parse_reply(std::string_view line) {
  auto object = parse_object(line);
  if (!object)
    return fail(std::move(object.error()));
  const auto ok = object->find("ok");
  if (ok == object->end() || !ok->is_boolean())
    return fail(std::string("the reply has no \"ok\""));
  reply out;
  out.ok = ok->get<bool>();
  if (const auto error = object->find("error"); error != object->end()) {
    if (!error->is_string())
      return fail(std::string("the \"error\" of the reply is not a text"));
    out.error = error->get<std::string>();
  }
  const auto result = object->find("result");
  out.result = result == object->end() ? "null" : json_line(*result);
  return out;
}

std::string audit_request(const std::string& entry, std::uint64_t unix_ms, const request& r) {
  return json_line({{"unix_ms", unix_ms},
                    {"entry", entry},
                    {"who", r.who},
                    {"right", to_string(r.by)},
                    {"verb", r.verb},
                    {"args", args_json(r)},
                    {"reason", r.reason},
                    {"dry_run", r.dry_run}});
}

std::string audit_outcome(const std::string& entry, std::uint64_t unix_ms, const reply& r) {
  return json_line({{"unix_ms", unix_ms}, {"entry", entry}, {"ok", r.ok}, {"error", r.error}});
}

std::string audit_denied(std::uint64_t unix_ms, const request& r, right needs,
                         std::uint64_t unsaid) {
  const auto args = one_line(json_line(args_json(r)), limits::control_denied_chars_max);
  ordered_json out = {
      {"unix_ms", unix_ms},        {"who", r.who},   {"right", to_string(r.by)}, {"verb", r.verb},
      {"needs", to_string(needs)}, {"denied", true}, {"asked_with", args}};
  if (unsaid > 0)
    out["denied_before"] = unsaid;
  return json_line(out);
}

} // namespace tenbit::control
