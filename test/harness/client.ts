import { randomBytes } from 'node:crypto';
import type {
  ContainerCreateBody,
  ContainerCreateResponse,
  ContainerInspect,
  EventMessage,
  ImageInspect,
} from '../../src/contract/docker/index.ts';
import { type Answer, exchange, openAnswer, type RequestBody, type RequestOptions } from './http.ts';
import { type BuiltImage, makeTestImages, type TestImages, uniqueImage } from './images.ts';
import { type ProgramOptions, type ProgramResult, runProgram } from './program.ts';
import { Collector, demultiplex, type Hijacked, type HijackOptions, hijack } from './streams.ts';

/** A finished container run: how it exited and what it wrote. */
export interface RunResult {
  readonly id: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `run` and `create` take: the API's body, with the command as a shell line or an argument list. */
export type ContainerRequest = Omit<ContainerCreateBody, 'Cmd'> & { Cmd?: string | string[] };

/** An answer whose body is still coming. */
export interface OpenStream {
  readonly status: number;
  readonly received: Collector;
  close(): void;
}

/** The label that marks what one test file made on an engine it may share with others. */
const SUITE_LABEL = 'suite';

/** Speaks to an engine the two ways users do: HTTP over its socket, and the docker CLI. */
export class EngineClient {
  readonly socketPath: string;
  /** A process in the engine's network namespace, with the engine's view of the file system. */
  readonly pid: number;
  /** Unique to this client; part of every name it makes up. */
  readonly suite = randomBytes(4).toString('hex');
  #images: TestImages | undefined;
  #serial = 0;

  constructor(socketPath: string, pid: number) {
    this.socketPath = socketPath;
    this.pid = pid;
  }

  /** Labels that mark an object as this client's. */
  get labels(): Record<string, string> {
    return { [SUITE_LABEL]: this.suite };
  }

  /** A name that nothing else on the engine has. */
  unique(prefix: string): string {
    this.#serial += 1;
    return `${prefix}-${this.suite}-${this.#serial}`;
  }

  http(method: string, path: string, body?: RequestBody, options?: RequestOptions): Promise<Answer> {
    return exchange(this.socketPath, method, path, body, options);
  }

  /** Like http; fails the test unless the status is the given one. */
  async expect(status: number, method: string, path: string, body?: RequestBody): Promise<Answer> {
    const answer = await this.http(method, path, body);
    if (answer.status !== status)
      throw new Error(`${method} ${path}: status ${answer.status} instead of ${status}: ${answer.text}`);
    return answer;
  }

  /** Opens an answer that goes on: followed logs, events, a pull. */
  async stream(method: string, path: string, body?: RequestBody): Promise<OpenStream> {
    const response = await openAnswer(this.socketPath, method, path, body);
    response.socket.setTimeout(0); // silence is normal on a followed stream
    return {
      status: response.statusCode ?? 0,
      received: new Collector(response),
      close: () => void response.destroy(),
    };
  }

  hijack(method: string, path: string, options?: HijackOptions): Promise<Hijacked> {
    return hijack(this.socketPath, method, path, options);
  }

  /** The real docker CLI, with no configuration of the user's. */
  docker(...argv: readonly string[]): Promise<ProgramResult> {
    return this.dockerWith({}, ...argv);
  }

  dockerWith(options: ProgramOptions, ...argv: readonly string[]): Promise<ProgramResult> {
    return runProgram('docker', argv, {
      ...options,
      environment: { DOCKER_HOST: `unix://${this.socketPath}`, DOCKER_CONFIG: '/nonexistent', ...options.environment },
    });
  }

  /** Runs a program in the engine's network namespace. */
  inNetwork(...argv: readonly string[]): Promise<ProgramResult> {
    return runProgram('nsenter', ['--target', String(this.pid), '--net', '--', ...argv]);
  }

  /** The path by which this process reaches what the engine calls `enginePath`. */
  path(enginePath: string): string {
    return `/proc/${this.pid}/root${enginePath}`;
  }

  get images(): TestImages {
    this.#images ??= makeTestImages();
    return this.#images;
  }

  /** Makes sure the engine has the image. */
  async load(image: BuiltImage): Promise<void> {
    const present = await this.http('GET', `/images/${image.tags[0]}/json`);
    if (present.status === 200 && present.json().Id === (image.id as unknown)) return;
    await this.expect(200, 'POST', '/images/load?quiet=1', image.archive);
  }

  /** Creates a container: busybox without a network unless `request` says otherwise. Resolves to its ID. */
  async create(request: ContainerRequest = {}, name?: string): Promise<string> {
    const { Cmd, Labels, HostConfig, ...rest } = request;
    const body = {
      Image: 'busybox',
      ...(Cmd === undefined ? {} : { Cmd: typeof Cmd === 'string' ? ['sh', '-c', Cmd] : Cmd }),
      Labels: { ...this.labels, ...Labels },
      HostConfig: { NetworkMode: 'none', ...HostConfig },
      ...rest,
    };
    const query = name === undefined ? '' : `?name=${encodeURIComponent(name)}`;
    const answer = await this.expect(201, 'POST', `/containers/create${query}`, body);
    return answer.json<ContainerCreateResponse>().Id;
  }

  /** Creates and starts a container that goes on until it is stopped, unless `request` has a command of its own. */
  async start(request: ContainerRequest = {}, name?: string): Promise<string> {
    const id = await this.create({ Cmd: 'trap "exit 0" TERM; while :; do sleep 60 & wait $!; done', ...request }, name);
    await this.expect(204, 'POST', `/containers/${id}/start`);
    return id;
  }

  /** Waits for the container's exit; resolves to its exit code. */
  async wait(id: string, condition = 'not-running'): Promise<number> {
    const answer = await this.expect(200, 'POST', `/containers/${id}/wait?condition=${condition}`);
    return Number(answer.json().StatusCode);
  }

  /** Runs a container to its end and reads its log. */
  async run(request: ContainerRequest): Promise<RunResult> {
    const id = await this.create(request);
    await this.expect(204, 'POST', `/containers/${id}/start`);
    return this.finish(id, request.Tty === true);
  }

  /** Waits for a started container's end and reads its log. */
  async finish(id: string, tty = false): Promise<RunResult> {
    const exitCode = await this.wait(id);
    return { id, exitCode, ...(await this.logs(id, tty)) };
  }

  async logs(id: string, tty = false, query = 'stdout=1&stderr=1'): Promise<{ stdout: string; stderr: string }> {
    const { body } = await this.expect(200, 'GET', `/containers/${id}/logs?${query}`);
    return tty ? { stdout: body.toString(), stderr: '' } : demultiplex(body);
  }

  /** Runs a shell line in a running container. */
  async exec(id: string, command: string | readonly string[], options: object = {}): Promise<RunResult> {
    const Cmd = typeof command === 'string' ? ['sh', '-c', command] : command;
    const created = await this.expect(201, 'POST', `/containers/${id}/exec`, {
      AttachStdout: true,
      AttachStderr: true,
      Cmd,
      ...options,
    });
    const exec = String(created.json().Id);
    const connection = await this.hijack('POST', `/exec/${exec}/start`, { body: { Detach: false, Tty: false } });
    await connection.received.end();
    connection.close();
    if (connection.status !== 101) throw new Error(`exec start: ${connection.head}\n${connection.received.text}`);
    const ended = (await this.expect(200, 'GET', `/exec/${exec}/json`)).json();
    return { id: exec, exitCode: Number(ended.ExitCode), ...connection.received.output };
  }

  async inspect(id: string): Promise<ContainerInspect> {
    return (await this.expect(200, 'GET', `/containers/${id}/json`)).json<ContainerInspect>();
  }

  async inspectImage(name: string): Promise<ImageInspect> {
    return (await this.expect(200, 'GET', `/images/${name}/json`)).json<ImageInspect>();
  }

  /** Waits until `condition` holds of the container, looking again at every event about it. */
  async until(id: string, condition: (container: ContainerInspect) => boolean): Promise<ContainerInspect> {
    const filters = encodeURIComponent(JSON.stringify({ container: [id] }));
    const events = await this.stream('GET', `/events?filters=${filters}`);
    try {
      for (let seen = 0; ; seen = events.received.lines<EventMessage>().length) {
        const container = await this.inspect(id);
        if (condition(container)) return container;
        await events.received.until((collector) => collector.lines<EventMessage>().length > seen, `a change of ${id}`);
      }
    } finally {
      events.close();
    }
  }

  async remove(...ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.http('DELETE', `/containers/${id}?force=1&v=1`)));
  }

  /** Removes every container, network and volume that carries this client's label. */
  async removeOwn(): Promise<void> {
    const filters = encodeURIComponent(JSON.stringify({ label: [`${SUITE_LABEL}=${this.suite}`] }));
    const containers = await this.http('GET', `/containers/json?all=1&filters=${filters}`);
    await this.remove(...containers.json<{ Id: string }[]>().map(({ Id }) => Id));
    const networks = await this.http('GET', `/networks?filters=${filters}`);
    for (const { Id } of networks.json<{ Id: string }[]>()) await this.http('DELETE', `/networks/${Id}`);
    const volumes = await this.http('GET', `/volumes?filters=${filters}`);
    for (const { Name } of volumes.json<{ Volumes: { Name: string }[] | null }>().Volumes ?? [])
      await this.http('DELETE', `/volumes/${Name}?force=1`);
  }
}

/** Gives the engine a small image under a name that nothing else has. */
export async function freshImage(engine: EngineClient) {
  const repository = engine.unique('image');
  const name = `${repository}:latest`;
  const image = uniqueImage(name, repository);
  await engine.load(image);
  return { repository, image, name };
}
