// The data of server-sent events out of bytes that arrive in any pieces (WHATWG HTML,
// section 9.2.6).
//
// Lines end with LF, CR or CRLF, wherever the pieces are cut; comments, ids, names and retry times
// are passed over; several data lines of one event are joined by LF; an event that is not ended by
// an empty line is dropped, as the standard says. Every byte is looked at a constant number of
// times.
//
// The view handed out is followed by `padding` readable bytes, so that a JSON parser may read past
// its end, and holds until the callback returns. Total size is bounded by the caller. Not
// thread-safe. Never fails.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tenbit {

class sse_parser {
public:
  static constexpr std::size_t padding = 64;

  // Forgets everything; keeps the memory unless it is large.
  void reset();

  // Calls on_data(std::string_view) for each event that is complete now. When on_data returns false
  // the rest is dropped and feed returns false.
  template <class OnData> bool feed(std::string_view bytes, OnData&& on_data) {
    append(bytes);
    std::string_view data;
    while (next(data))
      if (!on_data(data))
        return false;
    return true;
  }

private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  void append(std::string_view bytes);
  [[nodiscard]] bool next(std::string_view& data);
  [[nodiscard]] bool next_line(std::size_t& begin, std::size_t& end);
  void take_line(std::size_t begin, std::size_t end);
  [[nodiscard]] bool end_event(std::string_view& data);

  std::string buffer_; // size_ bytes, then padding
  std::size_t size_ = 0;
  std::size_t line_ = 0;          // where the current line starts
  std::size_t scanned_ = 0;       // no line end in [line_, scanned_)
  std::size_t lf_ = none;         // the first LF at or after scanned_, once it was looked for
  std::size_t data_begin_ = none; // the first data line of the event, in buffer_
  std::size_t data_end_ = 0;
  std::string joined_; // all data lines, when there are several
  bool is_joined_ = false;
  bool skip_lf_ = false;   // the last line ended with CR
  bool first_line_ = true; // a byte order mark may stand here
};

} // namespace tenbit
