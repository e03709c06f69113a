/**
 * TLS records to one handshake message (RFC 8446 5.1), over any split into records. Results: the number
 * of bytes consumed when the message is whole, 0 when more is needed, a negative status otherwise.
 */
import {
  HELLO_MESSAGE_LENGTH_AT,
  HELLO_RECORDS_AT,
  STATUS_HELLO_TOO_LARGE,
  STATUS_MESSAGE_TRAILING,
  STATUS_NOT_TLS,
  STATUS_RECORD_EMPTY,
  STATUS_RECORD_TOO_LONG,
  STATUS_SSLV2_HELLO,
  STATUS_UNEXPECTED_MESSAGE,
  STATUS_UNEXPECTED_RECORD,
} from './abi/layout.gen';
import { be16, be24 } from './bytes';
import { HELLO, MESSAGE } from './memory';
import { addViolation } from './parsed';
import { helloLimit } from './state';

export const HANDSHAKE: i32 = 22;
export const CLIENT_HELLO: i32 = 1;
const RECORD_HEADER: i32 = 5;
const MESSAGE_HEADER: i32 = 4;
const MAX_RECORD: i32 = 16_384;
const LOWEST_TYPE: i32 = 20;
const HIGHEST_TYPE: i32 = 26;

/** The handshake header is gathered here when records split it. */
const HEADER: usize = memory.data(4, 4);

/** Gathers the body of the first handshake message of `length` bytes of records into MESSAGE. */
export function readRecords(at: usize, length: i32): i32 {
  let offset = 0;
  let records = 0;
  let header = 0;
  let body = 0;
  let total = -1;
  while (total < 0 || body < total) {
    const status = checkHeader(at + offset, length - offset, records == 0);
    if (status <= 0) return status;
    const end = offset + RECORD_HEADER + status;
    const available = min(end, length);
    let p = offset + RECORD_HEADER;
    while (header < MESSAGE_HEADER && p < available) store<u8>(HEADER + header++, load<u8>(at + p++));
    if (header > 0 && load<u8>(HEADER) != CLIENT_HELLO) return STATUS_UNEXPECTED_MESSAGE;
    if (header < MESSAGE_HEADER) {
      if (available < end) return 0;
    } else {
      if (total < 0) {
        total = be24(HEADER + 1);
        if (total + MESSAGE_HEADER > helloLimit()) return STATUS_HELLO_TOO_LARGE;
      }
      const take = min(available - p, total - body);
      memory.copy(MESSAGE + body, at + p, take);
      body += take;
      p += take;
      if (available < end && (body < total || p == available)) return 0;
      if (p < end && body == total) addViolation(STATUS_MESSAGE_TRAILING);
    }
    records++;
    offset = end;
  }
  store<u32>(HELLO, records, HELLO_RECORDS_AT);
  store<u32>(HELLO, total + MESSAGE_HEADER, HELLO_MESSAGE_LENGTH_AT);
  return offset;
}

/** Checks a bare handshake message and copies its body to MESSAGE. */
export function readBareMessage(at: usize, length: i32): i32 {
  if (length > 0 && load<u8>(at) != CLIENT_HELLO) return STATUS_UNEXPECTED_MESSAGE;
  if (length < MESSAGE_HEADER) return 0;
  const total = be24(at + 1);
  if (total + MESSAGE_HEADER > helloLimit()) return STATUS_HELLO_TOO_LARGE;
  if (length < MESSAGE_HEADER + total) return 0;
  if (length > MESSAGE_HEADER + total) addViolation(STATUS_MESSAGE_TRAILING);
  memory.copy(MESSAGE, at + MESSAGE_HEADER, total);
  store<u32>(HELLO, 0, HELLO_RECORDS_AT);
  store<u32>(HELLO, total + MESSAGE_HEADER, HELLO_MESSAGE_LENGTH_AT);
  return MESSAGE_HEADER + total;
}

/** The record's content length, 0 when its header is not whole, or why it cannot be a hello's record. */
function checkHeader(at: usize, length: i32, first: bool): i32 {
  if (length < 1) return 0;
  const type = <i32>load<u8>(at);
  if (type < LOWEST_TYPE || type > HIGHEST_TYPE) {
    return first ? checkForeign(at, length) : STATUS_UNEXPECTED_RECORD;
  }
  if (length < 2) return 0;
  if (load<u8>(at, 1) != 3) return first ? STATUS_NOT_TLS : STATUS_UNEXPECTED_RECORD;
  if (type != HANDSHAKE) return STATUS_UNEXPECTED_RECORD;
  if (length < RECORD_HEADER) return 0;
  const content = be16(at + 3);
  if (content == 0) return STATUS_RECORD_EMPTY;
  return content > MAX_RECORD ? STATUS_RECORD_TOO_LONG : content;
}

/** Tells an SSL 2.0 CLIENT-HELLO (two-byte header, type 1, version 0.2 or 3.x) from what is not TLS at all. */
function checkForeign(at: usize, length: i32): i32 {
  if ((load<u8>(at) & 0x80) == 0) return STATUS_NOT_TLS;
  if (length >= 3 && load<u8>(at, 2) != CLIENT_HELLO) return STATUS_NOT_TLS;
  if (length < 5) return 0;
  const version = be16(at + 3);
  return version == 0x0002 || version >> 8 == 3 ? STATUS_SSLV2_HELLO : STATUS_NOT_TLS;
}
