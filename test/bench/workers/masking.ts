// Masks a document many times within a request, as it would come from an upstream: in chunks of 64 KiB.
// A Worker's clock stands still meanwhile: whoever asks takes the time.

import { EVERY_SECRET } from "../../../core/mask/mask_plan.ts";
import { PayloadMasker } from "../../../core/mask/payload_masker.ts";
import { EVERY_SHAPE } from "../../../core/mask/shapes/rules.ts";
import { ShapeScanner } from "../../../core/mask/shapes/scanner.ts";
import { type BenchDocument, benchDocument, type DocumentName, DOCUMENTS } from "../masking_documents.ts";

const CHUNK = 64 * 1024;
const documents = new Map<DocumentName, BenchDocument>();

function documentOf(name: DocumentName): BenchDocument {
  const known = documents.get(name) ?? benchDocument(name);
  documents.set(name, known);
  return known;
}

/** How many secrets were masked. */
function mask({ type, bytes }: BenchDocument): number {
  const masker = new PayloadMasker(EVERY_SECRET, type, () => "0123456789abcdef");
  let spans = 0;
  for (let at = 0; at < bytes.length; at += CHUNK) spans += masker.push(bytes.subarray(at, at + CHUNK)).spans.length;
  return spans + masker.end().spans.length;
}

function scan({ bytes }: BenchDocument): number {
  const scanner = new ShapeScanner(EVERY_SHAPE);
  let hits = 0;
  for (let at = 0; at < bytes.length; at += CHUNK) hits += scanner.push(bytes.subarray(at, at + CHUNK)).hits.length;
  return hits + scanner.flush().hits.length;
}

export default {
  fetch(request: Request): Response {
    const { searchParams } = new URL(request.url);
    const name = DOCUMENTS.find((one) => one === searchParams.get("document"));
    if (name === undefined) return new Response(null, { status: 404 });
    const document = documentOf(name);
    const work = searchParams.get("what") === "scan" ? scan : mask;
    const times = Number(searchParams.get("times"));
    let found = 0;
    for (let i = 0; i < times; i++) found = work(document);
    return Response.json({ found, bytes: times * document.bytes.length });
  },
} satisfies ExportedHandler;
