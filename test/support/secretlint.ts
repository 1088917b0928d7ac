// secretlint with the rules that it recommends, which finds secrets in files before they are committed.
// It reads a file as a whole, by JavaScript's own regular expressions.

import { lintSource } from "@secretlint/core";
import { creator } from "@secretlint/secretlint-rule-preset-recommend";

const ID = "@secretlint/secretlint-rule-preset-recommend";

type Config = Parameters<typeof lintSource>[0]["options"]["config"];

const config: Config = { rules: [{ id: ID, rule: creator }] };

/** Where it sees secrets, in UTF-16 units. `extension`: some of its rules look at the file's name. */
export async function secretlintRanges(content: string, extension: string): Promise<[number, number][]> {
  const { messages } = await lintSource({
    source: { content, filePath: `body${extension}`, ext: extension, contentType: "text" },
    options: { config, noPhysicFilePath: true },
  });
  return messages.map(({ range }) => [range[0], range[1]]);
}
