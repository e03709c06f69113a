/** Policy images: verification, and access to their sections. */
import {
  ABI_VERSION,
  ATOM_BYTES,
  CUBE_BYTES,
  GROUP_BYTES,
  IMAGE_HEADER_ABI_AT,
  IMAGE_HEADER_BYTES,
  IMAGE_HEADER_DIGEST_AT,
  IMAGE_HEADER_MAGIC_AT,
  IMAGE_HEADER_REQUIRED_FACTS_AT,
  IMAGE_HEADER_SECTIONS_AT,
  IMAGE_HEADER_SIZE_AT,
  MAGIC_IMAGE,
  MAX_IMAGE_BYTES,
  OPERAND_BYTES,
  RULE_BYTES,
  RUNG_BYTES,
  SCORE_BYTES,
  SECTION_ATOM,
  SECTION_CUBE,
  SECTION_GROUP,
  SECTION_OPERAND,
  SECTION_RULE,
  SECTION_RUNG,
  SECTION_SCORE,
  SECTION_SIGNAL,
  SECTION_SITE,
  SIGNAL_BYTES,
  SITE_BYTES,
  STATUS_IMAGE_ABI,
  STATUS_IMAGE_BOUNDS,
  STATUS_IMAGE_CHECKSUM,
  STATUS_IMAGE_MAGIC,
  STATUS_IMAGE_SIZE,
} from './abi/layout.gen';
import { hasBounds } from './image-bounds';
import { DIGEST } from './memory';
import { sha256 } from './sha256';
import { activateImage, activeImage, idleImage } from './state';

const SECTIONS: i32 = 11;

/** Address of the first element of a section. */
export function section(image: usize, index: i32): usize {
  return image + load<u32>(image + (index << 3), IMAGE_HEADER_SECTIONS_AT);
}

export function sectionCount(image: usize, index: i32): i32 {
  return load<i32>(image + (index << 3), IMAGE_HEADER_SECTIONS_AT + 4);
}

/** A word of the facts that the image in force reads, 0 when none is. */
export function requiredFacts(word: i32): u32 {
  const image = activeImage();
  return image == 0 ? 0 : load<u32>(image + (word << 2), IMAGE_HEADER_REQUIRED_FACTS_AT);
}

/** Does the image in force read a fact? */
export function isRequired(fact: i32): bool {
  return (requiredFacts(fact >> 5) & (1 << (fact & 31))) != 0;
}

/** Verifies the image in the idle slot and puts it in force: its epoch, or why not. */
export function loadImage(length: i32): i32 {
  const image = idleImage();
  if (length < IMAGE_HEADER_BYTES || length > MAX_IMAGE_BYTES) return STATUS_IMAGE_SIZE;
  if (load<i32>(image, IMAGE_HEADER_MAGIC_AT) != MAGIC_IMAGE) return STATUS_IMAGE_MAGIC;
  if (load<i32>(image, IMAGE_HEADER_SIZE_AT) != length) return STATUS_IMAGE_SIZE;
  if (load<i32>(image, IMAGE_HEADER_ABI_AT) != ABI_VERSION) return STATUS_IMAGE_ABI;
  sha256(image + IMAGE_HEADER_ABI_AT, length - IMAGE_HEADER_ABI_AT);
  if (memory.compare(DIGEST, image + IMAGE_HEADER_DIGEST_AT, 32) != 0) return STATUS_IMAGE_CHECKSUM;
  for (let i = 0; i < SECTIONS; i++) if (!fits(image, i, length)) return STATUS_IMAGE_BOUNDS;
  if (!hasBounds(image)) return STATUS_IMAGE_BOUNDS;
  return activateImage(image);
}

/** Is a section aligned and inside the image? */
function fits(image: usize, index: i32, length: i32): bool {
  const offset = load<u32>(image + (index << 3), IMAGE_HEADER_SECTIONS_AT);
  const count = load<u32>(image + (index << 3), IMAGE_HEADER_SECTIONS_AT + 4);
  if ((offset & 7) != 0 || offset < <u32>IMAGE_HEADER_BYTES || offset > <u32>length) return false;
  return count <= (<u32>length - offset) / stride(index);
}

function stride(index: i32): u32 {
  if (index == SECTION_ATOM) return ATOM_BYTES;
  if (index == SECTION_CUBE) return CUBE_BYTES;
  if (index == SECTION_RULE) return RULE_BYTES;
  if (index == SECTION_SIGNAL) return SIGNAL_BYTES;
  if (index == SECTION_GROUP) return GROUP_BYTES;
  if (index == SECTION_SCORE) return SCORE_BYTES;
  if (index == SECTION_SITE) return SITE_BYTES;
  if (index == SECTION_RUNG) return RUNG_BYTES;
  if (index == SECTION_OPERAND) return OPERAND_BYTES;
  // SECTION_VALUE and SECTION_SITE_RULE hold plain u32.
  return 4;
}
