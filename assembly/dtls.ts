/** DTLS records and handshake fragments to one message (RFC 6347 4.2.2, 4.2.3). Results as in records.ts. */
import {
  HELLO_MESSAGE_LENGTH_AT,
  HELLO_RECORDS_AT,
  STATUS_FRAGMENT_MISMATCH,
  STATUS_HELLO_TOO_LARGE,
  STATUS_MESSAGE_TRAILING,
  STATUS_NOT_TLS,
  STATUS_RECORD_EMPTY,
  STATUS_RECORD_TOO_LONG,
  STATUS_UNEXPECTED_MESSAGE,
  STATUS_UNEXPECTED_RECORD,
} from './abi/layout.gen';
import { be16, be24 } from './bytes';
import { HELLO, MESSAGE, SCRATCH } from './memory';
import { addViolation } from './parsed';
import { CLIENT_HELLO, HANDSHAKE } from './records';
import { helloLimit } from './state';

const RECORD_HEADER: i32 = 13;
const FRAGMENT_HEADER: i32 = 12;
const MAX_RECORD: i32 = 16_384;

/** Gathers the fragments of the first message, in any order and with repetitions, into MESSAGE. */
export function readDtlsRecords(at: usize, length: i32): i32 {
  let offset = 0;
  let records = 0;
  let total = -1;
  let sequence = 0;
  let received = 0;
  while (total < 0 || received < total) {
    const content = checkHeader(at + offset, length - offset, records == 0);
    if (content <= 0) return content;
    const end = offset + RECORD_HEADER + content;
    if (end > length) return 0;
    let p = offset + RECORD_HEADER;
    while (p < end) {
      if (end - p < FRAGMENT_HEADER) return STATUS_FRAGMENT_MISMATCH;
      const header = at + p;
      if (load<u8>(header) != CLIENT_HELLO) return STATUS_UNEXPECTED_MESSAGE;
      if (total < 0) {
        total = be24(header + 1);
        sequence = be16(header + 4);
        if (total + FRAGMENT_HEADER > helloLimit()) return STATUS_HELLO_TOO_LARGE;
        memory.fill(SCRATCH, 0, total);
      }
      const from = be24(header + 6);
      const size = be24(header + 9);
      if (be24(header + 1) != total || be16(header + 4) != sequence) return STATUS_FRAGMENT_MISMATCH;
      if (from + size > total || p + FRAGMENT_HEADER + size > end) return STATUS_FRAGMENT_MISMATCH;
      const fresh = receive(header + FRAGMENT_HEADER, from, size);
      if (fresh < 0) return STATUS_FRAGMENT_MISMATCH;
      received += fresh;
      p += FRAGMENT_HEADER + size;
    }
    records++;
    offset = end;
  }
  return finish(records, total, offset);
}

/** Checks a whole message with its 12-byte header and copies its body to MESSAGE. */
export function readDtlsMessage(at: usize, length: i32): i32 {
  if (length > 0 && load<u8>(at) != CLIENT_HELLO) return STATUS_UNEXPECTED_MESSAGE;
  if (length < FRAGMENT_HEADER) return 0;
  const total = be24(at + 1);
  if (total + FRAGMENT_HEADER > helloLimit()) return STATUS_HELLO_TOO_LARGE;
  if (be24(at + 6) != 0 || be24(at + 9) != total) return STATUS_FRAGMENT_MISMATCH;
  if (length < FRAGMENT_HEADER + total) return 0;
  if (length > FRAGMENT_HEADER + total) addViolation(STATUS_MESSAGE_TRAILING);
  memory.copy(MESSAGE, at + FRAGMENT_HEADER, total);
  return finish(0, total, FRAGMENT_HEADER + total);
}

function finish(records: i32, total: i32, consumed: i32): i32 {
  store<u32>(HELLO, records, HELLO_RECORDS_AT);
  store<u32>(HELLO, total + FRAGMENT_HEADER, HELLO_MESSAGE_LENGTH_AT);
  return consumed;
}

/** Copies a fragment and returns how many bytes came for the first time, -1 when one differs from before. */
function receive(at: usize, from: i32, size: i32): i32 {
  let fresh = 0;
  for (let i = 0; i < size; i++) {
    const mark = SCRATCH + from + i;
    const out = MESSAGE + from + i;
    const byte = load<u8>(at + i);
    if (load<u8>(mark) == 0) fresh++;
    else if (load<u8>(out) != byte) return -1;
    store<u8>(mark, 1);
    store<u8>(out, byte);
  }
  return fresh;
}

function checkHeader(at: usize, length: i32, first: bool): i32 {
  if (length < 1) return 0;
  if (load<u8>(at) != HANDSHAKE)
    return first && <u32>(<i32>load<u8>(at) - 20) > 6 ? STATUS_NOT_TLS : STATUS_UNEXPECTED_RECORD;
  if (length >= 2 && load<u8>(at, 1) != 0xfe) return first ? STATUS_NOT_TLS : STATUS_UNEXPECTED_RECORD;
  if (length < RECORD_HEADER) return 0;
  if (be16(at + 3) != 0) return STATUS_UNEXPECTED_RECORD;
  const content = be16(at + 11);
  if (content == 0) return STATUS_RECORD_EMPTY;
  return content > MAX_RECORD ? STATUS_RECORD_TOO_LONG : content;
}
