// Bodies as the upstreams of a gateway answer with, for measuring what masking costs: made here, in the
// sizes and shapes of real ones, with a secret in some.

import { base64, Random } from "../vectors/secrets/random.ts";

export const DOCUMENTS = ["npm metadata", "kubernetes list", "chat events", "rows", "text", "binary"] as const;
export type DocumentName = (typeof DOCUMENTS)[number];

export interface BenchDocument {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** Of ordinary JSON: what the aim is about. */
export const JSON_DOCUMENTS: readonly DocumentName[] = ["npm metadata", "kubernetes list", "chat events", "rows"];

const WORDS =
  "a small tool that reads what others write and tells them where it went wrong before anybody else has to find out by waiting for the build to end on another machine in another place".split(
    " ",
  );

export function benchDocument(name: DocumentName): BenchDocument {
  const random = new Random(name.length);
  switch (name) {
    case "npm metadata":
      return jsonOf(npmMetadata(random));
    case "kubernetes list":
      return jsonOf(podList(random));
    case "chat events":
      return { type: "text/event-stream", bytes: new TextEncoder().encode(chatEvents(random)) };
    case "rows":
      return jsonOf(rows(random));
    case "text":
      return { type: "text/plain", bytes: new TextEncoder().encode(logText(random)) };
    case "binary":
      return { type: "application/octet-stream", bytes: random.bytes(400_000) };
  }
}

function jsonOf(value: unknown): BenchDocument {
  return { type: "application/json", bytes: new TextEncoder().encode(JSON.stringify(value)) };
}

const list = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

function prose(random: Random, words: number): string {
  return list(words, () => random.pick(WORDS)).join(" ");
}

const uuid = (random: Random): string => random.fill("{h8}-{h4}-4{h3}-a{h3}-{h12}");

function npmMetadata(random: Random): unknown {
  const versions = list(220, (index) => {
    const version = `${Math.floor(index / 20)}.${index % 20}.0`;
    return {
      name: "tool",
      version,
      description: prose(random, 12),
      license: "MIT",
      repository: { type: "git", url: "git+https://github.example/team/tool.git" },
      author: { name: "Ann Lee", email: "ann@example.com" },
      main: "dist/index.js",
      engines: { node: ">=18" },
      dependencies: Object.fromEntries(list(8, () => [random.fill("{l7}-{l4}"), random.fill("^{d1}.{d1}.{d2}")])),
      scripts: { test: "vitest run", build: "tsc -p .", lint: "eslint src" },
      _npmUser: { name: "ann", email: "ann@example.com" },
      dist: {
        shasum: random.fill("{h40}"),
        tarball: `https://registry.example/tool/-/tool-${version}.tgz`,
        integrity: `sha512-${base64(random.bytes(64))}`,
        fileCount: random.number(90),
        unpackedSize: random.number(1e6),
        signatures: [{ keyid: `SHA256:${random.fill("{w43}")}`, sig: base64(random.bytes(71)) }],
      },
    };
  });
  return {
    _id: "tool",
    name: "tool",
    readme: prose(random, 700),
    versions: Object.fromEntries(versions.map((one) => [one.version, one])),
  };
}

function podList(random: Random): unknown {
  const items = list(150, (index) => ({
    metadata: {
      name: random.fill("api-{h9}-{a5}"),
      namespace: "shop",
      uid: uuid(random),
      resourceVersion: random.fill("{d9}"),
      creationTimestamp: "2026-11-02T10:11:12Z",
      labels: { app: "api", "pod-template-hash": random.fill("{h9}"), "app.kubernetes.io/part-of": "shop" },
      managedFields: [
        { manager: "kubelet", operation: "Update", apiVersion: "v1", fieldsV1: { "f:status": { "f:phase": {} } } },
      ],
    },
    spec: {
      volumes: [
        {
          name: random.fill("kube-api-access-{a5}"),
          projected: { sources: [{ serviceAccountToken: { expirationSeconds: 3607, path: "token" } }] },
        },
      ],
      containers: [
        {
          name: "api",
          image: `registry.example/shop/api@sha256:${random.fill("{h64}")}`,
          args: ["--port=8080", "--log-level=info"],
          env: [
            { name: "REGION", value: "eu" },
            { name: "DB_URL", value: index % 10 === 0 ? random.fill("postgres://app:{A20}@db:5432/shop") : "none" },
          ],
          resources: { limits: { cpu: "500m", memory: "256Mi" }, requests: { cpu: "100m", memory: "128Mi" } },
        },
      ],
    },
    status: {
      phase: "Running",
      podIP: `10.1.${random.number(250)}.${random.number(250)}`,
      conditions: list(4, () => ({ type: "Ready", status: "True", lastTransitionTime: "2026-11-02T10:11:20Z" })),
      containerStatuses: [
        { containerID: `containerd://${random.fill("{h64}")}`, ready: true, restartCount: random.number(3) },
      ],
    },
  }));
  return { kind: "PodList", apiVersion: "v1", metadata: { resourceVersion: "1" }, items };
}

function chatEvents(random: Random): string {
  return list(900, (index) => {
    const text = index % 60 === 0 ? `try ${random.fill("ghp_{A36}")} for now` : prose(random, 14);
    const event = {
      type: "message",
      id: uuid(random),
      channel: random.fill("C0{U9}"),
      user: random.fill("U0{U9}"),
      ts: random.fill("17{d8}.{d6}"),
      text: `${text}\n— “${prose(random, 3)}” 🙂`,
      reactions: [{ name: "thumbsup", count: random.number(9) }],
    };
    return `event: message\nid: ${index}\ndata: ${JSON.stringify(event)}\n\n`;
  }).join("");
}

function rows(random: Random): unknown {
  return list(1500, (index) => ({
    id: 100_000 + index,
    order: random.fill("{d10}"),
    customer: random.fill("{l6} {l8}"),
    email: random.fill("{l6}@example.com"),
    amount: random.number(1e6) / 100,
    quantity: random.number(9),
    paid: index % 3 === 0,
    note: index % 200 === 0 ? random.fill("card 4{d15}") : null,
    at: "2026-11-02T10:11:12.345Z",
    position: [random.number(9e6) / 1e5, random.number(9e6) / 1e5],
  }));
}

function logText(random: Random): string {
  return list(2500, (index) =>
    index % 100 === 0
      ? `2026-11-02T10:11:12Z WARN  [auth] login of ann failed, password=${random.fill("{A12}")} from 10.0.0.${index % 250}\n`
      : `2026-11-02T10:11:12Z INFO  [worker-${index % 8}] ${prose(random, 8)} status=200 ms=${random.number(900)} id=${uuid(random)}\n`,
  ).join("");
}
