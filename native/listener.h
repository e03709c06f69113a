// Listening sockets: made, duplicated and taken over, never accepted from here.
#pragma once

#include <napi.h>

namespace sallyport {

void RegisterListener(Napi::Env env, Napi::Object exports);

}  // namespace sallyport
