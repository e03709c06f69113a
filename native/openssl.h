// The OpenSSL that Node itself runs on, found at run time: the addon links to none, so it can never work
// on another copy's objects.
#pragma once

#if __has_include(<openssl/ssl.h>)
#define SALLYPORT_HAS_OPENSSL_HEADERS 1
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

namespace sallyport {

#define SALLYPORT_OPENSSL_FUNCTIONS(X)    \
  X(BIO_ctrl)                             \
  X(BIO_get_data)                         \
  X(BIO_get_new_index)                    \
  X(BIO_meth_new)                         \
  X(BIO_meth_set_ctrl)                    \
  X(BIO_meth_set_destroy)                 \
  X(BIO_meth_set_write)                   \
  X(BIO_new)                              \
  X(BIO_next)                             \
  X(BIO_push)                             \
  X(BIO_set_data)                         \
  X(BIO_set_init)                         \
  X(BIO_up_ref)                           \
  X(BIO_write)                            \
  X(CRYPTO_get_ex_new_index)              \
  X(CRYPTO_malloc)                        \
  X(CRYPTO_set_ex_data)                   \
  X(ERR_clear_error)                      \
  X(EVP_CIPHER_fetch)                     \
  X(EVP_DecryptInit_ex)                   \
  X(EVP_EncryptInit_ex)                   \
  X(EVP_MAC_CTX_set_params)               \
  X(EVP_PKEY_get_bits)                    \
  X(OPENSSL_cleanse)                      \
  X(OPENSSL_sk_new_null)                  \
  X(OPENSSL_sk_num)                       \
  X(OPENSSL_sk_value)                     \
  X(OSSL_PARAM_construct_end)             \
  X(OSSL_PARAM_construct_octet_string)    \
  X(OSSL_PARAM_construct_utf8_string)     \
  X(OpenSSL_version_num)                  \
  X(RAND_bytes)                           \
  X(SSL_CIPHER_get_protocol_id)           \
  X(SSL_CTX_add_custom_ext)               \
  X(SSL_CTX_callback_ctrl)                \
  X(SSL_CTX_clear_options)                \
  X(SSL_CTX_ctrl)                         \
  X(SSL_CTX_get_cert_store)               \
  X(SSL_CTX_get_ex_data)                  \
  X(SSL_CTX_set_cert_verify_callback)     \
  X(SSL_CTX_set_cipher_list)              \
  X(SSL_CTX_set_ciphersuites)             \
  X(SSL_CTX_set_client_CA_list)           \
  X(SSL_CTX_set_ex_data)                  \
  X(SSL_CTX_set_num_tickets)              \
  X(SSL_CTX_set_options)                  \
  X(SSL_CTX_set_tlsext_ticket_key_evp_cb) \
  X(SSL_CTX_set_verify_depth)             \
  X(SSL_clear_options)                    \
  X(SSL_ctrl)                             \
  X(SSL_do_handshake)                     \
  X(SSL_get0_param)                       \
  X(SSL_get0_peer_certificate)            \
  X(SSL_get_SSL_CTX)                      \
  X(SSL_get_certificate)                  \
  X(SSL_get_current_cipher)               \
  X(SSL_get_ex_data)                      \
  X(SSL_get_ex_data_X509_STORE_CTX_idx)   \
  X(SSL_get_signature_type_nid)           \
  X(SSL_get_wbio)                         \
  X(SSL_new_session_ticket)               \
  X(SSL_session_reused)                   \
  X(SSL_set0_wbio)                        \
  X(SSL_set_cipher_list)                  \
  X(SSL_set_ciphersuites)                 \
  X(SSL_set_ex_data)                      \
  X(SSL_set_num_tickets)                  \
  X(SSL_set_options)                      \
  X(SSL_set_session_id_context)           \
  X(SSL_version)                          \
  X(X509_STORE_CTX_free)                  \
  X(X509_STORE_CTX_get0_cert)             \
  X(X509_STORE_CTX_get0_chain)            \
  X(X509_STORE_CTX_get0_param)            \
  X(X509_STORE_CTX_get0_untrusted)        \
  X(X509_STORE_CTX_get_error)             \
  X(X509_STORE_CTX_get_ex_data)           \
  X(X509_STORE_CTX_init)                  \
  X(X509_STORE_CTX_new)                   \
  X(X509_STORE_CTX_set_default)           \
  X(X509_STORE_CTX_set_error)             \
  X(X509_STORE_CTX_set_verify_cb)         \
  X(X509_VERIFY_PARAM_set1)               \
  X(X509_cmp)                             \
  X(X509_free)                            \
  X(X509_get0_pubkey)                     \
  X(X509_verify_cert)                     \
  X(X509_verify_cert_error_string)        \
  X(d2i_X509)                             \
  X(i2d_X509)

struct OpenSsl {
#define SALLYPORT_DECLARE(name) decltype(&::name) name##_;
  SALLYPORT_OPENSSL_FUNCTIONS(SALLYPORT_DECLARE)
#undef SALLYPORT_DECLARE
  // Since OpenSSL 3.2; null before.
  const char* (*SSL_get0_group_name_)(SSL*);
};

// The process's OpenSSL, or null when it lacks a function or is of another major version than the headers
// this was compiled with.
const OpenSsl* FindOpenSsl();

}  // namespace sallyport
#endif
