// What secrets travel in: bodies as clients and servers write them, each with a place for one value.

import { base64, type Random } from "./random.ts";
import type { Secret } from "./secrets.ts";

export interface Carried {
  readonly carrier: string;
  readonly type: string;
  readonly body: string;
  /** Where the secret stands as it is written there: [from, to) in bytes. */
  readonly from: number;
  readonly to: number;
  /** Where the whole value stands that it is a part of. */
  readonly valueFrom: number;
  readonly valueTo: number;
}

type Encode = (text: string) => string;
/** The text before the value, how the value is written, and the text behind it. */
type Frame = readonly [before: string, encode: Encode, behind: string];
type Carrier = readonly [name: string, type: string, frame: (name: string, random: Random) => Frame];

const plain: Encode = (text) => text;
/** In a line of text, a line's end is written as it is in code. */
const line: Encode = (text) => text.replaceAll("\n", "\\n");
const json: Encode = (text) => JSON.stringify(text).slice(1, -1);
const json2: Encode = (text) => json(json(text));
const percent: Encode = (text) => encodeURIComponent(text);
const form: Encode = (text) => encodeURIComponent(text).replaceAll("%20", "+");
const percent2: Encode = (text) => encodeURIComponent(encodeURIComponent(text)).replaceAll("%2525", "%25");
const xml: Encode = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
const indented: Encode = (text) => text.replaceAll("\n", "\n      ");

const CARRIERS: readonly Carrier[] = [
  ["json", "application/json", (name) => [`{"id":17,"labels":["a","b"],"${name}":"`, json, `","ok":true}`]],
  [
    "indented json",
    "application/json; charset=utf-8",
    (name) => [`{\n  "spec": {\n    "replicas": 2,\n    "${name}": "`, json, `",\n    "paused": false\n  }\n}\n`],
  ],
  [
    "ndjson",
    "application/x-ndjson",
    (name) => [`{"n":1}\n{"n":2,"${name}":"`, json, `"}\n{"n":3,"state":"done"}\n`],
  ],
  [
    "server-sent events",
    "text/event-stream",
    (name) => [`event: open\ndata: {}\n\nid: 7\nevent: change\ndata: {"${name}":"`, json, `"}\n\n: still here\n\n`],
  ],
  ["form", "application/x-www-form-urlencoded", (name) => [`grant=direct&${name}=`, form, `&scope=read+write`]],
  [
    "multipart",
    "multipart/form-data; boundary=----edge17",
    (name) => [
      `------edge17\r\nContent-Disposition: form-data; name="title"\r\n\r\nHello\r\n------edge17\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`,
      plain,
      `\r\n------edge17--\r\n`,
    ],
  ],
  ["xml", "application/xml", (name) => [`<?xml version="1.0"?>\n<job id="4"><${name}>`, xml, `</${name}><state>ok</state></job>`]],
  ["xml attribute", "text/xml", (name) => [`<job id="4" ${name}="`, (text) => xml(line(text)), `" state="ok"/>`]],
  ["text", "text/plain", (name) => [`Hello Ann,\nhere it is, as you asked. ${name}: `, line, `\nBest wishes, Bob\n`]],
  ["env file", "text/plain; charset=utf-8", (name) => [`# settings\nPORT=8080\n${upper(name)}=`, line, `\nDEBUG=false\n`]],
  ["quoted env file", "text/plain", (name) => [`PORT=8080\n${upper(name)}="`, plain, `"\nDEBUG=false\n`]],
  ["yaml", "application/yaml", (name) => [`service:\n  port: 80\n  ${name}: `, line, `\n  replicas: 3\n`]],
  ["yaml block", "text/yaml", (name) => [`service:\n  port: 80\n  ${name}: |\n      `, indented, `\n  replicas: 3\n`]],
  ["toml", "application/toml", (name) => [`[service]\nport = 80\n${name} = "`, line, `"\nreplicas = 3\n`]],
  [
    "http dump",
    "text/plain",
    (name) => [`POST /v1/things HTTP/1.1\r\nHost: api.example\r\n${name.replaceAll("_", "-")}: `, line, `\r\nAccept: */*\r\n\r\n`],
  ],
  [
    "cookie line",
    "text/plain",
    (name) => [`GET / HTTP/1.1\r\nHost: shop.example\r\nCookie: ${name}=`, percent, `\r\n\r\n`],
  ],
  [
    "query",
    "text/plain",
    (name) => [`10.0.0.7 - - "GET /v1/things?page=2&${name}=`, percent, `&limit=10 HTTP/1.1" 200 512\n`],
  ],
  ["sql", "application/sql", (name) => [`UPDATE settings SET changed = now(), ${name} = '`, line, `' WHERE id = 17;\n`]],
  ["shell", "text/x-shellscript", (name) => [`#!/bin/sh\nset -e\n./deploy --region eu --${name.replaceAll("_", "-")} '`, line, `' --wait\n`]],
  [
    "log line",
    "text/plain",
    (name, random) => [`2026-11-02T10:11:12.345Z INFO [worker-${random.number(9)}] request done status=200 ${name}=`, line, ` ms=31\n`],
  ],
  [
    "npm publish",
    "application/json",
    (name, random) => [
      `{"_id":"tool","name":"tool","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"name":"tool","version":"1.0.0","dependencies":{"left":"^1.3.0"},"readme":"# tool\\n\\nSet ${name}=`,
      json,
      ` first.\\n","dist":{"shasum":"${random.fill("{h40}")}"}}},"_attachments":{"tool-1.0.0.tgz":{"content_type":"application/octet-stream","data":"H4sI${random.fill("{b40}")}","length":44}}}`,
    ],
  ],
  [
    "kubeconfig",
    "application/yaml",
    (name) => [
      `apiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    server: https://k8s.example:6443\n  name: c\nusers:\n- name: ann\n  user:\n    ${name}: "`,
      line,
      `"\ncurrent-context: c\n`,
    ],
  ],
  [
    "json in json",
    "application/json",
    (name) => [`{"event":"call","body":"{\\"n\\":1,\\"${name}\\":\\"`, json2, `\\",\\"ok\\":true}","ms":3}`],
  ],
  [
    "graphql",
    "application/json",
    (name) => [`{"query":"mutation { save(id: 4, ${name}: \\"`, json2, `\\") { id } }","variables":{}}`],
  ],
  ["chat message", "application/json", (name) => [`{"type":"message","user":"U1","text":"try this: ${name}=`, json, ` and tell me","ts":"1700000000.0001"}`]],
  [
    "url in a form",
    "application/x-www-form-urlencoded",
    (name) => [`state=4&target=https%3A%2F%2Ftool.example%2Fcb%3F${name}%3D`, percent2, `%26done%3D1&x=1`],
  ],
];

export const CARRIER_NAMES: readonly string[] = [...CARRIERS.map(([name]) => name), "base64 in json", "kubernetes secret"];

const upper = (name: string): string => name.replaceAll(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();
const size = (text: string): number => new TextEncoder().encode(text).length;

export function carried({ name, value, secret }: Secret, random: Random): Carried[] {
  const all = CARRIERS.map(([carrier, type, frame]): Carried => {
    const [before, encode, behind] = frame(name, random);
    const at = value.indexOf(secret);
    const written = encode(value);
    const valueFrom = size(before);
    const from = valueFrom + size(encode(value.slice(0, at)));
    return {
      carrier,
      type,
      body: before + written + behind,
      from,
      to: from + size(encode(secret)),
      valueFrom,
      valueTo: valueFrom + size(written),
    };
  });
  const inBase64 = inBase64Of(`${name}=`, value, secret, ` \nPORT=8080\n`);
  all.push({ carrier: "base64 in json", type: "application/json", ...framed(`{"file":"settings.env","content":"`, inBase64, `"}`) });
  const ofSecret = inBase64Of("", value, secret, "");
  all.push({
    carrier: "kubernetes secret",
    type: "application/json",
    ...framed(`{"kind":"Secret","metadata":{"name":"s"},"data":{"${name}":"`, ofSecret, `"},"type":"Opaque"}`),
  });
  return all;
}

interface InBase64 {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** The base64 characters that any bit of the secret is in. */
function inBase64Of(before: string, value: string, secret: string, behind: string): InBase64 {
  const start = size(before + value.slice(0, value.indexOf(secret)));
  const end = start + size(secret);
  return { text: base64(before + value + behind), from: Math.floor((start * 8) / 6), to: Math.ceil((end * 8) / 6) };
}

function framed(before: string, { text, from, to }: InBase64, behind: string): Omit<Carried, "carrier" | "type"> {
  const at = size(before);
  return { body: before + text + behind, from: at + from, to: at + to, valueFrom: at, valueTo: at + text.length };
}
