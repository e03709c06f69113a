// What JavaScript does to an accepted file descriptor before it becomes a net.Socket, or instead.
#pragma once

#include <napi.h>

namespace sallyport {

void RegisterConnection(Napi::Env env, Napi::Object exports);

}  // namespace sallyport
