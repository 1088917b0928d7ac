// Text of strangers in a chat.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { plainForChat } from "../../workers/notices/plain_for_chat.ts";

describe("a stranger's text", () => {
  test.each([
    ["PUT /left-pad", "PUT /left-pad"],
    ["Zoë Müller 李 🙂", "Zoë Müller 李 🙂"],
    ["<!channel> & <@U1>", "&lt;！channel&gt; &amp; &lt;＠U1&gt;"],
    ["&lt;!here&gt;", "&amp;lt;！here&amp;gt;"],
    ["https://evil.example", "https：//evil․example"],
    ["[ok](x)", "［ok］(x)"],
    ["one\ntwo\r\u2028three", "one�two��three"],
    ["a\u202Eb\u200Bc\u0000d", "a�b�c�d"],
  ])("%j reads %j", (text, shown) => {
    expect(plainForChat(text)).toBe(shown);
  });

  test("has nothing that begins a link, a mention, an emoji or a format, whatever the text is", () => {
    const hostile = fc.constantFrom(..."<>&@#*_~`[]|!\\:.\n\r\u2028\u202E\u200B\ud800", "://", "www.", "<!here>", "a");
    const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ unit: hostile, maxLength: 400 }));
    fc.assert(
      fc.property(text, (words) => {
        const shown = plainForChat(words);
        expect(shown).not.toMatch(/[<>@#*_~`[\]|!\\:.]/);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        expect(shown.replaceAll(/&(?:amp|lt|gt);/g, "")).not.toContain("&");
        expect([...shown.replaceAll(/&(?:amp|lt|gt);/g, "x")].length).toBeLessThanOrEqual(200);
      }),
    );
  });
});
