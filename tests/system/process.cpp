#include "tests/system/process.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <curl/curl.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace tenbit::testing {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts)
    out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// A sanitizer's report fails the test, whatever else it looks for and however the process ended.
void expect_no_sanitizer_report(const std::string& err) {
  for (const char* mark :
       {"ThreadSanitizer", "AddressSanitizer", "LeakSanitizer", "runtime error:"})
    EXPECT_EQ(err.find(mark), std::string::npos) << err;
}

std::size_t append_body(char* data, std::size_t size, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

} // namespace

temporary_folder::temporary_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "tenbit-test-XXXXXX").string();
  path_ = ::mkdtemp(pattern.data());
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string temporary_folder::path(const std::string& name) const {
  return name.empty() ? path_ : path_ + "/" + name;
}

process::process(const std::vector<std::string>& arguments,
                 const std::map<std::string, std::string>& env) {
  std::vector<std::string> argv = {TENBIT_BINARY_DIR "/tenbit"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable)
    variables.emplace_back(*variable);
  for (const auto& [name, value] : env)
    variables.push_back(name + "=" + value);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  const int flags = O_CREAT | O_WRONLY | O_TRUNC;
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, files_.path("out").c_str(), flags, 0600);
  ::posix_spawn_file_actions_addopen(&actions, 2, files_.path("err").c_str(), flags, 0600);
  const int failed = ::posix_spawn(&pid_, argv.front().c_str(), &actions, nullptr,
                                   pointers(argv).data(), pointers(variables).data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    pid_ = -1;
    ADD_FAILURE() << argv.front() << " does not start";
  }
}

process::~process() {
  if (running()) {
    send(SIGKILL);
    static_cast<void>(wait());
  }
  expect_no_sanitizer_report(read_file(files_.path("err")));
}

void process::send(int signal) const {
  if (pid_ > 0 && !status_)
    ::kill(pid_, signal);
}

bool process::running() {
  if (pid_ <= 0 || status_)
    return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_)
    status_ = status;
  return !status_;
}

std::string process::out() const {
  return read_file(files_.path("out"));
}

ended process::wait() {
  if (pid_ > 0 && !status_) {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    status_ = status;
  }
  ended result;
  if (status_ && WIFEXITED(*status_))
    result.exit_code = WEXITSTATUS(*status_);
  if (status_ && WIFSIGNALED(*status_))
    result.signal = WTERMSIG(*status_);
  result.out = read_file(files_.path("out"));
  result.err = read_file(files_.path("err"));
  return result;
}

ended tenbit(const std::vector<std::string>& arguments,
             const std::map<std::string, std::string>& env) {
  return process(arguments, env).wait();
}

namespace {
std::vector<std::string> sim_arguments(std::vector<std::string> more) {
  more.insert(more.begin(), {"sim", "--port", "0"});
  return more;
}
} // namespace

sim_process::sim_process(std::vector<std::string> arguments)
    : server_(sim_arguments(std::move(arguments))) {
  while (server_.running()) {
    const std::string said = server_.out();
    const auto at = said.find("http://");
    const auto end = said.find_first_of(" \n\"", at);
    if (at != std::string::npos && end != std::string::npos) {
      url_ = said.substr(at, end - at);
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ADD_FAILURE() << "tenbit sim ended: " << server_.wait().err;
}

std::map<std::string, std::uint64_t> sim_process::metrics() const {
  std::map<std::string, std::uint64_t> out;
  std::istringstream lines(http_get(url_ + "/metrics"));
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.rfind(' ');
    if (!line.starts_with('#') && space != std::string::npos)
      out[line.substr(0, space)] = std::strtoull(line.c_str() + space + 1, nullptr, 10);
  }
  return out;
}

std::uint64_t sim_process::now(const std::string& counter) const {
  const auto all = metrics();
  const auto found = all.find(counter);
  return found == all.end() ? 0 : found->second;
}

// A killed client's requests are still worked on for a moment.
std::uint64_t sim_process::settled(const std::string& counter) const {
  for (;;) {
    const auto before = metrics();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const auto after = metrics();
    if (!after.contains(counter)) {
      ADD_FAILURE() << "no counter " << counter;
      return 0;
    }
    if (before == after && after.at("tenbit_sim_in_flight") == 0)
      return after.at(counter);
  }
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  ASSERT_TRUE(out.good()) << path;
}

// Tests run side by side: each process starts its search at another place.
std::uint16_t free_port() {
  constexpr int lowest = 10'000, count = 10'000; // Linux gives connections 32,768 and above
  static int next = ::getpid() * 37 % count;
  for (int tries = 0; tries < count; ++tries) {
    next = (next + 1) % count;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(lowest + next));
    const int s = ::socket(AF_INET, SOCK_STREAM, 0);
    const int failed = ::bind(s, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::close(s);
    if (failed == 0)
      return ntohs(address.sin_port);
  }
  ADD_FAILURE() << "no loopback port is free";
  return 0;
}

std::string http_get(const std::string& url) {
  std::string body;
  CURL* handle = ::curl_easy_init();
  ::curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, append_body);
  ::curl_easy_setopt(handle, CURLOPT_WRITEDATA, &body);
  ::curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  const CURLcode code = ::curl_easy_perform(handle);
  ::curl_easy_cleanup(handle);
  return code == CURLE_OK ? body : std::string();
}

} // namespace tenbit::testing
