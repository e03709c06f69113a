/*
 * A TLS 1.3 client that solves the puzzle of a HelloRetryRequest, for programs that use OpenSSL (1.1.1 or later).
 * The extension is that of draft-venhoek-tls-client-puzzles-00; docs/puzzle.md describes it.
 *
 *   gcc -O2 -o puzzle_client puzzle_client.c -lssl -lcrypto
 *   ./puzzle_client HOST PORT SERVER_NAME CA_FILE < request > answer
 *
 * What a program of your own needs is `puzzle_enable`: call it on a context before you make connections of it.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXTENSION = 0xff6a, SHA256_CPU = 1, MAX_DIFFICULTY = 24, MAX_SALT = 256 };

/* GREASE and sha256_cpu behind their length, and an empty body behind its own. */
static const unsigned char OFFER[] = {4, 0x3a, 0x3a, 0, SHA256_CPU, 0, 0};
static const char LABEL[] = "TLS SHA256CPUPuzzle"; /* hashed with its final zero byte */

/* What the second hello answers; belongs to one connection. */
struct puzzle {
  unsigned char answer[13];
  int is_solved;
  unsigned difficulty;
  uint64_t tries;
};

static int puzzle_index = -1;

static unsigned get16(const unsigned char *at) { return (unsigned)at[0] << 8 | at[1]; }

static void put64(unsigned char *at, uint64_t value) {
  for (int i = 7; i >= 0; i--, value >>= 8) at[i] = (unsigned char)value;
}

static unsigned zero_bits(const unsigned char *digest) {
  unsigned bits = 0;
  while (bits < 256 && !(digest[bits / 8] & 0x80 >> bits % 8)) bits++;
  return bits;
}

/* Finds a number whose SHA-256 with the salt and the label begins with so many zero bits; 1 when it has. */
static int solve(struct puzzle *puzzle, unsigned difficulty, const unsigned char *salt, size_t length) {
  unsigned char message[8 + MAX_SALT + sizeof LABEL];
  unsigned char digest[32];
  uint64_t first;
  EVP_MD_CTX *hash = EVP_MD_CTX_new();
  if (hash == NULL || RAND_bytes((unsigned char *)&first, sizeof first) != 1) return 0;
  memcpy(message + 8, salt, length);
  memcpy(message + 8 + length, LABEL, sizeof LABEL);
  for (puzzle->tries = 1;; puzzle->tries++) {
    put64(message, first + puzzle->tries);
    if (EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1) break;
    EVP_DigestUpdate(hash, message, 8 + length + sizeof LABEL);
    EVP_DigestFinal_ex(hash, digest, NULL);
    if (zero_bits(digest) < difficulty) continue;
    puzzle->difficulty = difficulty;
    puzzle->is_solved = 1;
    /* One type behind its length, the number behind its own. */
    memcpy(puzzle->answer, (unsigned char[]){2, 0, SHA256_CPU, 0, 8}, 5);
    memcpy(puzzle->answer + 5, message, 8);
    break;
  }
  EVP_MD_CTX_free(hash);
  return puzzle->is_solved;
}

/* Both hellos: the answer once there is one, else the offer. */
static int on_add(SSL *ssl, unsigned type, unsigned context, const unsigned char **out, size_t *length, X509 *x,
                  size_t chain, int *alert, void *arg) {
  (void)type, (void)context, (void)x, (void)chain, (void)alert, (void)arg;
  const struct puzzle *puzzle = SSL_get_ex_data(ssl, puzzle_index);
  if (puzzle == NULL) return 0;
  *out = puzzle->is_solved ? puzzle->answer : OFFER;
  *length = puzzle->is_solved ? sizeof puzzle->answer : sizeof OFFER;
  return 1;
}

/* The HelloRetryRequest: one type behind its length; the body behind its own; in it the bits, and the salt behind its own. */
static int on_parse(SSL *ssl, unsigned type, unsigned context, const unsigned char *in, size_t length, X509 *x,
                    size_t chain, int *alert, void *arg) {
  (void)type, (void)context, (void)x, (void)chain, (void)arg;
  struct puzzle *puzzle = SSL_get_ex_data(ssl, puzzle_index);
  *alert = SSL_AD_ILLEGAL_PARAMETER;
  if (puzzle == NULL || length < 9 || in[0] != 2 || get16(in + 1) != SHA256_CPU) return 0;
  if (get16(in + 3) != length - 5 || get16(in + 7) != length - 9 || length - 9 > MAX_SALT) return 0;
  *alert = SSL_AD_HANDSHAKE_FAILURE;
  if (get16(in + 5) > MAX_DIFFICULTY) return 0;
  return solve(puzzle, get16(in + 5), in + 9, length - 9);
}

static void free_puzzle(void *parent, void *value, CRYPTO_EX_DATA *data, int index, long l, void *p) {
  (void)parent, (void)data, (void)index, (void)l, (void)p;
  free(value);
}

/* Makes the connections of a context offer the extension; each needs `puzzle_prepare`. */
static int puzzle_enable(SSL_CTX *context) {
  if (puzzle_index < 0) puzzle_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_puzzle);
  /* A group that is listed and not shared is what the server asks for: X25519 alone is shared. */
  return SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1 &&
         SSL_CTX_add_custom_ext(context, EXTENSION,
                                SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_HELLO_RETRY_REQUEST | SSL_EXT_TLS_ONLY,
                                on_add, NULL, NULL, on_parse, NULL) == 1;
}

static int puzzle_prepare(SSL *ssl) {
  return SSL_set_ex_data(ssl, puzzle_index, calloc(1, sizeof(struct puzzle)));
}

static int fail(const char *what) {
  fprintf(stderr, "puzzle_client: %s\n", what);
  ERR_print_errors_fp(stderr);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 5) return fail("usage: puzzle_client HOST PORT SERVER_NAME CA_FILE"), 2;
  char target[300], bytes[16384];
  snprintf(target, sizeof target, "%s:%s", argv[1], argv[2]);

  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  if (context == NULL || SSL_CTX_load_verify_locations(context, argv[4], NULL) != 1) return fail("no CA file");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  if (!puzzle_enable(context)) return fail("OpenSSL takes no such extension");

  BIO *bio = BIO_new_ssl_connect(context);
  SSL *ssl = NULL;
  BIO_get_ssl(bio, &ssl);
  if (ssl == NULL || !puzzle_prepare(ssl)) return fail("no connection was made");
  SSL_set_tlsext_host_name(ssl, argv[3]);
  SSL_set1_host(ssl, argv[3]);
  BIO_set_conn_hostname(bio, target);
  if (BIO_do_connect(bio) != 1 || BIO_do_handshake(bio) != 1) return fail("no connection");

  const struct puzzle *puzzle = SSL_get_ex_data(ssl, puzzle_index);
  fprintf(stderr, "%s, %s, %u bits, %llu hashes\n", SSL_get_version(ssl), SSL_get_cipher(ssl), puzzle->difficulty,
          (unsigned long long)puzzle->tries);

  for (ssize_t got; (got = read(STDIN_FILENO, bytes, sizeof bytes)) > 0;) {
    if (BIO_write(bio, bytes, (int)got) != got) return fail("the connection broke");
  }
  SSL_shutdown(ssl);
  for (int got; (got = BIO_read(bio, bytes, sizeof bytes)) > 0;) fwrite(bytes, 1, (size_t)got, stdout);
  BIO_free_all(bio);
  SSL_CTX_free(context);
  return 0;
}
