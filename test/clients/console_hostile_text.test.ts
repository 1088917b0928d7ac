// What callers send, in a real browser: it is parsed as a person's browser parses it, and then there is no
// element in it that is not ours, and the text can be read back from what is shown.

import { createHash } from "node:crypto";
import fc from "fast-check";
import type { JSXNode } from "hono/jsx";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Body } from "../../workers/pages/body.tsx";
import { VisibleLine, VisibleLines } from "../../workers/pages/visible_text.tsx";
import { newPerson, type Scenes, startScenes } from "../support/approval_scenes.ts";
import { startBrowser } from "../support/browser.ts";
import { HOSTILE_TEXTS, hostileText } from "../support/hostile_texts.ts";

let browser: Browser;
let scenes: Scenes;
let empty: Page;

beforeAll(async () => {
  [scenes, browser] = await Promise.all([startScenes(), startBrowser()]);
  empty = await browser.newPage();
});
afterAll(async () => {
  await browser?.close();
  await scenes?.stop();
});

/**
 * Reads back what stands in an element, as UTF-16 code units, since half a character does not travel; and
 * names each element in it. Bytes that are no UTF-8 count from 0x10000.
 */
const READ_BACK = `(root) => {
  const units = [];
  const elements = [];
  const add = (text) => { for (let i = 0; i < text.length; i++) units.push(text.charCodeAt(i)); };
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return add(node.data);
    const { dataset, localName, classList } = node;
    elements.push([localName, ...node.getAttributeNames()].join(" "));
    if (classList.contains("soft") || classList.contains("rest")) return;
    if (dataset.text !== undefined) return add(dataset.text);
    if (dataset.byte !== undefined) return units.push(0x10000 + parseInt(dataset.byte, 16));
    if (dataset.code !== undefined) return add(String.fromCodePoint(parseInt(dataset.code, 16)).repeat(Number(dataset.count ?? 1)));
    for (const child of node.childNodes) walk(child);
  };
  for (const child of root.childNodes) walk(child);
  return { units, elements: [...new Set(elements)] };
}`;

interface ReadBack {
  readonly units: readonly number[];
  readonly elements: readonly string[];
}

/** Each text as HTML in a place of its own, parsed by the browser. */
async function readBack(htmls: readonly string[]): Promise<readonly ReadBack[]> {
  const html = `<!doctype html><body>${htmls.map((one) => `<section><pre><code>${one}</code></pre></section>`).join("")}`;
  const script = `(() => {
    const page = new DOMParser().parseFromString(${JSON.stringify(html)}, "text/html");
    const sections = [...page.body.children];
    return sections.map((section) => (${READ_BACK})(section.querySelector("code")));
  })()`;
  return (await empty.evaluate(script)) as readonly ReadBack[];
}

function textOf({ units }: ReadBack): string {
  return units.map((unit) => String.fromCharCode(unit)).join("");
}

function bytesOf({ units }: ReadBack): number[] {
  const bytes: number[] = [];
  let text = "";
  const flush = (): void => {
    bytes.push(...new TextEncoder().encode(text));
    text = "";
  };
  for (const unit of units) {
    if (unit < 0x10000) text += String.fromCharCode(unit);
    else {
      flush();
      bytes.push(unit - 0x10000);
    }
  }
  flush();
  return bytes;
}

/** Parts of a page wait for nothing. */
function htmlOf(part: unknown): string {
  const text = (part as JSXNode).toString();
  if (typeof text !== "string") throw new TypeError("a part that is not ready");
  return text;
}

const OURS = ["bdi", "span class", "span class data-code", "span class data-code data-count", "span class data-byte"];

describe("text from outside", () => {
  test("has no element in it but ours, and loses no character, whatever it is", async () => {
    const texts = fc.array(hostileText, { minLength: 10, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(texts, fc.boolean(), async (all, lines) => {
        const shown = all.map((text) => htmlOf(lines ? VisibleLines({ text }) : VisibleLine({ text })));
        const read = await readBack(shown);
        expect(read.length).toBe(all.length);
        read.forEach((one, i) => {
          expect(textOf(one)).toBe(all[i]);
          for (const element of one.elements) expect(OURS).toContain(element);
        });
      }),
      { numRuns: 30 },
    );
  });

  test("the same of bodies, JSON or not, whatever their bytes", async () => {
    const body = fc.tuple(
      fc.constantFrom("json", "text"),
      fc.oneof(
        hostileText,
        fc.json(),
        hostileText.map((text) => JSON.stringify({ [text]: [text, 1] })),
        fc.uint8Array({ maxLength: 40 }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(body, { minLength: 5, maxLength: 15 }), async (all) => {
        const bytes = all.map(([, content]) =>
          typeof content === "string" ? new TextEncoder().encode(content) : content,
        );
        const htmls = all.map(([format], i) => {
          const one = bytes[i] ?? new Uint8Array(0);
          const shown = { format, coding: null, size: one.length, bytes: one, spans: [], spansCut: 0 };
          return /<code>([^]*?)<\/code>/.exec(htmlOf(Body({ body: shown, whole: "/whole" })))?.[1] ?? "";
        });
        const read = await readBack(htmls);
        read.forEach((one, i) => {
          expect(bytesOf(one)).toEqual([...(bytes[i] ?? [])]);
          for (const element of one.elements) expect(OURS).toContain(element);
        });
      }),
      { numRuns: 30 },
    );
  });
});

describe("the form", () => {
  const path = (i: number): string => `/v1/hostile/${i}`;

  test.each(Object.entries(HOSTILE_TEXTS).map(([what, text], i) => [what, text, i] as const))(
    "shows %s in target, reason and body, as text",
    async (_, text, i) => {
      const sent = text.toWellFormed();
      const id = await scenes.ask("erin", "POST", `${path(i)}?q=${encodeURIComponent(sent)}`, {
        headers: {
          "content-type": "text/plain",
          "sallyport-reason": encodeURIComponent(sent.replace(/\p{Cc}/gu, " ")),
        },
        body: sent,
      });
      const context = await newPerson(browser);
      try {
        const page = await scenes.open(context, "Bob Berger", `/approvals/${id}`);
        const faults: string[] = [];
        page.on("dialog", (dialog) => (faults.push(dialog.message()), void dialog.dismiss()));
        page.on("pageerror", ({ message }) => faults.push(message));
        await page.getByRole("button", { name: "Approve once" }).waitFor();
        const read = (await page.evaluate(
          `(${READ_BACK})(document.querySelector("pre[aria-label=Body] code"))`,
        )) as ReadBack;
        if (!sent.includes("[masked:")) expect(textOf(read)).toBe(sent);
        const elements = (await page.evaluate(
          `[...new Set([...document.querySelectorAll("main, main *")].map(({ localName }) => localName))]`,
        )) as readonly string[];
        for (const element of elements) expect(ELEMENTS).toContain(element);
        const handlers = await page.evaluate(
          `[...document.querySelectorAll("*")].flatMap((one) => one.getAttributeNames()).filter((name) => /^on|^style$|^srcdoc$/.test(name))`,
        );
        expect(handlers).toEqual([]);
        expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
        expect(faults).toEqual([]);
      } finally {
        await context.close();
      }
    },
  );

  test("shows the beginning of 10 MB, says how much there is, and hands out the whole", async () => {
    const line = `{"row":1,"text":"${"x".repeat(80)}"}\n`;
    const body = line.repeat(Math.ceil((10 * 1024 * 1024) / line.length));
    const id = await scenes.ask("erin", "POST", "/bulk/rows", {
      headers: { "content-type": "application/x-ndjson" },
      body,
    });
    const context = await newPerson(browser);
    try {
      const page = await scenes.open(context, "Bob Berger", `/approvals/${id}`);
      await page.getByText("This is the beginning of it").waitFor();
      expect(await page.locator("main").innerText()).toContain("10 MiB");
      expect((await page.content()).length).toBeLessThan(2_000_000);
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByText("Download the whole body").click(),
      ]);
      const digest = createHash("sha256");
      for await (const piece of await download.createReadStream()) digest.update(piece as Buffer);
      expect(digest.digest("hex")).toBe(createHash("sha256").update(body).digest("hex"));
    } finally {
      await context.close();
    }
  });

  test("shows what was masked at its place, and not what only looks like it", async () => {
    const body = JSON.stringify({
      note: "[masked:password]",
      password: "correct horse",
      more: "é".repeat(3),
      token: "t0p-secret-t0ken",
    });
    const id = await scenes.ask("erin", "POST", "/v1/masked", {
      headers: { "content-type": "application/json" },
      body,
    });
    const context = await newPerson(browser);
    try {
      const page = await scenes.open(context, "Bob Berger", `/approvals/${id}`);
      await page.getByRole("button", { name: "Approve once" }).waitFor();
      expect(await page.locator(".masked").allInnerTexts()).toEqual([
        `masked: password, 13 bytes at ${body.indexOf("correct horse")}`,
        expect.stringMatching(/^masked: token, 16 bytes at \d+$/),
      ]);
      const text = await page.locator("main").innerText();
      expect(text).toContain('"note": "[masked:password]"');
      expect(text).not.toMatch(/correct horse|t0p-secret/);
    } finally {
      await context.close();
    }
  });

  test("takes headers as many and as long as they come", async () => {
    const headers = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`x-more-${i}`, "y".repeat(200)]));
    const id = await scenes.ask("erin", "DELETE", `/v1/${"deep/".repeat(300)}end`, {
      headers: { ...headers, "if-match": `"${"z".repeat(9_000)}"` },
    });
    const context = await newPerson(browser, { viewport: { width: 360, height: 740 } });
    try {
      const page = await scenes.open(context, "Bob Berger", `/approvals/${id}`);
      await page.getByText("characters more").first().waitFor();
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360);
      await page.getByText("Other headers").click();
      await page.getByText("x-more-59").waitFor();
    } finally {
      await context.close();
    }
  });
});

/** All that a page about an approval is made of. */
const ELEMENTS = [
  ...["main", "article", "header", "section", "div", "p", "h1", "h2", "h3", "span", "strong", "bdi", "code", "pre"],
  ...["a", "time", "ul", "ol", "li", "dl", "dt", "dd", "details", "summary", "blockquote"],
  ...["table", "caption", "thead", "tbody", "tr", "th", "td"],
  ...["form", "input", "textarea", "label", "button", "fieldset", "legend", "svg", "path"],
];
