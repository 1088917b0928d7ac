// Bodies whose content type, or whose boundary, says something else than they are.

import { expect, test } from "vitest";
import { EVERY_SECRET } from "../../../core/mask/mask_plan.ts";
import { PayloadMasker } from "../../../core/mask/payload_masker.ts";
import { maskedText } from "../../support/masking.ts";

const CRLF = "\r\n";
const type = 'multipart/form-data; boundary="B"';
const lie = `--C${CRLF}Content-Disposition: form-data; name="password"${CRLF}${CRLF}hunter2${CRLF}x-y${CRLF}--C--${CRLF}a=1`;
const told = lie.replace(`hunter2${CRLF}x-y`, "[masked:password]");
test.each([
  [type, lie, told],
  ["multipart/form-data", lie, told],
  ["text/plain", lie, told],
  ["application/json", lie, told],
  ["application/x-www-form-urlencoded", lie, told],
  ["image/png", lie, told],
  [null, lie, told],
  [type, `{"password":"x"}`, `{"password":"[masked:password]"}`],
  ["application/x-www-form-urlencoded", `[{"password":"x"}]`, `[{"password":"[masked:password]"}]`],
  ["application/x-www-form-urlencoded", `[ ["--password","x"]]`, `[ ["--password","[masked:password]"]]`],
  [
    "application/x-www-form-urlencoded",
    "[a]=%7B%22password%22%3A%22x%22%7D",
    "[a]=%7B%22password%22%3A%22[masked:password]%22%7D",
  ],
  [type, "user=x&password=y", "user=x&password=[masked:password]"],
  [type, `TOKEN=x${CRLF}--B--${CRLF}TOKEN=x`, `TOKEN=[masked:token]${CRLF}--B--${CRLF}TOKEN=[masked:token]`],
  [
    type,
    `--B${CRLF}content-disposition: form-data; name*=UTF-8''pass%77ord${CRLF}${CRLF}x${CRLF}--B--`,
    `--B${CRLF}content-disposition: form-data; name*=UTF-8''pass%77ord${CRLF}${CRLF}[masked:password]${CRLF}--B--`,
  ],
  [
    type,
    `--B${CRLF}Content-Type: multipart/mixed; boundary=C${CRLF}${CRLF}${lie}${CRLF}--B--`,
    `--B${CRLF}Content-Type: multipart/mixed; boundary=C${CRLF}${CRLF}${told}${CRLF}--B--`,
  ],
])("is read as what it is where its type or its boundary says something else: %s %j", (as, body, expected) => {
  expect(maskedText(as, body).text).toBe(expected);
  for (let at = 0; at <= body.length; at++) {
    const masker = new PayloadMasker(EVERY_SECRET, as, () => "p");
    const bytes = new TextEncoder().encode(body);
    const pieces = [masker.push(bytes.subarray(0, at)), masker.push(bytes.subarray(at)), masker.end()];
    expect(Buffer.concat(pieces.map((piece) => piece.bytes)).toString()).toBe(expected);
  }
});
