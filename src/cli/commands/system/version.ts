/** `gantry version` */

import { API_VERSION, type VersionResponse } from '../../../contract/docker/index.ts';
import { ConnectionError } from '../../client/engine-error.ts';
import { defineCommand } from '../../command.ts';
import { messageOf } from '../../failure.ts';
import { renderObject } from '../../format/inspect.ts';
import { text } from '../../options/flag.ts';
import type { Session } from '../../session.ts';
import { CLIENT_COMMIT, CLIENT_VERSION } from '../../version.ts';

/** What this client says of itself, in docker's fields. */
interface ClientVersion {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly DefaultAPIVersion: string;
  readonly GitCommit: string;
  readonly NodeVersion: string;
  readonly Os: string;
  readonly Arch: string;
  readonly Context: string;
}

export const command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: { format: text("Format with 'json' or a Go template", { shorthand: 'f' }) },
  async run(session, { flags }) {
    // Without an engine the client's part is still worth printing.
    const server = await session.client
      .json<VersionResponse>('GET', '/version')
      .catch((error: unknown) => (error instanceof ConnectionError ? error : Promise.reject(error)));
    const failure = server instanceof Error ? server : undefined;
    const client = await clientVersion(session, failure === undefined);
    const answer = { Client: client, Server: server instanceof Error ? null : withReadableTimes(server) };
    session.output.out(
      flags.format === ''
        ? versionText(client, answer.Server)
        : renderObject(flags.format, answer, JSON.stringify(answer)),
    );
    if (failure !== undefined) session.output.error(`${messageOf(failure)}\n`);
    return failure === undefined ? 0 : 1;
  },
});

async function clientVersion(session: Session, connected: boolean): Promise<ClientVersion> {
  return {
    Version: CLIENT_VERSION,
    ApiVersion: connected ? await session.client.apiVersion() : API_VERSION,
    DefaultAPIVersion: API_VERSION,
    GitCommit: CLIENT_COMMIT,
    NodeVersion: process.version,
    Os: process.platform,
    Arch: process.arch === 'x64' ? 'amd64' : process.arch,
    Context: 'default',
  };
}

/** The engine's build time in the words docker prints (`Tue Sep 15 11:02:57 2026`). */
function withReadableTimes(server: VersionResponse): VersionResponse {
  const Components = server.Components.map((component) => {
    const built = component.Details?.BuildTime;
    const time = built === undefined ? undefined : new Date(built);
    if (time === undefined || Number.isNaN(time.getTime())) return component;
    const [weekday, month, day, year, clock] = time.toString().split(' ');
    const words = `${weekday} ${month} ${String(Number(day)).padStart(2)} ${clock} ${year}`;
    return { ...component, Details: { ...component.Details, BuildTime: words } };
  });
  return { ...server, Components };
}

type Rows = readonly (readonly [string, string])[];
/** Columns at which the values of the client's and the server's part begin. */
const CLIENT_COLUMN = 19;
const SERVER_COLUMN = 18;

function versionText(client: ClientVersion, server: VersionResponse | null): string {
  const api =
    client.ApiVersion === client.DefaultAPIVersion
      ? client.ApiVersion
      : `${client.ApiVersion} (downgraded from ${client.DefaultAPIVersion})`;
  const lines = [
    'Client:',
    ...rows(' ', CLIENT_COLUMN, [
      ['Version', client.Version],
      ['API version', api],
      ['Node version', client.NodeVersion],
      ['Git commit', client.GitCommit],
      ['OS/Arch', `${client.Os}/${client.Arch}`],
      ['Context', client.Context],
    ]),
  ];
  if (server !== null) lines.push('', ...serverLines(server));
  return `${lines.join('\n')}\n`;
}

/** Details of a component, by the words docker prints for them. */
const DETAIL_TITLES: Rows = [
  ['ApiVersion', 'API version'],
  ['GoVersion', 'Go version'],
  ['NodeVersion', 'Node version'],
  ['GitCommit', 'Git commit'],
  ['BuildTime', 'Built'],
  ['Arch', 'OS/Arch'],
  ['Experimental', 'Experimental'],
];

function serverLines(server: VersionResponse): string[] {
  const platform = server.Platform?.Name;
  return [
    platform ? `Server: ${platform}` : 'Server:',
    ...server.Components.flatMap((component) => {
      const { Details: details } = component;
      const engine = component.Name === 'Engine';
      const known: Rows = engine
        ? DETAIL_TITLES.flatMap(([key, title]): Rows => (details[key] ? [[title, detail(key, details)]] : []))
        : Object.entries(details);
      return [` ${component.Name}:`, ...rows('  ', SERVER_COLUMN, [['Version', component.Version], ...known])];
    }),
  ];
}

function detail(key: string, details: Readonly<Record<string, string>>): string {
  const value = details[key] ?? '';
  if (key === 'ApiVersion') return `${value} (minimum version ${details.MinAPIVersion ?? ''})`;
  return key === 'Arch' ? `${details.Os ?? ''}/${value}` : value;
}

const rows = (indent: string, column: number, given: Rows) =>
  given.map(([title, value]) => `${indent}${`${title}:`.padEnd(column - 1)} ${value}`);
