import { type Clock, EventBus } from '../base/index.ts';
import type { EventMessage, EventType } from '../contract/docker/index.ts';

/** How many past events `since` can reach back to: dockerd keeps as many (moby `daemon/events`, eventsLimit). */
const HISTORY_LIMIT = 256;

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/** What happened to which object; attributes are those dockerd sends. */
export interface Happening {
  readonly type: EventType;
  readonly action: string;
  readonly id: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** An event with its exact moment, which JSON numbers cannot carry to the nanosecond. */
export interface LoggedEvent {
  readonly at: bigint;
  readonly message: EventMessage;
}

/** Everything that happened, told to whoever listens, and the last few for whoever comes late. */
export class EventLog {
  readonly #clock: Clock;
  readonly #bus: EventBus<LoggedEvent>;
  readonly #history: LoggedEvent[] = [];
  #listeners = 0;

  constructor(clock: Clock, onListenerError: (error: unknown) => void) {
    this.#clock = clock;
    this.#bus = new EventBus(onListenerError);
  }

  /** Announces that something happened, now. */
  announce(happening: Happening): void {
    const at = this.#clock.now();
    const attributes = { ...happening.attributes };
    const event: LoggedEvent = {
      at,
      message: {
        ...legacyFields(happening, attributes),
        Type: happening.type,
        Action: happening.action,
        Actor: { ID: happening.id, Attributes: attributes },
        scope: 'local',
        time: Number(at / NANOSECONDS_PER_SECOND),
        timeNano: Number(at),
      },
    };
    this.#history.push(event);
    if (this.#history.length > HISTORY_LIMIT) this.#history.shift();
    this.#bus.publish(event);
  }

  /** The remembered events, oldest first. */
  history(): readonly LoggedEvent[] {
    return [...this.#history];
  }

  /** Hears every event from now on; the returned function ends that. */
  subscribe(listener: (event: LoggedEvent) => void): () => void {
    this.#listeners += 1;
    const unsubscribe = this.#bus.subscribe(listener);
    return () => {
      if (unsubscribe()) this.#listeners -= 1;
    };
  }

  /** How many listen now (`NEventsListener` of `GET /info`). */
  get listeners(): number {
    return this.#listeners;
  }
}

/** The fields that events had before API 1.22, which clients still read for containers and images. */
function legacyFields(
  happening: Happening,
  attributes: Record<string, string>,
): Pick<EventMessage, 'status' | 'id' | 'from'> {
  if (happening.type === 'container') {
    return { status: happening.action, id: happening.id, ...(attributes.image && { from: attributes.image }) };
  }
  return happening.type === 'image' ? { status: happening.action, id: happening.id } : {};
}
