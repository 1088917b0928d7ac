// Chooses the carrier of a body by what it is declared to be and what its first bytes say.

import type { Carrier } from "./carriers/carrier.ts";
import { FormCarrier } from "./carriers/form.ts";
import { JsonCarrier } from "./carriers/json.ts";
import { BOUNDARY_LIMIT, MultipartCarrier } from "./carriers/multipart.ts";
import { SseCarrier } from "./carriers/sse.ts";
import { TextCarrier } from "./carriers/text.ts";
import { UndeclaredCarrier } from "./carriers/undeclared.ts";
import type { ReaderTools } from "./carriers/value_reader.ts";
import { XmlCarrier } from "./carriers/xml.ts";
import { type Declared, declaredOf } from "./content_type.ts";
import { Finder } from "./finder.ts";
import type { MaskPlan } from "./mask_plan.ts";
import type { Format } from "./span.ts";
import type { Inner } from "./carriers/nested.ts";
import type { SpanSink } from "./carriers/carrier.ts";

/** A finder of a body's secrets. `chosen` is told what the body is read as. */
export function bodyFinder(
  plan: MaskPlan,
  declared: Declared,
  out: SpanSink,
  chosen: (format: Format) => void,
): Finder {
  return new Finder(
    plan.shapes,
    ({ window, sink, channel }) => {
      const makeInner = (inner: SpanSink): Inner => innerFinder(plan, inner, LEVELS);
      return carrierOf({ window, sink, names: plan.names, urls: plan.urls, channel, makeInner }, declared, chosen);
    },
    out,
  );
}

/** How often what is encoded within a value is opened: a URL in a form has values of its own. */
const LEVELS = 2;

/** Of what was decoded: JSON or text. */
function innerFinder(plan: MaskPlan, out: SpanSink, levels: number): Inner {
  return new Finder(
    plan.shapes,
    ({ window, sink, channel }) => {
      const makeInner = levels > 1 ? (inner: SpanSink): Inner => innerFinder(plan, inner, levels - 1) : null;
      const tools = { window, sink, names: plan.names, urls: plan.urls, channel, makeInner };
      return sniffed(tools, "text", false, () => undefined);
    },
    out,
  );
}

function carrierOf(tools: ReaderTools, declared: Declared, chosen: (format: Format) => void): Carrier {
  const { format, boundary } = declared;
  if (format === "multipart" && boundary.length <= BOUNDARY_LIMIT) {
    return new MultipartCarrier(tools, boundary, (contentType, file) => partCarrier(tools, contentType, file));
  }
  if (format === "sse") return new SseCarrier(tools);
  if (format === "ndjson") return new JsonCarrier(tools, true);
  return sniffed(tools, format ?? "text", format === null, chosen);
}

/** A part within another multipart body is text: its own parts are read line by line. */
function partCarrier(tools: ReaderTools, contentType: string | null, file: boolean): Carrier {
  const { format } = declaredOf(contentType);
  if (format === "sse") return new SseCarrier(tools);
  if (format === "ndjson") return new JsonCarrier(tools, true);
  const text = contentType === null && !file;
  return sniffed(
    tools,
    format === null || format === "multipart" ? "text" : format,
    format === null && !text,
    () => undefined,
  );
}

function sniffed(tools: ReaderTools, format: Format, maybeBinary: boolean, chosen: (format: Format) => void): Carrier {
  return new UndeclaredCarrier(tools, { format, maybeBinary, make: (as) => make(tools, as), chosen });
}

function make(tools: ReaderTools, format: Format): Carrier {
  switch (format) {
    case "json":
      return new JsonCarrier(tools, false);
    case "ndjson":
      return new JsonCarrier(tools, true);
    case "xml":
      return new XmlCarrier(tools);
    case "form":
      return new FormCarrier(tools);
    case "sse":
      return new SseCarrier(tools);
    case "text":
    case "multipart":
    case "binary":
      return new TextCarrier(tools);
  }
}
