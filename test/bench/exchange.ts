// The one exchange that is measured: what is sent, and what has to come back.

/** ORIGINS of the gateway names it, so that the port can be any free one. */
export const HOST = "bench.test";
export const PATH = "/c/tool/v1/items";

export const BODY: string = JSON.stringify({
  item: "0000000042",
  title: "A tool call of the usual size",
  quantity: 3,
  tags: ["bench", "small"],
  note: "x",
});

/** The upstream says how much it received: a body that was lost on the way shows as a wrong answer. */
export function answerTo(bytes: number): string {
  return `{"ok":true,"received":${bytes},"id":"7f1c9a52"}`;
}

/** Bytes of a request, ready to be written to a socket. */
export function requestBytes(token: string): Buffer {
  const head = [
    `POST ${PATH} HTTP/1.1`,
    `Host: ${HOST}`,
    `Authorization: Bearer ${token}`,
    "Content-Type: application/json",
    "Accept: application/json",
    "User-Agent: bench/1",
    `Content-Length: ${BODY.length}`,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${BODY}`, "latin1");
}

/** Large answers, by what they are. */
export const DOWNLOADS = ["json", "binary"] as const;
export type Download = (typeof DOWNLOADS)[number];
