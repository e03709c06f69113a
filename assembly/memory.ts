/** Every address the module uses: fixed regions, laid out at compile time. Nothing is allocated at run time. */
import {
  DECISION_BYTES,
  HELLO_BYTES,
  MAX_BATCH_BYTES,
  MAX_CANARIES,
  MAX_COUNTERS,
  MAX_FACTS,
  MAX_HELLO_BYTES,
  MAX_HOST_VALUE_BYTES,
  MAX_IMAGE_BYTES,
  MAX_INPUT_BYTES,
  MAX_KEY_BYTES,
  MAX_POW_BATCH,
  MAX_TEXT_BYTES,
  POW_BYTES,
  RATE_BYTES,
  SLOT_BYTES,
  SYN_BYTES,
  TOKEN_BYTES,
} from './abi/layout.gen';

/** What a hello writes beside its own bytes: two fingerprints and the widened one-byte codes. */
const HELLO_VALUE_SLACK: i32 = 2_048;
/** Room for a SYN signature. */
const SYN_VALUE_BYTES: i32 = 512;

/** Bytes the host hands over. */
export const INPUT: usize = memory.data(MAX_INPUT_BYTES, 16);
/** The reassembled ClientHello body, without its handshake header. */
export const MESSAGE: usize = memory.data(MAX_HELLO_BYTES, 16);
/** Room for a country. */
const ORIGIN_VALUE_BYTES: i32 = 16;
/** Values of fact slots: first the host's part, then the SYN's signature, the country, then the hello's. */
export const VALUES_BYTES: i32 =
  MAX_HOST_VALUE_BYTES + SYN_VALUE_BYTES + ORIGIN_VALUE_BYTES + MAX_HELLO_BYTES + HELLO_VALUE_SLACK;
export const VALUES: usize = memory.data(VALUES_BYTES, 16);
export const SYN_VALUES: usize = VALUES + MAX_HOST_VALUE_BYTES;
export const ORIGIN_VALUES: usize = SYN_VALUES + SYN_VALUE_BYTES;
export const HELLO_VALUES: usize = ORIGIN_VALUES + ORIGIN_VALUE_BYTES;
export const TEXT: usize = memory.data(MAX_TEXT_BYTES, 16);
export const SLOTS: usize = memory.data(MAX_FACTS * SLOT_BYTES, 16);
/** Rates of counters, then draws of canaries; both in the form of RATE. */
export const RATES: usize = memory.data((MAX_COUNTERS + MAX_CANARIES) * RATE_BYTES, 16);
export const DRAWS: usize = RATES + MAX_COUNTERS * RATE_BYTES;
export const HELLO: usize = memory.data(HELLO_BYTES, 16);
export const DECISION: usize = memory.data(DECISION_BYTES, 16);
/** Columns to score and the scores; a vector may reach 15 bytes beyond the last column. */
export const BATCH: usize = memory.data(MAX_BATCH_BYTES + 16, 16);
export const SYN: usize = memory.data(SYN_BYTES, 16);
/** Two image slots: one in force, one to write the next image into. */
export const IMAGES: usize = memory.data(2 * MAX_IMAGE_BYTES, 16);
/** Received-byte map of a DTLS message, or a sorted copy of a code list; never both at once. */
export const SCRATCH: usize = memory.data(MAX_HELLO_BYTES, 16);
/** One bit per extension type; all zero between calls. */
export const SEEN: usize = memory.data(8_192, 16);
/** A digest just computed. */
export const DIGEST: usize = memory.data(32, 16);
/** Message schedule and last block of the hash functions. */
export const HASH_WORDS: usize = memory.data(256, 16);
export const HASH_BLOCK: usize = memory.data(128, 16);
export const HASH_STATE: usize = memory.data(32, 16);
/** A key of the host's for HMAC. */
export const KEY: usize = memory.data(MAX_KEY_BYTES, 16);
/** Proofs of work to check in one call. */
export const POW: usize = memory.data(MAX_POW_BATCH * POW_BYTES, 16);
/** A challenge token with what it is made from. */
export const TOKEN: usize = memory.data(TOKEN_BYTES, 16);
