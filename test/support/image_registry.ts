// Debian's docker-registry on a port of its own, with its images in a temporary folder, and an image to
// give it: an OCI layout (image-spec, "Image Layout") made of random layers.

import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { eventually, freePort } from "./gateway.ts";

export interface ImageRegistry {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startImageRegistry(): Promise<ImageRegistry> {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-images-"));
  const port = await freePort();
  const config = join(folder, "config.yml");
  writeFileSync(
    config,
    JSON.stringify({
      version: "0.1",
      log: { level: "error" },
      storage: { filesystem: { rootdirectory: join(folder, "data") }, delete: { enabled: true } },
      http: { addr: `127.0.0.1:${port}`, secret: "for-a-test" },
    }),
  );
  const child = spawn("docker-registry", ["serve", config], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const answers = (): Promise<boolean> =>
    fetch(`${url}/v2/`).then(
      ({ status }) => status === 200,
      () => false,
    );
  if (!(await eventually(answers, (isUp) => isUp))) throw new Error("docker-registry does not answer");
  return {
    url,
    stop: async () => {
      child.kill();
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const OCI = "application/vnd.oci.image";

/** Writes an image of one platform's or several platforms' manifests, named `latest`; gives the digest of what the name means. */
export function writeImage(layout: string, layers: readonly number[], platforms: readonly string[]): string {
  mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
  const put = (mediaType: string, bytes: Buffer): Descriptor => {
    const hex = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(layout, "blobs/sha256", hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const putJson = (mediaType: string, value: object): Descriptor => put(mediaType, Buffer.from(JSON.stringify(value)));
  const manifests = platforms.map((architecture) => {
    const contents = layers.map((size) => randomBytes(size));
    const diffs = contents.map((bytes) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`);
    const config = { architecture, os: "linux", config: {}, rootfs: { type: "layers", diff_ids: diffs } };
    const manifest = {
      schemaVersion: 2,
      mediaType: `${OCI}.manifest.v1+json`,
      config: putJson(`${OCI}.config.v1+json`, config),
      layers: contents.map((bytes) => put(`${OCI}.layer.v1.tar+gzip`, gzipSync(bytes, { level: 0 }))),
    };
    return { ...putJson(manifest.mediaType, manifest), platform: { architecture, os: "linux" } };
  });
  const [only] = manifests;
  const mediaType = `${OCI}.index.v1+json`;
  const named =
    manifests.length === 1 && only !== undefined
      ? { mediaType: only.mediaType, digest: only.digest, size: only.size }
      : putJson(mediaType, { schemaVersion: 2, mediaType, manifests });
  const annotations = { "org.opencontainers.image.ref.name": "latest" };
  writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  writeFileSync(
    join(layout, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...named, annotations }] }),
  );
  return named.digest;
}
