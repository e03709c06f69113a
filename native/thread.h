// How the kernel schedules this thread.
#pragma once

#include <napi.h>

namespace sallyport {

void RegisterThread(Napi::Env env, Napi::Object exports);

}  // namespace sallyport
