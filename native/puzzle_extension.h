// The client-puzzle extension of TLS 1.3 (draft-venhoek-tls-client-puzzles-00) on both sides of a
// handshake. It only carries bytes: what they mean is JavaScript's to say.
#pragma once

#include <napi.h>

namespace sallyport {

void RegisterPuzzleExtension(Napi::Env env, Napi::Object exports);

}  // namespace sallyport
