/*
 * The decision core compiled to C by wasm2c, deciding one hello again and again: what the same code costs without
 * a WebAssembly engine. Arguments: image, tables, hello, decisions to a sample. Prints nanoseconds per decision: of the
 * fastest and of the median sample.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core.h"
#include "sallyport_core.h"
#include "wasm-rt-impl.h"

#define SAMPLES 500

static Z_core_instance_t core;
static double samples[SAMPLES];

static uint8_t *memory(void) { return Z_coreZ_memory(&core)->data; }

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static uint8_t *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (!file) fail(path);
  fseek(file, 0, SEEK_END);
  *length = (size_t)ftell(file);
  rewind(file);
  uint8_t *bytes = malloc(*length);
  if (!bytes || fread(bytes, 1, *length, file) != *length) fail(path);
  fclose(file);
  return bytes;
}

static void load(const char *image_path, const char *tables_path) {
  size_t length;
  uint8_t *tables = read_file(tables_path, &length);
  int32_t at = (int32_t)Z_coreZ_sp_reserve_tables(&core, (uint32_t)length);
  if (at < 0) fail("no room for the tables");
  memcpy(memory() + at, tables, length);
  int32_t status;
  do status = (int32_t)Z_coreZ_sp_verify_tables(&core, 1 << 30);
  while (status == 1);
  if (status != 0) fail("the tables were refused");
  uint8_t *image = read_file(image_path, &length);
  memcpy(memory() + Z_coreZ_sp_region(&core, SP_REGION_IMAGE), image, length);
  if ((int32_t)Z_coreZ_sp_load_image(&core, (uint32_t)length) < 0) fail("the image was refused");
}

static void set_number(uint8_t *slots, int fact, double value) {
  uint32_t state = SP_STATE_NUMBER;
  memcpy(slots + fact * SP_SLOT_BYTES + SP_SLOT_STATE_AT, &state, 4);
  memcpy(slots + fact * SP_SLOT_BYTES + SP_SLOT_VALUE_AT, &value, 8);
}

static int compare(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

int main(int count, char **arguments) {
  if (count != 5) fail("usage: decide image tables hello calls");
  wasm_rt_init();
  Z_core_init_module();
  Z_core_instantiate(&core);
  if (Z_coreZ_sp_selftest(&core) != 0) fail("the self-test failed");
  load(arguments[1], arguments[2]);
  size_t length;
  uint8_t *hello = read_file(arguments[3], &length);
  long calls = atol(arguments[4]);
  uint8_t *input = memory() + Z_coreZ_sp_region(&core, SP_REGION_INPUT);
  uint8_t *slots = memory() + Z_coreZ_sp_region(&core, SP_REGION_SLOTS);
  uint8_t *values = memory() + Z_coreZ_sp_region(&core, SP_REGION_VALUES);
  uint8_t *ip = slots + SP_FACT_CONN_IP * SP_SLOT_BYTES;
  const uint32_t ip_slot[3] = {SP_STATE_IP4, 0, 4};
  for (long round = 0; round < SAMPLES; round++) {
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (long i = 0; i < calls; i++) {
      Z_coreZ_sp_begin(&core);
      memcpy(values, "\x0a\x01\x02\x03", 4);
      memcpy(ip + SP_SLOT_STATE_AT, ip_slot, sizeof ip_slot);
      set_number(slots, SP_FACT_CONN_PORT, 443);
      memcpy(input, hello, length);
      if (Z_coreZ_sp_parse(&core, (uint32_t)length, SP_FORM_RECORDS, SP_PROTO_TLS) != 0) fail("parse");
      if (Z_coreZ_sp_decide(&core, 0, SP_PHASE_HELLO) != 0) fail("decide");
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    samples[round] = ns / (double)calls;
  }
  qsort(samples, SAMPLES, sizeof *samples, compare);
  printf("%.1f %.1f\n", samples[0], samples[SAMPLES / 2]);
  return 0;
}
