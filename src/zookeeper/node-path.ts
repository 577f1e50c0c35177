/** Nodes that every server has. They cannot be deleted. Source: DataTree.isSpecialPath. */
export const specialPaths: readonly string[] = ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']

// Control characters, surrogates, private use, and the specials at the end of the plane.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a path must not contain
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/

/** Whether a node can have that path. Source: PathUtils.validatePath. */
export function isValidPath(path: string | null): path is string {
  if (path === '/') return true
  if (path?.[0] !== '/' || FORBIDDEN.test(path)) return false
  return path
    .slice(1)
    .split('/')
    .every((name) => name !== '' && name !== '.' && name !== '..')
}

/** '/' is the parent of the nodes at the top. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

/** Last part of the path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
