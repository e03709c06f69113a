/** Is what was fetched a text? */
import { isUtf8 } from 'node:buffer';
import { FeedFormatError } from './content.ts';

/** A page for people is told by how it begins. */
const PAGE = /^\s*(?:<!doctype|<html|<\?xml|<head|<body)/i;
const PROBED_BYTES = 4_096;
/** Control characters but tab, line feed, vertical tab, form feed and carriage return. */
const isControl = (byte: number): boolean => byte < 0x20 && !(byte >= 0x09 && byte <= 0x0d);

/** @throws FeedFormatError for what is no text, or a page for people. */
export function checkText(bytes: Uint8Array): void {
  if (!isUtf8(bytes)) throw new FeedFormatError('it is binary: not UTF-8 text');
  for (let at = 0; at < bytes.length; at++) {
    if (isControl(bytes[at]!)) throw new FeedFormatError('it is binary: control characters');
  }
  if (PAGE.test(textOf(bytes.subarray(0, PROBED_BYTES)))) {
    throw new FeedFormatError('it is a web page, not a list');
  }
}

/** The text of bytes that were checked, without a byte order mark. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
