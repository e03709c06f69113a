#include "puzzle_extension.h"

#include "capture.h"
#include "openssl.h"
#include "sent_bytes.h"

#ifdef SALLYPORT_HAS_OPENSSL_HEADERS

#include <cstring>
#include <vector>

namespace sallyport {

namespace {

using Bytes = std::vector<uint8_t>;

constexpr unsigned kContexts = SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_HELLO_RETRY_REQUEST | SSL_EXT_TLS_ONLY;
constexpr int kOk = 1;
constexpr int kSkip = 0;
constexpr int kFatal = -1;

// What one connection's handshake carries. Owned by its SSL.
struct Puzzle {
  // Server: the content of the HelloRetryRequest's extension. Client: the content it must have for `answer` to be sent.
  Bytes challenge;
  // Client: the content of the second ClientHello's extension.
  Bytes answer;
  bool was_challenged = false;
};

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

Puzzle* MakePuzzle(SSL* ssl) {
  Puzzle* puzzle = PuzzleOf(ssl);
  if (puzzle != nullptr) return puzzle;
  puzzle = new Puzzle();
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

// OpenSSL has met the extension. In a ClientHello its content was judged before the SSL was made.
int OnParse(SSL* ssl, unsigned, unsigned context, const unsigned char* in, size_t length, X509*, size_t, int* alert,
            void*) {
  if ((context & SSL_EXT_CLIENT_HELLO) != 0) return kOk;
  Puzzle* puzzle = PuzzleOf(ssl);
  const bool expected = puzzle != nullptr && !puzzle->answer.empty() && puzzle->challenge.size() == length &&
                        memcmp(puzzle->challenge.data(), in, length) == 0;
  if (!expected) {
    *alert = SSL_AD_ILLEGAL_PARAMETER;
    return kFatal;
  }
  puzzle->was_challenged = true;
  return kOk;
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

// (connection, challenge, sent): the server's HelloRetryRequest carries the challenge. `sent` is the flight with that
// message, which the client has had.
Napi::Value ResumePuzzle(const Napi::CallbackInfo& info) {
  SSL* ssl = CapturedSsl(HandleOf(info));
  Puzzle* puzzle = ssl == nullptr ? nullptr : MakePuzzle(ssl);
  if (puzzle == nullptr) return Result(info, false);
  puzzle->challenge = BytesOf(info[1]);
  return Result(info, SwallowSentBytes(ssl, BytesOf(info[2])));
}

// (connection, challenge, answer): the client's second hello gives the answer if that is what it was asked.
Napi::Value AnswerPuzzle(const Napi::CallbackInfo& info) {
  SSL* ssl = CapturedSsl(HandleOf(info));
  Puzzle* puzzle = ssl == nullptr ? nullptr : MakePuzzle(ssl);
  if (puzzle == nullptr) return Result(info, false);
  puzzle->challenge = BytesOf(info[1]);
  puzzle->answer = BytesOf(info[2]);
  return Result(info, true);
}

}  // namespace

void RegisterPuzzleExtension(Napi::Env env, Napi::Object exports) {
  if (FindOpenSsl() == nullptr) return;
  exports.Set("addPuzzleExtension", Napi::Function::New<AddPuzzleExtension>(env));
  exports.Set("resumePuzzle", Napi::Function::New<ResumePuzzle>(env));
  exports.Set("answerPuzzle", Napi::Function::New<AnswerPuzzle>(env));
}

}  // namespace sallyport

#else

namespace sallyport {

void RegisterPuzzleExtension(Napi::Env, Napi::Object) {}

}  // namespace sallyport

#endif
