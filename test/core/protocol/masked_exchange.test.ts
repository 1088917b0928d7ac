// An exchange whose answer is masked towards the caller: what the upstream is asked, and what may still
// be said of its answer.

import { describe, expect, it, test } from "vitest";
import { maskAnswerHeaders } from "../../../core/mask/mask_answer_headers.ts";
import type { Header } from "../../../core/mask/mask_headers.ts";
import { EVERY_SECRET, maskPlan } from "../../../core/mask/mask_plan.ts";
import { askedWhole, headersOfMasked, isAboutParts } from "../../../core/protocol/http/masked_exchange.ts";

const CONDITIONS = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];

describe("the upstream is asked", () => {
  it.each(["GET", "HEAD", "QUERY", "PROPFIND", "REPORT", "OPTIONS"])(
    "by %s for all of it, whatever it was",
    (method) => {
      const headers = [...CONDITIONS, "range", "if-range", "if_none_match", "Range".toLowerCase()].map(
        (name): Header => [name, "x"],
      );
      expect(askedWhole(method, [...headers, ["accept", "a/b"]])).toEqual([
        ["accept", "a/b"],
        ["accept-encoding", "identity"],
      ]);
    },
  );

  it.each(["PUT", "POST", "PATCH", "DELETE", "LOCK"])("by %s under the conditions by which it happens", (method) => {
    const headers = CONDITIONS.map((name): Header => [name, "x"]);
    expect(askedWhole(method, [...headers, ["range", "bytes=0-1"], ["accept-encoding", "br"]])).toEqual([
      ...headers,
      ["accept-encoding", "identity"],
    ]);
  });
});

describe("of the answer", () => {
  test.each([
    ...["etag", "ETag".toLowerCase(), "x-linked-etag", "content-md5", "digest", "repr-digest", "content-digest"],
    ...["docker-content-digest", "x-goog-hash", "x-amz-checksum-sha256", "x-amz-checksum-crc64nvme", "x_checksum_md5"],
    ...["x-ms-content-crc64", "content-length", "x-goog-stored-content-length", "x-linked-size", "accept-ranges"],
    ...["content-range", "content-encoding", "trailer", "im", "delta-base", "signature", "signature-input"],
    ...["expires", "age", "x-sha-256", "x-content-sha256"],
  ])("%s says something about other bytes than the caller's, and is dropped", (name) => {
    expect(headersOfMasked([[name, "x"]])).toEqual([["cache-control", "no-store"]]);
  });

  test.each(["content-type", "last-modified", "x-hashtag", "x-page-size", "x-shard", "x-digestive", "location"])(
    "%s does not, and stays",
    (name) => {
      expect(headersOfMasked([[name, "x"]])).toEqual([
        [name, "x"],
        ["cache-control", "no-store"],
      ]);
    },
  );

  it("nobody keeps anything", () => {
    const cached: Header[] = [["cache-control", "public, max-age=1"]];
    expect(headersOfMasked(cached)).toEqual([["cache-control", "no-store"]]);
  });

  it("parts, deltas and what has not changed are no answers to what was asked", () => {
    const statuses = [200, 201, 204, 206, 226, 301, 304, 400, 404, 412, 416, 500];
    expect(statuses.filter(isAboutParts)).toEqual([206, 226, 304, 416]);
  });
});

describe("headers are masked", () => {
  const own = maskPlan([
    { id: "number", fields: ["staff"], pattern: "EMP-[0-9]{6}", keywords: ["EMP-"], pseudonym: false },
  ]);

  it("by name, by shape and in addresses, as bodies are, and counted", () => {
    const { headers, spans } = maskAnswerHeaders(own, [
      ["x-auth-token", "abc"],
      ["location", "https://x.example/a?token=abcdefgh&b=1"],
      ["x-note", "see EMP-123456 and EMP-654321"],
      ["staff", "bob"],
      ["x-plain", "plain"],
    ]);
    expect(headers).toEqual([
      ["x-auth-token", "[masked:token]"],
      ["location", "https://x.example/a?token=[masked:token]&b=1"],
      ["x-note", "see [masked:number] and [masked:number]"],
      ["staff", "[masked:number]"],
      ["x-plain", "plain"],
    ]);
    expect(spans).toBe(5);
  });

  it("but for cookies, which the upstream gives to this client, and for words of the protocol", () => {
    const passed: Header[] = [
      ["set-cookie", "session=abcdefghijkl"],
      ["content-type", "text/plain; charset=utf-8"],
      ["content-security-policy", "sandbox"],
    ];
    expect(maskAnswerHeaders(EVERY_SECRET, passed)).toEqual({ headers: passed, spans: 0 });
  });

  it("in whatever bytes: what is no ASCII stays as it is", () => {
    const headers: Header[] = [["x-note", "caf\u00e9 \u00ff EMP-123456"]];
    expect(maskAnswerHeaders(own, headers).headers).toEqual([["x-note", "caf\u00e9 \u00ff [masked:number]"]]);
  });
});
