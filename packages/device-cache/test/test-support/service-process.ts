/** The service as a process of its own, as it was built: to be stopped, killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const program = join(import.meta.dirname, '../../bin/breakwater-device-cache.js');

export class ServiceProcess {
  url: string = '';
  /** What it wrote to standard error. */
  log: string = '';
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  /** Starts it on a free port, and resolves when it listens. Throws where it ends before. */
  static async start(env: Readonly<Record<string, string>>, args: readonly string[] = []): Promise<ServiceProcess> {
    const own = { PATH: process.env['PATH'] ?? '', API_PORT: '0', LOG_LEVEL: 'warn', ...env };
    const child = spawn(process.execPath, [program, ...args], { env: own, stdio: ['ignore', 'pipe', 'pipe'] });
    const service = new ServiceProcess(child);
    child.stderr?.on('data', (text) => {
      service.log = (service.log + String(text)).slice(-20_000);
    });
    await service.listening();
    return service;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Resolves to its exit code, null where a signal ended it. */
  async end(name: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const exited = once(this.child, 'exit');
    this.child.kill(name);
    await exited;
    return this.child.exitCode;
  }

  private listening(): Promise<void> {
    return new Promise((resolve, reject) => {
      let said = '';
      this.child.stdout?.on('data', (text) => {
        said += String(text);
        const url = /listening on (\S+)/.exec(said)?.[1];
        if (url === undefined) return;
        this.url = url;
        resolve();
      });
      this.child.once('exit', (code) => reject(new Error(`the service ended with ${code}: ${this.log}`)));
    });
  }
}
