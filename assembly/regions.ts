/** The regions of memory through which a host and the module hand values to each other. */
import {
  DECISION_BYTES,
  HELLO_BYTES,
  MAX_BATCH_BYTES,
  MAX_CANARIES,
  MAX_COUNTERS,
  MAX_FACTS,
  MAX_HELLO_BYTES,
  MAX_IMAGE_BYTES,
  MAX_INPUT_BYTES,
  MAX_KEY_BYTES,
  MAX_POW_BATCH,
  MAX_TEXT_BYTES,
  POW_BYTES,
  RATE_BYTES,
  REGION_BATCH,
  REGION_DECISION,
  REGION_DIGEST,
  REGION_DRAWS,
  REGION_HELLO,
  REGION_IMAGE,
  REGION_INPUT,
  REGION_KEY,
  REGION_MESSAGE,
  REGION_POW,
  REGION_RATES,
  REGION_SLOTS,
  REGION_SYN,
  REGION_TEXT,
  REGION_TOKEN,
  REGION_VALUES,
  SLOT_BYTES,
  SYN_BYTES,
  TOKEN_BYTES,
} from './abi/layout.gen';
import {
  BATCH,
  DECISION,
  DIGEST,
  DRAWS,
  HELLO,
  INPUT,
  KEY,
  MESSAGE,
  POW,
  RATES,
  SLOTS,
  SYN,
  TEXT,
  TOKEN,
  VALUES,
  VALUES_BYTES,
} from './memory';
import { DIGEST_BYTES } from './sha256';
import { idleImage } from './state';

/** Address of a region, 0 for an unknown one. That of the image moves with every image loaded. */
export function regionAddress(id: i32): usize {
  if (id == REGION_INPUT) return INPUT;
  if (id == REGION_HELLO) return HELLO;
  if (id == REGION_MESSAGE) return MESSAGE;
  if (id == REGION_VALUES) return VALUES;
  if (id == REGION_TEXT) return TEXT;
  if (id == REGION_SLOTS) return SLOTS;
  if (id == REGION_RATES) return RATES;
  if (id == REGION_DECISION) return DECISION;
  if (id == REGION_IMAGE) return idleImage();
  if (id == REGION_DRAWS) return DRAWS;
  if (id == REGION_BATCH) return BATCH;
  if (id == REGION_SYN) return SYN;
  if (id == REGION_DIGEST) return DIGEST;
  if (id == REGION_KEY) return KEY;
  if (id == REGION_POW) return POW;
  return id == REGION_TOKEN ? TOKEN : 0;
}

/** Size of a region in bytes, 0 for an unknown one. */
export function regionSize(id: i32): i32 {
  if (id == REGION_INPUT) return MAX_INPUT_BYTES;
  if (id == REGION_HELLO) return HELLO_BYTES;
  if (id == REGION_MESSAGE) return MAX_HELLO_BYTES;
  if (id == REGION_VALUES) return VALUES_BYTES;
  if (id == REGION_TEXT) return MAX_TEXT_BYTES;
  if (id == REGION_SLOTS) return MAX_FACTS * SLOT_BYTES;
  if (id == REGION_RATES) return MAX_COUNTERS * RATE_BYTES;
  if (id == REGION_DECISION) return DECISION_BYTES;
  if (id == REGION_IMAGE) return MAX_IMAGE_BYTES;
  if (id == REGION_DRAWS) return MAX_CANARIES * RATE_BYTES;
  if (id == REGION_BATCH) return MAX_BATCH_BYTES;
  if (id == REGION_SYN) return SYN_BYTES;
  if (id == REGION_DIGEST) return DIGEST_BYTES;
  if (id == REGION_KEY) return MAX_KEY_BYTES;
  if (id == REGION_POW) return MAX_POW_BATCH * POW_BYTES;
  return id == REGION_TOKEN ? TOKEN_BYTES : 0;
}
