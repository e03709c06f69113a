#include "connection.h"

#include <cerrno>

#include "socket.h"

namespace sallyport {

namespace {

int FdOf(const Napi::CallbackInfo& info) { return info[0].As<Napi::Number>().Int32Value(); }

Napi::Value Result(const Napi::CallbackInfo& info, int value) { return Napi::Number::New(info.Env(), value); }

Napi::Value PeekInto(const Napi::CallbackInfo& info) {
  auto into = info[1].As<Napi::Uint8Array>();
  return Result(info, Peek(FdOf(info), into.Data(), into.ByteLength()));
}

Napi::Value SkipBytes(const Napi::CallbackInfo& info) {
  return Result(info, Skip(FdOf(info), info[1].As<Napi::Number>().Uint32Value()));
}

Napi::Value SavedSynInto(const Napi::CallbackInfo& info) {
  auto into = info[1].As<Napi::Uint8Array>();
  return Result(info, SavedSyn(FdOf(info), into.Data(), into.ByteLength()));
}

Napi::Value TcpInfoInto(const Napi::CallbackInfo& info) {
  auto into = info[1].As<Napi::Int32Array>();
  if (into.ElementLength() < kTcpFields) return Result(info, -EINVAL);
  return Result(info, TcpFacts(FdOf(info), into.Data()));
}

Napi::Value Reset(const Napi::CallbackInfo& info) { return Result(info, ResetAndClose(FdOf(info))); }

Napi::Value Abort(const Napi::CallbackInfo& info) { return Result(info, AbortOnClose(FdOf(info))); }

Napi::Value Send(const Napi::CallbackInfo& info) {
  auto bytes = info[1].As<Napi::Uint8Array>();
  return Result(info, SendNow(FdOf(info), bytes.Data(), bytes.ByteLength()));
}

Napi::Value Finish(const Napi::CallbackInfo& info) {
  auto bytes = info[1].As<Napi::Uint8Array>();
  return Result(info, SendAndClose(FdOf(info), bytes.Data(), bytes.ByteLength()));
}

}  // namespace

void RegisterConnection(Napi::Env env, Napi::Object exports) {
  exports.Set("peek", Napi::Function::New<PeekInto>(env));
  exports.Set("skip", Napi::Function::New<SkipBytes>(env));
  exports.Set("savedSyn", Napi::Function::New<SavedSynInto>(env));
  exports.Set("tcpInfo", Napi::Function::New<TcpInfoInto>(env));
  exports.Set("reset", Napi::Function::New<Reset>(env));
  exports.Set("abortOnClose", Napi::Function::New<Abort>(env));
  exports.Set("send", Napi::Function::New<Send>(env));
  exports.Set("finish", Napi::Function::New<Finish>(env));
}

}  // namespace sallyport
