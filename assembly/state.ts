/** The few values that outlive a call. They live in memory, since a mutable global costs more to read. */
import { MAX_HELLO_BYTES, MAX_HELLO_BYTES_DEFAULT, MAX_IMAGE_BYTES } from './abi/layout.gen';
import { IMAGES } from './memory';

const STATE: usize = memory.data(64, 16);
const HELLO_LIMIT_AT: usize = 0;
const IMAGE_AT: usize = 4;
const EPOCH_AT: usize = 8;
/** A bit by TEXT_… kind for each fingerprint that the host does not want. */
const UNWANTED_AT: usize = 12;

/** Largest ClientHello accepted, in bytes with its handshake header. */
export function helloLimit(): i32 {
  const limit = load<i32>(STATE, HELLO_LIMIT_AT);
  return limit == 0 ? MAX_HELLO_BYTES_DEFAULT : limit;
}

/** Sets the limit; false when it is not between 64 and the size of the message region. */
export function setHelloLimit(bytes: i32): bool {
  if (bytes < 64 || bytes > MAX_HELLO_BYTES) return false;
  store<i32>(STATE, bytes, HELLO_LIMIT_AT);
  return true;
}

/** Has the host asked for a fingerprint, by its TEXT_… kind? It has for all until it says which. */
export function isWanted(kind: i32): bool {
  return (load<i32>(STATE, UNWANTED_AT) & (1 << kind)) == 0;
}

/** Sets the fingerprints that are wanted beside those the image in force reads, a bit by TEXT_… kind. */
export function setWanted(kinds: i32): void {
  store<i32>(STATE, ~kinds, UNWANTED_AT);
}

/** Address of the image in force, 0 when none is. */
export function activeImage(): usize {
  return load<u32>(STATE, IMAGE_AT);
}

/** Address of the slot the next image is written to. */
export function idleImage(): usize {
  return activeImage() == IMAGES ? IMAGES + MAX_IMAGE_BYTES : IMAGES;
}

/** Makes an image the one in force and returns the new epoch. */
export function activateImage(image: usize): i32 {
  store<u32>(STATE, <u32>image, IMAGE_AT);
  store<i32>(STATE, (epoch() + 1) & 0x7fff_ffff, EPOCH_AT);
  return epoch();
}

/** Grows by one with every image that comes into force. */
export function epoch(): i32 {
  return load<i32>(STATE, EPOCH_AT);
}
