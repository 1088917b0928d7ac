// Where the gateway's storage rests during a crash campaign, and what a crash leaves of it.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mountDisk } from "./disk_volume.ts";

export interface CrashStorage {
  /** The folder that a restart finds. */
  readonly state: string;
  /** `kill` ends the gateway; resolves with what was done, once the storage is as the crash left it. */
  crash(kill: () => Promise<void>): Promise<string>;
  remove(): void;
}

/** Twenty rounds with bodies take less than half of it. What is free of it is taken from memory while it is full. */
const DISK_MEGABYTES = 1024;
/** Long enough for a stream of the campaign to come to its end. */
const MOMENT_MS = 200;

/**
 * The gateway is killed: over a folder, over the same again, then over a small disk that is full a moment
 * before. In between the storage is copied to its next place as the kill left it, touched by nobody since.
 */
export function killed(random: () => number): CrashStorage {
  const base = mkdtempSync(join(tmpdir(), "sallyport crash "));
  const disk = mountDisk(DISK_MEGABYTES);
  let crashes = 0;
  let state = join(base, "0");
  const moveTo = (next: string): void => {
    cpSync(state, next, { recursive: true });
    rmSync(state, { recursive: true });
    state = next;
  };
  return {
    get state() {
      return state;
    },
    crash: async (kill) => {
      crashes += 1;
      if (crashes % 3 === 0) {
        disk.fill();
        // Callers go on for a moment: none of them can be answered what is still to be recorded.
        await new Promise((resolve) => setTimeout(resolve, MOMENT_MS * (0.5 + random())));
      }
      await kill();
      if (crashes % 3 === 0) {
        disk.free();
        moveTo(join(base, String(crashes)));
        return "disk full, then killed, copied";
      }
      if (crashes % 3 === 1) return "killed";
      moveTo(join(disk.path, String(crashes)));
      return "killed, copied";
    },
    remove: () => {
      disk.remove();
      rmSync(base, { recursive: true });
    },
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
        await new Promise((resolve) => setTimeout(resolve, MOMENT_MS * (0.5 + random())));
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
