#include "puzzle_extension.h"

#include "capture.h"
#include "openssl.h"

#ifdef SALLYPORT_HAS_OPENSSL_HEADERS

#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace sallyport {

namespace {

using Bytes = std::vector<uint8_t>;

constexpr unsigned kContexts = SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_HELLO_RETRY_REQUEST | SSL_EXT_TLS_ONLY;
constexpr uint8_t kClientHello = 1;
constexpr int kOk = 1;
constexpr int kSkip = 0;
constexpr int kFatal = -1;

// What one connection's handshake carries. Owned by its SSL.
struct Puzzle {
  uint32_t handle = 0;
  // Server: the content of the HelloRetryRequest's extension, and how many ClientHellos have come.
  // Client: the content that the HelloRetryRequest must have for `answer` to be sent.
  Bytes challenge;
  // Client: the content of the second ClientHello's extension.
  Bytes answer;
  int hellos = 0;
  // Server: the alert that refuses the second ClientHello, or 0.
  int alert = 0;
  bool was_challenged = false;
};

// Judges a second ClientHello: (handle, message) => alert, or 0. One for each thread.
struct Judge {
  napi_env env = nullptr;
  Napi::FunctionReference callback;
};

thread_local std::unique_ptr<Judge> judge;

void FreePuzzle(void*, void* value, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Puzzle*>(value); }

void FreeOffer(void*, void* value, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Bytes*>(value); }

// Process-wide, as every ex-data index.
int PuzzleIndex() {
  static const int index =
      FindOpenSsl()->CRYPTO_get_ex_new_index_(CRYPTO_EX_INDEX_SSL, 0, nullptr, nullptr, nullptr, FreePuzzle);
  return index;
}

int OfferIndex() {
  static const int index =
      FindOpenSsl()->CRYPTO_get_ex_new_index_(CRYPTO_EX_INDEX_SSL_CTX, 0, nullptr, nullptr, nullptr, FreeOffer);
  return index;
}

Puzzle* PuzzleOf(const SSL* ssl) {
  return static_cast<Puzzle*>(FindOpenSsl()->SSL_get_ex_data_(ssl, PuzzleIndex()));
}

Puzzle* MakePuzzle(SSL* ssl, uint32_t handle) {
  Puzzle* puzzle = PuzzleOf(ssl);
  if (puzzle != nullptr) return puzzle;
  puzzle = new Puzzle();
  puzzle->handle = handle;
  if (FindOpenSsl()->SSL_set_ex_data_(ssl, PuzzleIndex(), puzzle) == 1) return puzzle;
  delete puzzle;
  return nullptr;
}

int Give(const Bytes& from, const unsigned char** out, size_t* length) {
  *out = from.data();
  *length = from.size();
  return kOk;
}

// OpenSSL asks what to send: the client in each ClientHello, the server in a HelloRetryRequest.
int OnAdd(SSL* ssl, unsigned, unsigned context, const unsigned char** out, size_t* length, X509*, size_t, int*,
          void* offer) {
  const Puzzle* puzzle = PuzzleOf(ssl);
  if ((context & SSL_EXT_CLIENT_HELLO) == 0) {
    return puzzle == nullptr || puzzle->challenge.empty() ? kSkip : Give(puzzle->challenge, out, length);
  }
  if (puzzle != nullptr && puzzle->was_challenged) return Give(puzzle->answer, out, length);
  return offer == nullptr ? kSkip : Give(*static_cast<Bytes*>(offer), out, length);
}

// OpenSSL has met the extension: on the server in a ClientHello, on the client in a HelloRetryRequest.
int OnParse(SSL* ssl, unsigned, unsigned context, const unsigned char* in, size_t length, X509*, size_t, int* alert,
            void*) {
  Puzzle* puzzle = PuzzleOf(ssl);
  if ((context & SSL_EXT_CLIENT_HELLO) != 0) {
    if (puzzle == nullptr || puzzle->alert == 0) return kOk;
    *alert = puzzle->alert;
    return kFatal;
  }
  const bool expected = puzzle != nullptr && !puzzle->answer.empty() && puzzle->challenge.size() == length &&
                        memcmp(puzzle->challenge.data(), in, length) == 0;
  if (!expected) {
    *alert = SSL_AD_ILLEGAL_PARAMETER;
    return kFatal;
  }
  puzzle->was_challenged = true;
  return kOk;
}

// Any failure of JavaScript refuses the client.
int AskJudge(uint32_t handle, const void* message, size_t length) {
  if (judge == nullptr || !judge->callback) return SSL_AD_HANDSHAKE_FAILURE;
  const Napi::Env env(judge->env);
  const Napi::HandleScope scope(env);
  const Napi::Value answer = judge->callback.Call(
      {Napi::Number::New(env, handle), Napi::Buffer<uint8_t>::Copy(env, static_cast<const uint8_t*>(message), length)});
  if (!env.IsExceptionPending() && answer.IsNumber()) return answer.As<Napi::Number>().Int32Value();
  if (env.IsExceptionPending()) env.GetAndClearPendingException();
  return SSL_AD_HANDSHAKE_FAILURE;
}

// Sees each whole handshake message before OpenSSL reads it.
void OnMessage(int is_write, int, int content_type, const void* message, size_t length, SSL* ssl, void*) {
  if (is_write != 0 || content_type != SSL3_RT_HANDSHAKE || length == 0) return;
  if (static_cast<const uint8_t*>(message)[0] != kClientHello) return;
  Puzzle* puzzle = PuzzleOf(ssl);
  if (puzzle == nullptr || ++puzzle->hellos != 2) return;
  puzzle->alert = AskJudge(puzzle->handle, message, length);
  // OnParse refuses with any alert, but a hello without the extension never comes there. Without a suite to
  // choose OpenSSL ends the handshake by itself, before it looks at any key.
  if (puzzle->alert == SSL_AD_HANDSHAKE_FAILURE) FindOpenSsl()->SSL_set_ciphersuites_(ssl, "");
}

Bytes BytesOf(const Napi::Value& value) {
  const auto array = value.As<Napi::Uint8Array>();
  return Bytes(array.Data(), array.Data() + array.ByteLength());
}

uint32_t HandleOf(const Napi::CallbackInfo& info) { return info[0].As<Napi::Number>().Uint32Value(); }

Napi::Value Result(const Napi::CallbackInfo& info, bool done) { return Napi::Boolean::New(info.Env(), done); }

// (context, extension type, offer or null): takes the extension in; `offer` is what a client's first hello says.
Napi::Value AddPuzzleExtension(const Napi::CallbackInfo& info) {
  SSL_CTX* context = CapturedContext(HandleOf(info));
  if (context == nullptr) return Result(info, false);
  const OpenSsl* ssl = FindOpenSsl();
  Bytes* offer = nullptr;
  if (!info[2].IsNull()) {
    offer = new Bytes(BytesOf(info[2]));
    if (ssl->SSL_CTX_set_ex_data_(context, OfferIndex(), offer) != 1) {
      delete offer;
      return Result(info, false);
    }
  }
  const auto type = info[1].As<Napi::Number>().Uint32Value();
  return Result(info, ssl->SSL_CTX_add_custom_ext_(context, type, kContexts, OnAdd, nullptr, offer, OnParse,
                                                   nullptr) == 1);
}

// (connection, challenge): the server's HelloRetryRequest carries it, and the judge hears the second hello.
Napi::Value PosePuzzle(const Napi::CallbackInfo& info) {
  SSL* ssl = CapturedSsl(HandleOf(info));
  Puzzle* puzzle = ssl == nullptr ? nullptr : MakePuzzle(ssl, HandleOf(info));
  if (puzzle == nullptr) return Result(info, false);
  puzzle->challenge = BytesOf(info[1]);
  FindOpenSsl()->SSL_set_msg_callback_(ssl, OnMessage);
  return Result(info, true);
}

// (connection, challenge, answer): the client's second hello gives the answer if that is what it was asked.
Napi::Value AnswerPuzzle(const Napi::CallbackInfo& info) {
  SSL* ssl = CapturedSsl(HandleOf(info));
  Puzzle* puzzle = ssl == nullptr ? nullptr : MakePuzzle(ssl, HandleOf(info));
  if (puzzle == nullptr) return Result(info, false);
  puzzle->challenge = BytesOf(info[1]);
  puzzle->answer = BytesOf(info[2]);
  return Result(info, true);
}

Napi::Value SetPuzzleJudge(const Napi::CallbackInfo& info) {
  judge = std::make_unique<Judge>();
  judge->env = info.Env();
  judge->callback = Napi::Persistent(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

// The function must be let go while its environment is there.
void OnEnvironmentEnd(void*) { judge.reset(); }

}  // namespace

void RegisterPuzzleExtension(Napi::Env env, Napi::Object exports) {
  if (FindOpenSsl() == nullptr) return;
  napi_add_env_cleanup_hook(env, OnEnvironmentEnd, nullptr);
  exports.Set("addPuzzleExtension", Napi::Function::New<AddPuzzleExtension>(env));
  exports.Set("posePuzzle", Napi::Function::New<PosePuzzle>(env));
  exports.Set("answerPuzzle", Napi::Function::New<AnswerPuzzle>(env));
  exports.Set("setPuzzleJudge", Napi::Function::New<SetPuzzleJudge>(env));
}

}  // namespace sallyport

#else

namespace sallyport {

void RegisterPuzzleExtension(Napi::Env, Napi::Object) {}

}  // namespace sallyport

#endif
