// The OpenAPI document as a route of the table: it describes itself, too. It is public, so
// workers/index.ts answers it before there is a caller; openapi.ts writes it.

import * as v from "valibot";
import { problem } from "../problem.ts";
import { type Route, route } from "./route.ts";

const document = route({
  id: "openapi",
  method: "GET",
  path: "/api/v1/openapi.json",
  who: "public",
  summary: "Read this document",
  description: "OpenAPI 3.1. It needs no login and leaves no record.",
  answers: {
    200: {
      description: "The document",
      content: { "application/json": v.record(v.string(), v.unknown()) },
      headers: ["etag"],
    },
    304: { description: "It is the one that the caller has" },
  },
  answer: () => problem("not_found", null),
});

export const DOCUMENT_ROUTES: readonly Route[] = [document];
