// The only header that knows which CAF this is (0.17.6, Debian 12).
//
// CAF runs the actors inside one process; nothing of it crosses to another process or into a pure
// core. Messages are plain structs that live in actors/messages.hpp; they are never serialised by
// CAF, which is what CAF_ALLOW_UNSAFE_MESSAGE_TYPE says.
#pragma once

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#include <cstdio>
#include <cstdlib>
#include <exception>

namespace tenbit {

// An actor that throws has lost its state: the process ends and the journal recovers it. Nothing
// may go on beside a dead actor, because sends to it vanish silently.
template <class Self> void end_process_on_exception(Self* self, const char* name) {
  self->set_exception_handler([name](std::exception_ptr& error) -> caf::error {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& what) {
      std::fprintf(stderr, "tenbit: actor %s failed: %s\n", name, what.what());
    } catch (...) {
      std::fprintf(stderr, "tenbit: actor %s failed\n", name);
    }
    std::abort();
  });
}

} // namespace tenbit
