/**
 * Digests of lists that were seen before. Traffic is made of few distinct lists, and to hash one costs more than to
 * read the whole hello. Whole lists are compared, so a digest is never another's; lists that nobody sent before cost
 * what they would cost without this, and at worst put one other entry out.
 */

/** Pairs of entries; a power of two. A key is in one of the two entries of its pair. */
const PAIRS: u32 = 128;
const ENTRY_BYTES: usize = 360;
/** Of an entry: its key's length, whether it is the one of its pair that was used last, the digest's text, the key. */
const USED_LAST_AT: usize = 4;
const DIGEST_AT: usize = 8;
const KEY_AT: usize = 40;
/** Longer keys are not kept. */
const MAX_KEY_BYTES: usize = 320;
const MEMO: usize = memory.data(92_160, 16);
/** The key being made, with room for the word that runs over its end; its length, its entry, the pair's other one. */
const KEY: usize = memory.data(344, 16);
const LENGTH: usize = KEY + 328;
const ENTRY: usize = KEY + 332;
const OTHER: usize = KEY + 336;

/** Begins a key; `kind` keeps lists apart that are hashed in different forms. */
export function startKey(kind: u32): void {
  store<u32>(KEY, kind);
  store<u32>(LENGTH, 4);
}

/** Adds a list of `bytes` bytes, with its length, so that no two sequences of lists make one key. */
export function addToKey(at: usize, bytes: i32): void {
  const length = <usize>load<u32>(LENGTH);
  const end = length + 4 + <usize>bytes;
  if (end > MAX_KEY_BYTES) {
    store<u32>(LENGTH, <u32>MAX_KEY_BYTES + 1);
    return;
  }
  store<u32>(KEY + length, bytes);
  // Whole words: the last may take bytes that follow the list, which the next list or the end overwrites.
  const to = KEY + length + 4;
  for (let i: usize = 0; i < <usize>bytes; i += 8) store<u64>(to + i, load<u64>(at + i));
  store<u32>(LENGTH, <u32>end);
}

/** Ends the key; the digest's text that was kept for it, or 0. */
export function recall(): usize {
  const length = <usize>load<u32>(LENGTH);
  if (length > MAX_KEY_BYTES) return 0;
  store<u64>(KEY + length, 0);
  const words = (length + 7) & ~7;
  let hash: u64 = 0x9e3779b97f4a7c15;
  for (let i: usize = 0; i < words; i += 8) {
    hash = (hash ^ load<u64>(KEY + i)) * 0xff51afd7ed558ccd;
    hash ^= hash >> 32;
  }
  const first = MEMO + <usize>(<u32>hash & (PAIRS - 1)) * 2 * ENTRY_BYTES;
  const second = first + ENTRY_BYTES;
  if (holds(first, <u32>length)) return use(first, second);
  if (holds(second, <u32>length)) return use(second, first);
  const stays = load<u32>(first, USED_LAST_AT) != 0 ? first : second;
  store<u32>(OTHER, <u32>stays);
  store<u32>(ENTRY, <u32>(first + second - stays));
  return 0;
}

function holds(entry: usize, length: u32): bool {
  if (load<u32>(entry) != length) return false;
  for (let i: usize = 0; i < <usize>length; i += 8) {
    if (load<u64>(entry + KEY_AT + i) != load<u64>(KEY + i)) return false;
  }
  return true;
}

function use(entry: usize, other: usize): usize {
  store<u32>(entry, 1, USED_LAST_AT);
  store<u32>(other, 0, USED_LAST_AT);
  return entry + DIGEST_AT;
}

/** Keeps `bytes` bytes of text, at most 32, for the key that `recall` did not know. */
export function remember(text: usize, bytes: i32): void {
  const length = <usize>load<u32>(LENGTH);
  if (length > MAX_KEY_BYTES) return;
  const entry = <usize>load<u32>(ENTRY);
  store<u32>(entry, <u32>length);
  memory.copy(use(entry, load<u32>(OTHER)), text, bytes);
  memory.copy(entry + KEY_AT, KEY, (length + 7) & ~7);
}
