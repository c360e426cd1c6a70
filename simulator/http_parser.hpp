// One HTTP request, parsed as its bytes arrive, into strings that are used again.
//
// On Beast's basic_parser, which checks the syntax and the limits; here are the fields a simulator
// needs. One parser per request; `http_request` is kept by the connection. Included by
// connection.cpp only.
#pragma once

#include <utility>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/optional.hpp>

#include <algorithm>
#include <string>

#include "config/limits.hpp"

namespace tenbit::sim {

namespace http = boost::beast::http;

struct http_request {
  std::string method;
  std::string target;
  std::string body;
  bool expects_continue = false;
  bool http_1_0 = false;

  void clear() {
    method.clear();
    target.clear();
    if (body.capacity() > limits::sim_body_kept_bytes)
      body = std::string();
    body.clear();
    expects_continue = false;
  }
};

class http_parser final : public http::basic_parser<true> {
public:
  explicit http_parser(http_request& out) : out_(out) {
    header_limit(limits::sim_header_bytes_max);
    body_limit(limits::sim_body_bytes_max);
    eager(true);
  }

private:
  using error = boost::beast::error_code;
  using text = boost::beast::string_view;

  void on_request_impl(http::verb, text method, text target, int version, error&) override {
    out_.method.assign(method.data(), method.size());
    out_.target.assign(target.data(), target.size());
    out_.http_1_0 = version < 11;
  }
  void on_response_impl(int, text, int, error&) override {}
  void on_field_impl(http::field name, text key, text value, error& ec) override {
    head_bytes_ += key.size() + value.size() + 4; // Beast bounds a line at a time, not their sum
    if (head_bytes_ > limits::sim_header_bytes_max)
      ec = http::error::header_limit;
    if (name == http::field::expect)
      out_.expects_continue = true;
  }
  void on_header_impl(error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error&) override {
    if (length) // the limit was checked; a sender may still announce more than it sends
      out_.body.reserve(static_cast<std::size_t>(
          std::min<std::uint64_t>(*length + 64, limits::sim_body_kept_bytes)));
  }
  std::size_t on_body_impl(text part, error&) override {
    out_.body.append(part.data(), part.size());
    return part.size();
  }
  void on_chunk_header_impl(std::uint64_t, text, error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, text part, error&) override {
    out_.body.append(part.data(), part.size());
    return part.size();
  }
  void on_finish_impl(error&) override {}

  http_request& out_;
  std::size_t head_bytes_ = 0;
};

} // namespace tenbit::sim
