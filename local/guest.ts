// Loaded by `node --import` before a program of others that `npm start` runs, and changes two things
// in that process: servers listen on loopback only, and it ends when the process that started it is
// gone, however that ended.

import { Server } from "node:net";

const listen = Server.prototype.listen;

// The tools of the demonstration listen on all interfaces and ask no password.
Server.prototype.listen = function (this: Server, ...args: unknown[]) {
  const [port, second] = args;
  const isBarePort =
    (typeof port === "number" || (typeof port === "string" && /^\d+$/.test(port))) && typeof second !== "string";
  return Reflect.apply(listen, this, isBarePort ? [port, "127.0.0.1", ...args.slice(1)] : args);
} as typeof listen;

process.on("disconnect", () => process.exit(0));
// Listening keeps the channel open; without this the channel alone would keep the process alive.
process.channel?.unref();
