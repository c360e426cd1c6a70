#include "endpoints/sse_parser.hpp"

#include <cstring>

#include "config/limits.hpp"

namespace tenbit {

void sse_parser::reset() {
  if (buffer_.capacity() > limits::kept_buffer_bytes_max)
    std::string().swap(buffer_);
  if (joined_.capacity() > limits::kept_buffer_bytes_max)
    std::string().swap(joined_);
  size_ = line_ = scanned_ = data_end_ = 0;
  lf_ = data_begin_ = none;
  is_joined_ = skip_lf_ = false;
  first_line_ = true;
}

void sse_parser::append(std::string_view bytes) {
  // What was handed out goes; the event that is not complete yet moves to the front, once.
  const std::size_t keep = data_begin_ != none ? data_begin_ : line_;
  if (keep > 0) {
    std::memmove(buffer_.data(), buffer_.data() + keep, size_ - keep);
    size_ -= keep;
    line_ -= keep;
    scanned_ -= keep;
    if (data_begin_ != none) {
      data_begin_ -= keep;
      data_end_ -= keep;
    }
  }
  lf_ = none;
  const std::size_t needed = size_ + bytes.size() + padding;
  if (buffer_.size() < needed)
    buffer_.resize(needed > 2 * buffer_.size() ? needed : 2 * buffer_.size());
  std::memcpy(buffer_.data() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

bool sse_parser::next(std::string_view& data) {
  std::size_t begin = 0;
  std::size_t end = 0;
  while (next_line(begin, end)) {
    if (begin != end)
      take_line(begin, end);
    else if (end_event(data))
      return true;
  }
  return false;
}

bool sse_parser::next_line(std::size_t& begin, std::size_t& end) {
  if (skip_lf_ && line_ < size_) {
    if (buffer_[line_] == '\n')
      scanned_ = ++line_;
    skip_lf_ = false;
  }
  if (lf_ == none || lf_ < scanned_) {
    const void* lf = std::memchr(buffer_.data() + scanned_, '\n', size_ - scanned_);
    lf_ = lf == nullptr ? size_
                        : static_cast<std::size_t>(static_cast<const char*>(lf) - buffer_.data());
  }
  const void* cr = std::memchr(buffer_.data() + scanned_, '\r', lf_ - scanned_);
  if (cr == nullptr && lf_ == size_) {
    scanned_ = size_;
    return false;
  }
  skip_lf_ = cr != nullptr;
  begin = line_;
  end =
      cr == nullptr ? lf_ : static_cast<std::size_t>(static_cast<const char*>(cr) - buffer_.data());
  line_ = scanned_ = end + 1;
  return true;
}

void sse_parser::take_line(std::size_t begin, std::size_t end) {
  std::string_view line(buffer_.data() + begin, end - begin);
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (first_line_ && line.substr(0, 3) == byte_order_mark) {
    begin += 3;
    line.remove_prefix(3);
  }
  first_line_ = false;
  if (line.substr(0, 4) != "data" || (line.size() > 4 && line[4] != ':'))
    return;
  std::size_t value = begin + (line.size() > 4 ? 5 : 4);
  if (value < end && buffer_[value] == ' ')
    ++value;
  if (data_begin_ == none) {
    data_begin_ = value;
    data_end_ = end;
    return;
  }
  if (!is_joined_) {
    joined_.assign(buffer_, data_begin_, data_end_ - data_begin_);
    is_joined_ = true;
  }
  joined_ += '\n';
  joined_.append(buffer_, value, end - value);
}

bool sse_parser::end_event(std::string_view& data) {
  first_line_ = false;
  if (data_begin_ == none)
    return false;
  if (is_joined_) {
    const std::size_t length = joined_.size();
    joined_.append(padding, '\0');
    data = {joined_.data(), length};
  } else {
    data = {buffer_.data() + data_begin_, data_end_ - data_begin_};
  }
  data_begin_ = none;
  is_joined_ = false;
  return true;
}

} // namespace tenbit
