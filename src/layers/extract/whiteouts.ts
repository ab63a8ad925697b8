import type { ByteString } from '../archive/byte-string.ts';

/** The attribute that hides everything below a directory that lower layers have there (overlayfs.rst). */
export const OPAQUE_XATTR = 'trusted.overlay.opaque';

// How archives spell what overlayfs spells with devices and attributes (OCI image-spec, layer.md, "Whiteouts").
const WHITEOUT_PREFIX = '.wh.';
const AUXILIARY_PREFIX = '.wh..wh.';
const OPAQUE_NAME = '.wh..wh..opq';

/** What a name in a layer's archive means. */
export type LayerName =
  | { readonly kind: 'ordinary' }
  | { readonly kind: 'whiteout'; readonly target: ByteString }
  | { readonly kind: 'opaque'; readonly directory: ByteString }
  /** Bookkeeping of AUFS, which is of no use here. */
  | { readonly kind: 'auxiliary' };

/** What the path (as `pathInRoot` gives it) of an entry means. */
export function classifyName(path: ByteString): LayerName {
  const slash = path.lastIndexOf('/');
  const base = path.slice(slash + 1);
  if (!base.startsWith(WHITEOUT_PREFIX)) return { kind: 'ordinary' };
  if (base === OPAQUE_NAME) return { kind: 'opaque', directory: path.slice(0, Math.max(slash, 0)) };
  if (base.startsWith(AUXILIARY_PREFIX)) return { kind: 'auxiliary' };
  const target = base.slice(WHITEOUT_PREFIX.length);
  if (target === '' || target === '.' || target === '..') return { kind: 'auxiliary' };
  return { kind: 'whiteout', target: path.slice(0, slash + 1) + target };
}
