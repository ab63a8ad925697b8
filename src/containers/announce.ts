import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';

/** Announces an event of a container with the attributes dockerd gives it: labels, image, name, and `extra`. */
export function announce(
  context: Pick<ContainerContext, 'events'>,
  container: Container,
  action: string,
  extra: Readonly<Record<string, string>> = {},
): void {
  const { config, name } = container.record;
  context.events.announce({
    type: 'container',
    action,
    id: container.id,
    attributes: { ...config.Labels, image: config.Image, name, ...extra },
  });
}
