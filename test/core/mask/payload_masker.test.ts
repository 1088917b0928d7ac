// Which values of a payload are taken out by their names, in every kind of document, and what stays.

import { describe, expect, it, test } from "vitest";
import { EVERY_SECRET, maskPlan, type OwnMask } from "../../../core/mask/mask_plan.ts";
import { maskWhole, PayloadMasker } from "../../../core/mask/payload_masker.ts";
import { maskedText, SHAPED, shownPseudonym } from "../../support/masking.ts";

type Case = readonly [body: string, masked: string];

function expectMasked(type: string | null, [body, masked]: Case): void {
  expect(maskedText(type, body).text).toBe(masked);
}

describe("JSON", () => {
  const cases: readonly Case[] = [
    ['{"password":"hunter2","a":1}', '{"password":"[masked:password]","a":1}'],
    ['{ "password" :\n "hunter2" }', '{ "password" :\n "[masked:password]" }'],
    ['{"password":""}', '{"password":""}'],
    ['{"password":"a\\"b\\\\"}', '{"password":"[masked:password]"}'],
    ['{"pass\\u0077ord":"x"}', '{"pass\\u0077ord":"[masked:password]"}'],
    ['{"pin":1234,"cvv":12.5e3}', '{"pin":"[masked:otp]","cvv":"[masked:otp]"}'],
    ['{"password":null,"token":true,"pin":1234}', '{"password":null,"token":true,"pin":"[masked:otp]"}'],
    [
      '{"tokens":["a",{"b":"c"},[1,"d"],null,true],"e":"f"}',
      '{"tokens":["[masked:token]",{"b":"[masked:token]"},["[masked:token]","[masked:token]"],null,true],"e":"f"}',
    ],
    [
      '{"credentials":{"user":"bob","password":"x"},"e":"f"}',
      '{"credentials":{"user":"[masked:credential]","password":"[masked:password]"},"e":"f"}',
    ],
    ['{"a":{"b":[{"c":{"secret":"x"}}]}}', '{"a":{"b":[{"c":{"secret":"[masked:secret]"}}]}}'],
    ['{"name":"DB_PASSWORD","value":"x"}', '{"name":"DB_PASSWORD","value":"[masked:password]"}'],
    ['{"name":"DB_HOST","value":"x"}', '{"name":"DB_HOST","value":"x"}'],
    ['["run","--password","x","--verbose"]', '["run","--password","[masked:password]","--verbose"]'],
    ['["password","x"]', '["password","x"]'],
    [
      '{"u":"https://bob:pw@host/x?token=t&y=1"}',
      '{"u":"https://bob:[masked:userinfo]@host/x?token=[masked:token]&y=1"}',
    ],
    ['{"cmd":"curl -H \\"X-Api-Key: a b\\" h"}', '{"cmd":"curl -H \\"X-Api-Key: [masked:key]\\" h"}'],
    ['{"body":"{\\"password\\":\\"x\\",\\"b\\":2}"}', '{"body":"{\\"password\\":\\"[masked:password]\\",\\"b\\":2}"}'],
    ['{"q":"a=1&password=b%26c&d=e"}', '{"q":"a=1&password=[masked:password]&d=e"}'],
    ['{"q":"%7B%22token%22%3A%22x%22%7D"}', '{"q":"%7B%22token%22%3A%22[masked:token]%22%7D"}'],
    ['{"env":"line\\nDB_PASSWORD=x y\\nHOST=z"}', '{"env":"line\\nDB_PASSWORD=[masked:password]\\nHOST=z"}'],
    ['\ufeff{"token":"x"}', '\ufeff{"token":"[masked:token]"}'],
    ['{"token":"x"}{"token":"y"}', '{"token":"[masked:token]"}{"token":"[masked:token]"}'],
  ];
  test.each(cases)("%s", (body, masked) => {
    expectMasked("application/json", [body, masked]);
    expect(maskedText("application/json", body).format).toBe("json");
    if (!body.includes("}{")) expect(() => JSON.parse(masked.replace(/^\ufeff/, "")) as unknown).not.toThrow();
  });

  test.each([
    '{"code":404,"key":"a","session":{"id":"x"},"sid":1,"mac":"00:11"}',
    '{"max_tokens":100,"prompt_tokens":5,"token_type":"Bearer","expires_in":3600,"tokenizer":"bpe"}',
    '{"author":"x","authority":"y","keyword":"z","monkey":"m","compass":"c","secretary":"s","spinner":"p"}',
    '{"nextPageToken":"abc","password_updated_at":"2026-01-01","secretName":"tls"}',
    '{"text":"your password must be long: eight at least","time":"10:20:30"}',
    '{"a":"password","b":["token"]}',
  ])("and nothing else is touched: %s", (body) => {
    expectMasked("application/json", [body, body]);
  });

  test.each(['{"password":"${DB_PASSWORD}"}', '{"token":"{{ .Values.token }}"}', '{"secret":"********"}'])(
    "and neither is a placeholder: %s",
    (body) => expectMasked("application/json", [body, body]),
  );

  it("in base64 is found, and only its groups of four are taken out", () => {
    const inner = '{"user":"bob the builder","password":"hunter2","z":1}';
    const { text, spans } = maskedText("application/json", JSON.stringify({ data: btoa(inner) }));
    expect(spans.map(({ rule }) => rule)).toEqual(["password"]);
    const [before, after] = (JSON.parse(text) as { data: string }).data.split("[masked:password]");
    expect(inner.startsWith(atob(before ?? ""))).toBe(true);
    expect(inner.endsWith(atob(after ?? ""))).toBe(true);
    expect(atob(before ?? "") + atob(after ?? "")).not.toContain("unter");
  });

  test.each([
    ['<html><a href="/?token=x">y</a></html>', '<html><a href="/?token=[masked:token]">y</a></html>'],
    ["DB_PASSWORD=x", "DB_PASSWORD=[masked:password]"],
    ["{password: 'x', b: 1}", "{password: '[masked:password]', b: 1}"],
    [')]}\',\n{"token":"x"}', ')]}\',\n{"token":"[masked:token]"}'],
  ])("that is none is read all the same: %s", (body, masked) => {
    expectMasked("application/json", [body, masked]);
  });
});

describe("lines of JSON", () => {
  const cases: readonly Case[] = [
    ['{"token":"a"}\n{"b":"c"}\n{"secret":1}', '{"token":"[masked:token]"}\n{"b":"c"}\n{"secret":"[masked:secret]"}'],
    ['{"token":"broken\n{"token":"b"}\n', '{"token":"[masked:token]\n{"token":"[masked:token]"}\n'],
    ['{"secret":{"a":[\n{"b":"c"}', '{"secret":{"a":[\n{"b":"c"}'],
  ];
  test.each(cases)("%j", (body, masked) => expectMasked("application/x-ndjson", [body, masked]));
});

describe("server-sent events", () => {
  const cases: readonly Case[] = [
    ['data: {"token":"a","b":1}\n\n', 'data: {"token":"[masked:token]","b":1}\n\n'],
    ['data:{"token":\ndata: "a"}\n\n', 'data:{"token":\ndata: "[masked:token]"}\n\n'],
    ["event: x\r\ndata: password=a b\r\n\r\n", "event: x\r\ndata: password=[masked:password]\r\n\r\n"],
    ['data: {"a":"unclosed\n\ndata: {"token":"b"}\n\n', 'data: {"a":"unclosed\n\ndata: {"token":"[masked:token]"}\n\n'],
    [": password=a\n\ndata: 1\n\n", ": password=[masked:password]\n\ndata: 1\n\n"],
  ];
  test.each(cases)("%j", (body, masked) => expectMasked("text/event-stream; charset=utf-8", [body, masked]));
});

describe("forms", () => {
  const cases: readonly Case[] = [
    ["a=1&password=x%20y&b=2", "a=1&password=[masked:password]&b=2"],
    ["user%5Bpassword%5D=x&code=1", "user%5Bpassword%5D=[masked:password]&code=[masked:otp]"],
    ["note=my+token:+x1+y", "note=my+token:+[masked:token]+y"],
    ["back=https%3A%2F%2Fh%2F%3Ftoken%3Dx%252Fy%26a%3Db", "back=https%3A%2F%2Fh%2F%3Ftoken%3D[masked:token]%26a%3Db"],
    ["payload=%7B%22token%22%3A%22x%22%7D&b", "payload=%7B%22token%22%3A%22[masked:token]%22%7D&b"],
    ["a=1;token=x&b", "a=1;token=[masked:token]&b"],
    ["password=&b=2", "password=&b=2"],
    ['{"password":"x"}', '{"password":"[masked:password]"}'],
  ];
  test.each(cases)("%s", (body, masked) => expectMasked("application/x-www-form-urlencoded", [body, masked]));
});

describe("XML and HTML", () => {
  const cases: readonly Case[] = [
    ["<a><Password>x &amp; y</Password><b>c</b></a>", "<a><Password>[masked:password]</Password><b>c</b></a>"],
    ["<ns:client_secret a='b'>x</ns:client_secret>", "<ns:client_secret a='b'>[masked:secret]</ns:client_secret>"],
    [
      "<secret><a>x</a><secret>y</secret>z</secret><b>c</b>",
      "<secret><a>[masked:secret]</a><secret>[masked:secret]</secret>[masked:secret]</secret><b>c</b>",
    ],
    ["<password/><b>c</b>", "<password/><b>c</b>"],
    ["<token><![CDATA[x]]></token>", "<token><![CDATA[[masked:token]]]></token>"],
    [
      "<input name=password value=x/y><b token=z>",
      "<input name=password value=[masked:password]><b token=[masked:token]>",
    ],
    [
      '<add key="ApiKey" value="x"/><add key="Host" value="y"/>',
      '<add key="ApiKey" value="[masked:key]"/><add key="Host" value="y"/>',
    ],
    ["<input name='csrf_token' value='x'>", "<input name='csrf_token' value='[masked:token]'>"],
    ['<entry key="db.password">x</entry>', '<entry key="db.password">[masked:password]</entry>'],
    ["<a password=\"x\" b='c'>d</a>", "<a password=\"[masked:password]\" b='c'>d</a>"],
    ['<a href="?a=b&amp;token=x&amp;c=d">e</a>', '<a href="?a=b&amp;token=[masked:token]&amp;c=d">e</a>'],
    ["<!-- PASSWORD=x --><a>b</a>", "<!-- PASSWORD=[masked:password] --><a>b</a>"],
    [
      "<script>if (a < b) { password = 'x' }</script>",
      "<script>if (a < b) { password = '[masked:password]' }</script>",
    ],
  ];
  test.each(cases)("%s", (body, masked) => expectMasked("text/xml", [body, masked]));
});

describe("plain text", () => {
  const cases: readonly Case[] = [
    ["DB_PASSWORD=hunter2\nHOST=x", "DB_PASSWORD=[masked:password]\nHOST=x"],
    ["export API_KEY='a b' # c", "export API_KEY='[masked:key]' # c"],
    ["spring.datasource.password = a b c\r\nx=y", "spring.datasource.password = [masked:password]\r\nx=y"],
    ["auth:\n  password: a b\n  user: bob\n", "auth:\n  password: [masked:password]\n  user: bob\n"],
    ["Authorization: Bearer abc\nHost: h", "Authorization: [masked:authorization]\nHost: h"],
    ["curl -H 'X-Api-Key: a b' --data x", "curl -H 'X-Api-Key: [masked:key]' --data x"],
    ["tool --password hunter2 --user bob", "tool --password [masked:password] --user bob"],
    ["tool --password=hunter2 --user bob", "tool --password=[masked:password] --user bob"],
    ["ALTER USER x WITH PASSWORD 'a''b' VALID", "ALTER USER x WITH PASSWORD '[masked:password]' VALID"],
    [
      "see postgres://bob:a%40b@h/db?sslpassword=c",
      "see postgres://bob:[masked:userinfo]@h/db?sslpassword=[masked:password]",
    ],
    ["Server=h;User=u;Password=a;b!;Database=d;", "Server=h;User=u;Password=[masked:password];Database=d;"],
    ["login with password=hunter2, then go", "login with password=[masked:password], then go"],
    ["your token: abc123def is new", "your token: [masked:token] is new"],
    [
      "config = {'password': 'x', \"token\" => \"y\"}",
      "config = {'password': '[masked:password]', \"token\" => \"[masked:token]\"}",
    ],
    [
      "a:\n  password: |\n    one\n\n    two \n  user: bob",
      "a:\n  password: |\n    [masked:password]\n\n    [masked:password]\n  user: bob",
    ],
    ["token: >-\n  x\nsecret: |\nnext: y", "token: >-\n  [masked:token]\nsecret: |\nnext: y"],
    ["//registry.example/:_authToken=x", "//registry.example/:_authToken=[masked:token]"],
  ];
  test.each(cases)("%j", (body, masked) => expectMasked("text/plain", [body, masked]));

  test.each([
    "password=${DB_PASSWORD}\ntoken: {{ token }}\nsecret: <your secret>\nkey=$(pass show)",
    "const token = await getToken();\nif (password == null || token === other) return;\nlet secret = process.env.SECRET;",
    "The password: must be long. A token is a word; see the section on secrets.",
    "10:20:30 INFO user=bob took=5ms id=a-b-c",
    "password=\ntoken:\nnext: line",
  ])("and nothing else is touched: %j", (body) => {
    expectMasked("text/plain", [body, body]);
  });
});

describe("multipart", () => {
  const CRLF = "\r\n";
  const part = (headers: readonly string[], content: string): string => ["--B", ...headers, "", content, ""].join(CRLF);
  const form = (name: string, more = ""): string => `Content-Disposition: form-data; name="${name}"${more}`;
  const type = 'multipart/form-data; boundary="B"';
  const masked = (...parts: readonly string[]): string => maskedText(type, `${parts.join("")}--B--${CRLF}`).text;

  test.each([
    ["a part under a secret's name", [form("password")], "a\nb", "[masked:password]"],
    [
      "a file under a secret's name",
      [form("private_key", '; filename="k"'), "Content-Type: image/png"],
      "\0\u0001",
      "[masked:key]",
    ],
    ["JSON in a part", [form("j"), "content-type: application/json"], '{"token":"x"}', '{"token":"[masked:token]"}'],
    ["a text file", [form("f", '; filename=".env"')], "TOKEN=x", "TOKEN=[masked:token]"],
    [
      "a form in a part",
      [form("f"), "Content-Type: application/x-www-form-urlencoded"],
      "a=b&code=x",
      "a=b&code=[masked:otp]",
    ],
    [
      "lines that only look like a boundary",
      [form("t")],
      "--A\r\n-B\r\nTOKEN=x\r\n--",
      "--A\r\n-B\r\nTOKEN=[masked:token]\r\n--",
    ],
    ["an empty part", [form("password")], "", ""],
  ])("%s", (_, headers, content, expected) => {
    const other = part([form("a")], "b");
    expect(masked(other, part(headers, content), other)).toBe(`${other}${part(headers, expected)}${other}--B--${CRLF}`);
  });

  it("leaves files alone that are no text, and reads on behind them", () => {
    const binary = part([form("f", '; filename="f"')], `\0\u0001 password=x ${SHAPED.accessKeyId}`);
    const [rule = ""] = /\[masked:.*\]/.exec(maskedText("text/plain", SHAPED.accessKeyId).text) ?? [];
    const expected = part([form("token")], "[masked:token]") + part([form("a")], `by shape: ${rule}`);
    const secrets = part([form("token")], "x") + part([form("a")], `by shape: ${SHAPED.accessKeyId}`);
    expect(masked(binary, secrets)).toBe(`${binary}${expected}--B--${CRLF}`);
    expect(rule).not.toBe("");
  });
});

describe("what a body is read as", () => {
  test.each([
    [null, '{"a":1}', "json"],
    [null, "a: b", "text"],
    [null, "<a/>", "xml"],
    [null, "\u0089PNG\r\n\u001a\n", "binary"],
    [null, "%PDF-1.4 password=x", "binary"],
    ["application/octet-stream", "TOKEN=x", "text"],
    ["image/png", "\0\0", "binary"],
    ["image/svg+xml", "<svg/>", "xml"],
    ["application/vnd.api+json", "{}", "json"],
    ["application/json-seq", '\u001e{"a":1}\n', "ndjson"],
    ["application/yaml", "a: b", "text"],
    ["multipart/mixed; boundary=x", "--x--", "multipart"],
    ["text/html; charset=utf-8", "<p>", "xml"],
    ["application/x-www-form-urlencoded", "a=b", "form"],
    ["text/event-stream", "data: x\n\n", "sse"],
    ["", "", "text"],
  ])("%s with %j is %s", (type, body, format) => {
    expect(maskedText(type, body).format).toBe(format);
  });

  it("bytes that are no text are left alone", () => {
    const body = `\0\u0001password=hunter2 ${SHAPED.accessKeyId}`;
    expect(maskedText(null, body)).toEqual({ text: body, spans: [], format: "binary" });
  });
});

describe("a message's end decides everything before it", () => {
  test.each([
    ["application/json", '{"a":"b"}'],
    ["application/json", '{"password":"b"}'],
    ["application/x-ndjson", '{"a":1}\n{"b":"c"}\n'],
    ["text/event-stream", "event: x\ndata: some text\n\n"],
    ["text/event-stream", 'data: {"token":"x"}\n\n'],
    ["text/plain", "password=hunter2\n"],
    ["text/plain", "words that stop between two "],
  ])("%s: %j", (type, body) => {
    const bytes = new TextEncoder().encode(body);
    expect(new PayloadMasker(EVERY_SECRET, type, shownPseudonym).push(bytes).upto).toBe(bytes.length);
  });
});

describe("charsets", () => {
  const wide = (text: string, width: 2 | 4, little: boolean): Uint8Array => {
    const bytes = new Uint8Array(text.length * width);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < text.length; i++)
      if (width === 2) view.setUint16(2 * i, text.charCodeAt(i), little);
      else view.setUint32(4 * i, text.charCodeAt(i), little);
    return bytes;
  };
  test.each([
    ["UTF-16LE with its mark", "application/json", "\ufeff", 2, true],
    ["UTF-16BE with its mark", "application/json", "\ufeff", 2, false],
    ["UTF-16LE by name", "application/json; charset=utf-16le", "", 2, true],
    ["UTF-16BE by where its zeros stand", null, "", 2, false],
    ["UTF-32LE with its mark", "application/json", "\ufeff", 4, true],
    ["UTF-32BE by where its zeros stand", "application/json", "", 4, false],
  ] as const)("%s", (_, type, mark, width, little) => {
    const body = wide(`${mark}{"pässword":"x","token":"ab\u00e9"}`, width, little);
    const { bytes, spans } = maskWhole(EVERY_SECRET, type, body, shownPseudonym);
    expect(bytes).toEqual(wide(`${mark}{"pässword":"x","token":"[masked:token]"}`, width, little));
    expect(spans.map(({ pseudonym }) => pseudonym)).toEqual(["token:ab\u00e9"]);
  });

  it("a body that says UTF-16 and is ASCII is read as what it is", () => {
    expect(maskedText("application/json; charset=utf-16", '{"token":"x"}').text).toBe('{"token":"[masked:token]"}');
  });

  it("the second byte of a character of Shift JIS is no backslash", () => {
    const body = Uint8Array.from([
      ...new TextEncoder().encode('{"a":"'),
      0x83,
      0x5c,
      ...new TextEncoder().encode('","token":"x"}'),
    ]);
    const { spans } = maskWhole(EVERY_SECRET, "application/json; charset=Shift_JIS", body, shownPseudonym);
    expect(spans.map(({ rule }) => rule)).toEqual(["token"]);
  });

  test.each([
    ["overlong UTF-8", [0xc1, 0xb0, 0xe0, 0x81, 0xb0]],
    ["bytes that are no UTF-8", [0xff, 0xfe, 0x80, 0xc3]],
    ["a lone surrogate", [0xed, 0xa0, 0x80]],
  ])("%s hides nothing and stays", (_, junk) => {
    const encode = (text: string): number[] => [...new TextEncoder().encode(text)];
    const body = Uint8Array.from([...encode('{"a":"'), ...junk, ...encode('","token":"'), ...junk, ...encode('"}')]);
    const { bytes } = maskWhole(EVERY_SECRET, "application/json", body, shownPseudonym);
    expect([...bytes]).toEqual([...encode('{"a":"'), ...junk, ...encode('","token":"[masked:token]"}')]);
  });
});

describe("pseudonyms", () => {
  it("are of the secret as it means, however it was written", () => {
    const ways: readonly Case[] = [
      ["application/json", '{"token":"a b&\\u00e9\\/"}'],
      ["application/x-www-form-urlencoded", "token=a+b%26%C3%A9/"],
      ["text/xml", "<token>a b&amp;&#xe9;/</token>"],
      ["text/plain", "token=a b&é/"],
    ];
    for (const [type, body] of ways)
      expect(maskedText(type, body).spans).toMatchObject([{ rule: "token", pseudonym: "token:a b&é/" }]);
  });

  test.each(["password", "pin", "cvv", "otp", "authorization", "cookie", "credentials"])(
    "there is none of a %s",
    (name) => {
      expect(maskedText("application/json", JSON.stringify({ [name]: "hunter2" })).spans).toMatchObject([
        { pseudonym: null },
      ]);
    },
  );

  it("are of a long secret's beginning", () => {
    const [span] = maskedText("application/json", JSON.stringify({ token: "x".repeat(100_000) })).spans;
    expect(span).toMatchObject({ length: 100_000, pseudonym: `token:${"x".repeat(4096)}` });
  });
});

describe("an admin's own rules", () => {
  const own: readonly OwnMask[] = [
    { id: "notes", fields: ["notes", "customer_comment"], pattern: null, keywords: [], pseudonym: true },
    { id: "employee", fields: [], pattern: "EMP-[0-9]{6}", keywords: ["EMP-"], pseudonym: false },
  ];
  const body = '{"customerComment":"a","notes":["b"],"password":"c","d":"EMP-123456"}';

  it("are found beside the built-in ones, by field in any spelling and by pattern", () => {
    expect(maskedText("application/json", body, maskPlan(own)).text).toBe(
      '{"customerComment":"[masked:notes]","notes":["[masked:notes]"],"password":"[masked:password]","d":"[masked:employee]"}',
    );
  });

  test.each([
    [["notes"], '{"customerComment":"[masked:notes]","notes":["[masked:notes]"],"password":"c","d":"EMP-123456"}'],
    [["employee"], '{"customerComment":"a","notes":["b"],"password":"c","d":"[masked:employee]"}'],
    [["secrets"], '{"customerComment":"a","notes":["b"],"password":"[masked:password]","d":"EMP-123456"}'],
    [
      ["password", "employee"],
      '{"customerComment":"a","notes":["b"],"password":"[masked:password]","d":"[masked:employee]"}',
    ],
    [[], body],
  ])("only %j", (only, masked) => {
    expect(maskedText("application/json", body, maskPlan(own, new Set(only))).text).toBe(masked);
  });
});
