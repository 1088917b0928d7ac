// An exchange whose answer is masked on its way to the caller. The bytes that the caller gets are others
// than the upstream's, and in another number, so nothing may be said of them that is said of the
// upstream's: lengths, ranges, validators, digests, signatures. Nor may the upstream be asked for
// anything that depends on its own bytes:
//
// - a part of them: a secret cut in two by a range is none that could be found;
// - whether they are the ones that the caller knows: the validator of many servers is a digest of the
//   content, by which somebody could try what the masked value is;
// - them in a coding, which would only have to be opened.
//
// So a read is asked for whole, in its plain form and unconditionally. A write keeps its conditions:
// `If-None-Match: *` decides whether it happens at all. (With `If-Match` somebody who may write can
// still try one guess at the content a write.)

import type { Header } from "../../mask/mask_headers.ts";
import { rememberNames } from "../../remembered_names.ts";
import { verbClass } from "./methods.ts";

/** RFC 9110 §13.1, §14.2; RFC 3229 §10.5.3 (deltas); RFC 9530 §4 and its predecessor (digests on demand). */
const ABOUT_BYTES: ReadonlySet<string> = new Set([
  "range",
  "if-range",
  "a-im",
  "want-digest",
  "want-content-digest",
  "want-repr-digest",
  "te",
]);
const CONDITIONS: ReadonlySet<string> = new Set([
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
]);

/** CGI, WSGI and PHP read `If_Range` as they read `If-Range`. */
const plainly: (name: string) => string = rememberNames((name) => name.replaceAll("_", "-"));

/** What goes to the upstream in place of `headers`. */
export function askedWhole(method: string, headers: readonly Header[]): Header[] {
  const isRead = verbClass(method) === "read";
  const kept = headers.filter(([name]) => {
    const plain = plainly(name);
    return plain !== "accept-encoding" && !ABOUT_BYTES.has(plain) && !(isRead && CONDITIONS.has(plain));
  });
  return [...kept, ["accept-encoding", "identity"]];
}

const DROPPED: ReadonlySet<string> = new Set([
  "content-length",
  "content-encoding",
  "accept-ranges",
  "content-range",
  "delta-base",
  "im",
  "trailer",
  "signature",
  "signature-input",
  "content-signature",
  "cache-control",
  "expires",
  "age",
  "pragma",
]);
/**
 * ETag, Content-MD5, Digest, Repr-Digest, X-Goog-Hash, X-Amz-Checksum-Crc32c, Docker-Content-Digest,
 * X-Checksum-Sha1, X-Linked-Etag, X-Ms-Content-Crc64 … and lengths under other names: X-Goog-Stored-Content-Length.
 */
const TELLS_BYTES =
  /(?:^|-)(?:etag|digest|hash|hashes|checksum|md5|sha|sha1|sha224|sha256|sha384|sha512|crc|crc32|crc32c|crc64|crc64nvme|xxh64|xxh3|xxhash|blake2|blake3|adler32)(?:-|$)|(?:content|object|blob|linked|stored)-(?:length|size)$/;

type Fate = "drop" | "keep";
const fateOf: (name: string) => Fate = rememberNames((name) => {
  const plain = name.replaceAll("_", "-");
  return DROPPED.has(plain) || TELLS_BYTES.test(plain) ? "drop" : "keep";
});

/**
 * The upstream's headers without what they say of its bytes. What the caller gets depends on who asks
 * and on the policy of the day, so nobody is to keep it for anybody.
 */
export function headersOfMasked(headers: readonly Header[]): Header[] {
  return [...headers.filter(([name]) => fateOf(name) === "keep"), ["cache-control", "no-store"]];
}

/** Answers to what was not asked: parts, deltas, and that nothing has changed. */
export function isAboutParts(status: number): boolean {
  return status === 206 || status === 226 || status === 304 || status === 416;
}
