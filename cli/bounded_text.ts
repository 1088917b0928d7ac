// An answer's body, up to a size.

/** Null if it is longer than `limit` bytes or breaks off. */
export async function boundedText(response: Response, limit: number): Promise<string | null> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  try {
    // Leaving the loop cancels the body.
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > limit) return null;
      text += decoder.decode(chunk, { stream: true });
    }
  } catch {
    return null;
  }
  return text + decoder.decode();
}

/** As much of it as there is, `limit` bytes at most, also where it breaks off. */
export async function bounded(response: Response, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      const part = chunk.subarray(0, limit - size);
      parts.push(part);
      size += part.length;
      if (size >= limit) break;
    }
  } catch {
    // What came is shown.
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
