// tenbit keys: who may connect to a coordinator, and what signs its results.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/run_store.hpp"
#include "link/keys.hpp"
#include "link/signing_file.hpp"
#include "storage/summary_check.hpp"

namespace tenbit::cli {
namespace {

struct keys_arguments {
  std::string dir = "cluster/keys";
  std::string name;
  std::string roles;
  std::string out;
  std::string store;
  bool json = false;
  std::function<int()> chosen; // set by the subcommand that was parsed
};

int say(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0)
    return exit_ok;
  return complain("keys", "standard output cannot be written");
}

int run_init(const keys_arguments& given) {
  const auto key = link::init_keys(given.dir);
  if (!key)
    return complain("keys", key.error());
  const auto signer = link::init_signing_key(given.dir);
  if (!signer)
    return complain("keys", signer.error());
  return say(
      fmt::format("{}: the coordinator's public key is {}\n"
                  "It signs what runs came to as {}\n"
                  "(public; whoever checks results: tenbit verify --store DIR --signer KEY)\n"
                  "Next: tenbit keys enroll NAME --roles solver --dir {}\n",
                  given.dir, key->public_key, signer->hex(), given.dir));
}

int run_sign(const keys_arguments& given) {
  const auto key = link::read_signing_key(given.dir);
  if (!key)
    return complain("keys", key.error());
  if (!*key)
    return complain("keys", fmt::format("{}: holds no signing key; make it with: tenbit keys init "
                                        "--dir {}",
                                        given.dir, given.dir));
  const auto made = storage::sign_store(given.store, **key, storage::store_lock::taken_here);
  if (!made)
    return complain("keys", made.error().message, refused_store(made.error()).exit_code);
  return say(fmt::format(
      "{}: {} of {} problems done, {} bits, signed as {}\n"
      "What is signed is in {}/summary; keep a copy where others cannot write.\n",
      given.store, made->done, made->tasks, made->bits, made->signer.hex(), given.store));
}

int run_enroll(const keys_arguments& given) {
  const auto roles = parse_roles(given.roles);
  if (!roles) {
    ignore(
        complain("keys", fmt::format("--roles {}: name some of solver, oracle, grader, with commas "
                                     "between",
                                     given.roles)),
        "the exit code is another");
    return exit_usage;
  }
  std::string out = given.out;
  if (out.empty())
    out = (std::filesystem::path(given.dir) / (given.name + ".key")).string();
  const auto key = link::enroll(given.dir, given.name, *roles, out);
  if (!key)
    return complain("keys", key.error());
  return say(
      fmt::format("{} may connect as {}; its key is in {}\n"
                  "Bring that file to its machine over a safe way, and keep no other copy.\n",
                  key->name, to_string(key->roles), out));
}

int run_revoke(const keys_arguments& given) {
  const auto revoked = link::revoke_key(given.dir, given.name);
  if (!revoked)
    return complain("keys", fmt::format("{}: {}", given.name, revoked.error()));
  return say(
      fmt::format("{} is revoked; a running coordinator drops it within seconds\n", given.name));
}

std::string as_json(const std::vector<link::allowed_peer>& peers) {
  nlohmann::json rows = nlohmann::json::array();
  for (const link::allowed_peer& peer : peers)
    rows.push_back({{"name", peer.name},
                    {"roles", to_string(peer.roles)},
                    {"public_key", peer.public_key},
                    {"revoked", peer.revoked}});
  return rows.dump() + "\n";
}

std::string as_table(const std::vector<link::allowed_peer>& peers) {
  std::size_t width = 4;
  for (const link::allowed_peer& peer : peers)
    width = std::max(width, peer.name.size());
  std::string text =
      fmt::format("{:<{}}  {:<20}  {:<7}  {}\n", "NAME", width, "ROLES", "STATE", "PUBLIC KEY");
  for (const link::allowed_peer& peer : peers)
    text += fmt::format("{:<{}}  {:<20}  {:<7}  {}\n", peer.name, width, to_string(peer.roles),
                        peer.revoked ? "revoked" : "active", peer.public_key);
  return text;
}

int run_list(const keys_arguments& given) {
  const auto peers = link::list_peers(given.dir);
  if (!peers)
    return complain("keys", peers.error());
  if (given.json)
    return say(as_json(*peers));
  const auto key = link::read_signing_key(given.dir);
  if (!key)
    return complain("keys", key.error());
  return say(as_table(*peers) +
             (*key ? fmt::format("Runs are signed as {}\n", (*key)->public_key().hex())
                   : std::string("Runs are not signed (tenbit keys init makes a key for it)\n")));
}

using keys_run = int (*)(const keys_arguments&);

CLI::App* add_subcommand(CLI::App& command, const std::shared_ptr<keys_arguments>& given,
                         const char* name, const char* help, keys_run run) {
  CLI::App* sub = command.add_subcommand(name, help);
  sub->add_option("--dir", given->dir, "Folder of the coordinator's keys")->capture_default_str();
  // A plain pointer: the callback is kept by what the shared one keeps alive.
  keys_arguments* arguments = given.get();
  sub->callback(
      [arguments, run] { arguments->chosen = [arguments, run] { return run(*arguments); }; });
  return sub;
}

std::function<int()> set_up(CLI::App& command) {
  auto given = std::make_shared<keys_arguments>();
  CLI::App* init =
      add_subcommand(command, given, "init",
                     "Make the coordinator's own keys; keeps those that are there.", run_init);
  init->footer("Example:\n  tenbit keys init --dir cluster/keys");

  CLI::App* enroll = add_subcommand(command, given, "enroll",
                                    "Make a key for a peer and let it connect.", run_enroll);
  enroll->add_option("NAME", given->name, "Of the peer: letters, digits, . _ -")->required();
  enroll->add_option("--roles", given->roles, "What it may do: solver,oracle,grader")->required();
  enroll->add_option("--out", given->out, "Its key file (default: DIR/NAME.key)");
  enroll->footer("Examples:\n"
                 "  tenbit keys enroll gpu-1 --roles solver\n"
                 "  tenbit keys enroll judge --roles oracle,grader --out /secure/judge.key");

  CLI::App* revoke = add_subcommand(
      command, given, "revoke", "Shut a peer out, also from a running coordinator.", run_revoke);
  revoke->add_option("NAME", given->name, "Of the peer")->required();
  revoke->footer("Example:\n  tenbit keys revoke gpu-1");

  CLI::App* list = add_subcommand(command, given, "list", "Show who may connect.", run_list);
  list->add_flag("--json", given->json, "As JSON");
  list->footer("Examples:\n"
               "  tenbit keys list\n"
               "  tenbit keys list --json | jq '.[] | select(.revoked | not) | .name'");

  CLI::App* sign =
      add_subcommand(command, given, "sign",
                     "Sign what a store has, as a coordinator does when a run ends.", run_sign);
  sign->add_option("--store", given->store, "The store; nobody may have it open")->required();
  sign->footer("Example:\n  tenbit keys sign --dir cluster/keys --store runs/default");

  command.require_subcommand(1);
  command.footer("Examples:\n"
                 "  tenbit keys init\n"
                 "  tenbit keys enroll gpu-1 --roles solver\n"
                 "  tenbit keys list\n"
                 "  tenbit keys revoke gpu-1\n"
                 "  tenbit keys sign --store runs/default");
  return [given] { return given->chosen ? given->chosen() : exit_usage; };
}

const command_registration
    keys_command(70, "keys", "Make, enroll, revoke and list the keys of peers; sign stores.",
                 set_up);

} // namespace
} // namespace tenbit::cli
