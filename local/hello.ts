// `npm run -s hello`: a small package of a new version each time, as npm publish sends one. For the walk that
// `npm start` prints.

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

const version = `1.0.${Math.floor(Date.now() / 1000)}`;
const manifest = { name: "hello", version, description: "A package to be approved.", license: "MIT" };

/** One file of a tar archive (POSIX ustar). */
function tarFile(name: string, text: string): Buffer {
  const content = Buffer.from(text);
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write(`${"0".padStart(11, "0")}\0`, 136);
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\u000000", 257);
  const sum = [...header].reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

const tar = Buffer.concat([tarFile("package/package.json", JSON.stringify(manifest)), Buffer.alloc(1024)]);
const archive = gzipSync(tar);
const file = `hello-${version}.tgz`;
const dist = {
  integrity: `sha512-${createHash("sha512").update(archive).digest("base64")}`,
  shasum: createHash("sha1").update(archive).digest("hex"),
  tarball: `http://127.0.0.1/hello/-/${file}`,
};
const attachment = {
  content_type: "application/octet-stream",
  data: archive.toString("base64"),
  length: archive.length,
};
console.log(
  JSON.stringify({
    _id: "hello",
    name: "hello",
    description: manifest.description,
    "dist-tags": { latest: version },
    versions: { [version]: { ...manifest, _id: `hello@${version}`, dist } },
    _attachments: { [file]: attachment },
  }),
);
