#include "cli/cluster_files.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <unistd.h>

namespace tenbit::cli {
namespace {

using nlohmann::json;

std::string io_error(const std::string& path, const char* what) {
  return fmt::format("{}: {}: {}", path, what, std::strerror(errno));
}

template <class T> std::optional<T> read_optional(const json& from) {
  return from.is_null() ? std::nullopt : std::optional(from.get<T>());
}

status<std::string> sync_folder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int file =
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  if (file >= 0)
    ::close(file);
  return synced ? status<std::string>() : fail(io_error(folder, "cannot be synced"));
}

} // namespace

status<std::string> write_whole(const std::string& path, const std::string& bytes) {
  const std::string temporary = path + ".new";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0)
    return fail(io_error(temporary, "cannot be made"));
  std::string_view rest = bytes;
  bool whole = true;
  while (whole && !rest.empty()) {
    const ssize_t put = ::write(file, rest.data(), rest.size());
    whole = put > 0;
    rest.remove_prefix(whole ? static_cast<std::size_t>(put) : 0);
  }
  whole = whole && ::fsync(file) == 0;
  ::close(file);
  if (!whole || ::rename(temporary.c_str(), path.c_str()) != 0)
    return fail(io_error(path, "cannot be written"));
  return sync_folder(path);
}

expected<std::string, std::string> read_whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  if (!in || !(out << in.rdbuf()))
    return fail(io_error(path, "cannot be read"));
  return out.str();
}

expected<cluster_files, std::string> read_cluster_files(const std::string& dir) {
  const std::string path = dir + "/control.json";
  cluster_files out;
  if (!std::filesystem::exists(path))
    return out;
  const auto text = read_whole(path);
  if (!text)
    return fail(text.error());
  try {
    const json all = json::parse(*text);
    out.incarnation = all.at("incarnation").get<std::uint64_t>();
    for (const json& run : all.at("runs"))
      out.runs.push_back({run.at("name").get<std::string>(), run.at("store").get<std::string>(),
                          run.at("priority").get<int>(), run.at("paused").get<bool>(),
                          run.at("cancelled").get<bool>(),
                          run.at("lease_limit").get<std::uint32_t>(),
                          run.value("cancel_reason", ""),   // not in files of before
                          run.value("calling_in", false)}); // likewise
    for (const json& oracle : all.at("oracles"))
      out.oracles.push_back({oracle.at("name").get<std::string>(),
                             oracle.at("experiment").get<std::uint64_t>(),
                             oracle.at("bits").get<std::uint64_t>(),
                             oracle.value("there", true)});        // not in files of before
    for (const json& rule : all.value("endpoints", json::array())) // not in files of before
      out.endpoints.push_back(
          {rule.at("worker").get<std::string>(), rule.at("url").get<std::string>(),
           read_optional<bool>(rule.at("paused")), read_optional<std::uint32_t>(rule.at("limit"))});
    const json drains = all.value("drains", json::object()); // likewise
    for (const auto& [worker, why] : drains.items())
      out.drains[worker] = why.get<std::string>();
  } catch (const json::exception& problem) {
    return fail(
        fmt::format("{}: {} (restore it from a backup of the folder)", path, problem.what()));
  }
  return out;
}

status<std::string> write_cluster_files(const std::string& dir, const cluster_files& files) {
  json all;
  all["incarnation"] = files.incarnation;
  all["runs"] = json::array();
  for (const kept_run& run : files.runs)
    all["runs"].push_back({{"name", run.name},
                           {"store", run.store},
                           {"priority", run.priority},
                           {"paused", run.paused},
                           {"cancelled", run.cancelled},
                           {"lease_limit", run.lease_limit},
                           {"cancel_reason", run.cancel_reason},
                           {"calling_in", run.calling_in}});
  all["oracles"] = json::array();
  for (const kept_oracle& oracle : files.oracles)
    all["oracles"].push_back({{"name", oracle.name},
                              {"experiment", oracle.experiment},
                              {"bits", oracle.bits},
                              {"there", oracle.there}});
  all["endpoints"] = json::array();
  for (const endpoint_rule& rule : files.endpoints)
    all["endpoints"].push_back({{"worker", rule.worker},
                                {"url", rule.url},
                                {"paused", rule.paused ? json(*rule.paused) : json()},
                                {"limit", rule.limit ? json(*rule.limit) : json()}});
  all["drains"] = json(files.drains);
  return write_whole(dir + "/control.json", all.dump(1) + "\n");
}

} // namespace tenbit::cli
