/*
 * The decision core as native code: wasm2c turns the module into C, and this file drives it.
 * Usage: host POLICY-FOLDER < VECTORS. Built by build.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport_core.h" /* the constants, from include/ */
#include "core.h"           /* the module, from wasm2c */

#define CORE(function) Z_sallyport_coreZ_sp_##function
#define MAX_LINE (1 << 20)
#define MAX_BYTES (1 << 18)
#define VERIFY_ALL 0x7fffffff
#define PUZZLE_NONCES 65536
#define PUZZLE_BITS 10

static Z_sallyport_core_instance_t core;

/* An address in the module's memory; the memory moves when it grows, so none is kept. */
static u8 *at(u32 address) { return Z_sallyport_coreZ_memory(&core)->data + address; }
static u8 *region(u32 id) { return at(CORE(region)(&core, id)); }

/* The module's integers are little-endian, whatever the machine is. */
static u32 read32(const u8 *from) {
  return from[0] | (u32)from[1] << 8 | (u32)from[2] << 16 | (u32)from[3] << 24;
}
static u32 read16(const u8 *from) { return from[0] | (u32)from[1] << 8; }
static void write32(u8 *to, u32 value) {
  for (int i = 0; i < 4; i++) to[i] = (u8)(value >> 8 * i);
}

static void fail(const char *what, s32 status) {
  fprintf(stderr, "host: %s (%d)\n", what, status);
  exit(1);
}

/* The whole file; the caller frees it. */
static u8 *read_file(const char *folder, const char *name, u32 *length) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END)) fail(path, 1);
  *length = (u32)ftell(file);
  rewind(file);
  u8 *bytes = malloc(*length);
  if (!bytes || fread(bytes, 1, *length, file) != *length) fail(path, 2);
  fclose(file);
  return bytes;
}

/* The tables first, then the image that reads them. */
static void load_policy(const char *folder) {
  u32 length;
  u8 *tables = read_file(folder, "policy.tables", &length);
  s32 address = (s32)CORE(reserve_tables)(&core, length);
  if (address < 0) fail("the tables were refused", address);
  memcpy(at((u32)address), tables, length);
  s32 status;
  do status = (s32)CORE(verify_tables)(&core, VERIFY_ALL);
  while (status == 1);
  if (status != 0) fail("the tables were refused", status);
  u8 *image = read_file(folder, "policy.image", &length);
  memcpy(region(SP_REGION_IMAGE), image, length);
  status = (s32)CORE(load_image)(&core, length);
  if (status < 0) fail("the image was refused", status);
  free(tables);
  free(image);
}

/* Puts bytes in hex into a region and returns their number; "-" is none. */
static u32 put_hex(u32 id, const char *hex) {
  if (strcmp(hex, "-") == 0) return 0;
  u8 *to = region(id);
  u32 length = (u32)strlen(hex) / 2;
  if (length > MAX_BYTES) fail("a value is too long", (s32)length);
  for (u32 i = 0; i < length; i++) {
    unsigned byte;
    if (sscanf(hex + 2 * i, "%2x", &byte) != 1) fail("a value is not hex", (s32)i);
    to[i] = (u8)byte;
  }
  return length;
}

static u8 *slot(u32 fact) { return region(SP_REGION_SLOTS) + fact * SP_SLOT_BYTES; }

static void set_address(const char *hex) {
  u32 length = put_hex(SP_REGION_VALUES, hex);
  write32(slot(SP_FACT_CONN_IP) + SP_SLOT_OFFSET_AT, 0);
  write32(slot(SP_FACT_CONN_IP) + SP_SLOT_LENGTH_AT, length);
  write32(slot(SP_FACT_CONN_IP) + SP_SLOT_STATE_AT, length == 4 ? SP_STATE_IP4 : SP_STATE_IP6);
}

/* The texts of the core are ASCII without characters that JSON escapes. */
static void print_text(const char *key, const u8 *text, u32 length) {
  if (text) printf(",\"%s\":\"%.*s\"", key, (int)length, (const char *)text);
  else printf(",\"%s\":null", key);
}

static void print_sni(void) {
  const u8 *sni = slot(SP_FACT_HELLO_SNI);
  int known = read32(sni + SP_SLOT_STATE_AT) == SP_STATE_BYTES;
  const u8 *text = known ? region(SP_REGION_VALUES) + read32(sni + SP_SLOT_OFFSET_AT) : NULL;
  print_text("sni", text, read32(sni + SP_SLOT_LENGTH_AT));
}

/* A hello that only breaks a rule of the protocol could be read, and has fingerprints. */
static void print_fingerprints(s32 status) {
  int readable = status == 0 || (status < 0 && -status >> 16 == SP_CATEGORY_VIOLATION);
  u32 raw = readable ? CORE(hello_text)(&core, SP_TEXT_JA4_R) : 0;
  print_text("ja3", readable ? region(SP_REGION_HELLO) + SP_HELLO_JA3_HASH_AT : NULL, 32);
  print_text("ja4", readable ? region(SP_REGION_HELLO) + SP_HELLO_JA4_AT : NULL, 36);
  print_text("ja4_r", readable ? region(SP_REGION_TEXT) : NULL, raw);
}

static void print_decision(void) {
  static const struct { const char *key; u32 at; } fields[] = {
      {"tier", SP_DECISION_TIER_AT},           {"policy", SP_DECISION_POLICY_AT},
      {"rule", SP_DECISION_RULE_AT},           {"rung", SP_DECISION_RUNG_AT},
      {"score", SP_DECISION_SCORE_AT},         {"score_low", SP_DECISION_SCORE_LOW_AT},
      {"score_high", SP_DECISION_SCORE_HIGH_AT}, {"final", SP_DECISION_FINAL_AT},
  };
  const u8 *decision = region(SP_REGION_DECISION);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    printf(",\"%s\":%d", fields[i].key, (s32)read32(decision + fields[i].at));
  u32 rules = read32(decision + SP_DECISION_MATCHED_RULE_COUNT_AT);
  u32 signals = read32(decision + SP_DECISION_SIGNAL_COUNT_AT);
  printf(",\"matched_rules\":[");
  for (u32 i = 0; i < rules; i++)
    printf("%s%u", i ? "," : "", read16(decision + SP_DECISION_MATCHED_RULES_AT + 2 * i));
  printf("],\"signal_points\":[");
  for (u32 i = 0; i < signals; i++)
    printf("%s%d", i ? "," : "", (s16)read16(decision + SP_DECISION_SIGNAL_POINTS_AT + 2 * i));
  printf("]");
}

/* Everything about one client; nothing of it is left for the next. */
static void look(const char *name, u32 form, u32 proto, const char *ip, const char *syn, const char *hello) {
  CORE(begin)(&core);
  set_address(ip);
  s32 syn_status = (s32)CORE(parse_syn)(&core, put_hex(SP_REGION_INPUT, syn));
  s32 status = (s32)CORE(parse)(&core, put_hex(SP_REGION_INPUT, hello), form, proto);
  s32 decided = (s32)CORE(decide)(&core, 0, SP_PHASE_HELLO);
  if (decided != 0) fail("no decision", decided);
  printf("{\"name\":\"%s\",\"hello\":%d,\"syn\":%d", name, status, syn_status);
  print_sni();
  print_fingerprints(status);
  const u8 *seen = region(SP_REGION_SYN);
  print_text("sig", syn_status == 0 ? seen + SP_SYN_SIG_AT : NULL, read32(seen + SP_SYN_SIG_LENGTH_AT));
  print_decision();
  u32 prefix = put_hex(SP_REGION_INPUT, ip);
  printf(",\"puzzle\":%d}\n", (s32)CORE(solve)(&core, prefix, 0, PUZZLE_NONCES, PUZZLE_BITS));
}

int main(int argc, char **argv) {
  static char line[MAX_LINE];
  if (argc != 2) fail("usage: host POLICY-FOLDER < VECTORS", argc);
  wasm_rt_init();
  Z_sallyport_core_init_module();
  Z_sallyport_core_instantiate(&core);
  if (*Z_sallyport_coreZ_sp_abi_version(&core) >> 16 != SP_ABI_VERSION >> 16) fail("another ABI", 0);
  if (CORE(selftest)(&core) != 0) fail("the decision core failed its self-test", 0);
  load_policy(argv[1]);
  while (fgets(line, sizeof line, stdin)) {
    if (line[0] == '#' || line[0] == '\n') continue;
    char *fields[6] = {NULL};
    int count = 0;
    for (char *field = strtok(line, "\t\n"); field && count < 6; field = strtok(NULL, "\t\n")) fields[count++] = field;
    if (count < 6) fail("a line has too few columns", count);
    look(fields[0], (u32)atoi(fields[1]), (u32)atoi(fields[2]), fields[3], fields[4], fields[5]);
  }
  Z_sallyport_core_free(&core);
  wasm_rt_free();
  return 0;
}
