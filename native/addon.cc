// Registration only: each concern lives in its own file pair.
#include <napi.h>

#include "acceptor.h"
#include "capture.h"
#include "client_certificate.h"
#include "connection.h"
#include "custom_extensions.h"
#include "listener.h"
#include "ocsp_staple.h"
#include "poll.h"
#include "puzzle_extension.h"
#include "thread.h"
#include "ticket_keys.h"
#include "tls_settings.h"
#include "waiter.h"

namespace sallyport {

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  PollSet* polls = PollSet::Create(env);
  RegisterListener(env, exports);
  RegisterConnection(env, exports);
  Acceptor::Register(env, exports, polls);
  Waiter::Register(env, exports, polls);
  RegisterCapture(env, exports);
  RegisterClientCertificate(env, exports);
  RegisterCustomExtensions(env, exports);
  RegisterOcspStaple(env, exports);
  RegisterThread(env, exports);
  RegisterTicketKeys(env, exports);
  RegisterPuzzleExtension(env, exports);
  RegisterTlsSettings(env, exports);
  return exports;
}

NODE_API_MODULE(sallyport_addon, Init)

}  // namespace sallyport
