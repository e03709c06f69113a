// Keys of session tickets (RFC 5077 section 4) that a context can change while it serves: tickets are made with the
// newest key, and those of the keys before it still resume. And what a connection's sessions belong to.
#pragma once

#include <napi.h>

namespace sallyport {

void RegisterTicketKeys(Napi::Env env, Napi::Object exports);

}  // namespace sallyport
