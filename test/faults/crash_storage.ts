// Where the gateway's storage rests during a crash campaign, and what a crash leaves of it.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface CrashStorage {
  /** The folder that a restart finds. */
  readonly state: string;
  /** `kill` ends the gateway; resolves with what was done, once the storage is as the crash left it. */
  crash(kill: () => Promise<void>): Promise<string>;
  remove(): void;
}

/** The gateway is killed, and every second time goes on over a copy: what it left at the kill, touched by nobody since. */
export function killedOverFolder(): CrashStorage {
  const base = mkdtempSync(join(tmpdir(), "sallyport crash "));
  let copies = 0;
  let crashes = 0;
  let state = join(base, "first");
  return {
    get state() {
      return state;
    },
    crash: async (kill) => {
      await kill();
      crashes += 1;
      if (crashes % 2 === 1) return "killed";
      copies += 1;
      const copy = join(base, `copy ${copies}`);
      cpSync(state, copy, { recursive: true });
      rmSync(state, { recursive: true });
      state = copy;
      return "killed, copied";
    },
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
}

/**
 * A disk of its own that loses power: whatever it was not made to write by then is gone, as it is not
 * after a mere kill, where the system still writes what it was given. An ext4 on a loop device, shut
 * down without a flush. Needs root.
 */
export function powerCut(random: () => number): CrashStorage {
  const base = mkdtempSync(join(tmpdir(), "sallyport power "));
  const image = join(base, "disk.img");
  const disk = join(base, "disk");
  mkdirSync(disk);
  writeFileSync(image, "");
  truncateSync(image, 1024 ** 3);
  run("mkfs.ext4", ["-q", "-F", image]);
  const mount = (): void => run("mount", ["-o", "loop", image, disk]);
  mount();
  return {
    state: join(disk, "state"),
    crash: async (kill) => {
      const isDiskFirst = random() < 0.5;
      if (!isDiskFirst) await kill();
      run("python3", ["-c", SHUTDOWN, disk]);
      if (isDiskFirst) {
        // Callers go on for a moment: nothing that they are answered now may be news to the disk.
        await new Promise((resolve) => setTimeout(resolve, random() * 200));
        await kill();
      }
      run("umount", [disk]);
      mount();
      return isDiskFirst ? "disk dead, then killed" : "killed, then disk dead";
    },
    remove: () => {
      // Lazily: a process that still ends may hold a file open.
      run("umount", ["--lazy", disk]);
      rmdirSync(disk);
      rmSync(base, { recursive: true });
    },
  };
}

/** EXT4_IOC_SHUTDOWN, _IOR('X', 125, __u32), with EXT4_GOING_FLAGS_NOLOGFLUSH (fs/ext4/ext4.h). */
const SHUTDOWN =
  "import fcntl, os, struct, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))";

function run(program: string, args: readonly string[]): void {
  try {
    execFileSync(program, args, { stdio: "pipe" });
  } catch (error) {
    throw new Error(`${program} fails: this test needs root, loop devices, e2fsprogs and python3`, { cause: error });
  }
}
