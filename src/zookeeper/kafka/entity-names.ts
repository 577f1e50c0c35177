/** Name of the default entity in a path of /config. Source: ConfigEntityName.Default. */
export const DEFAULT_ENTITY = '<default>'

/** Name of an entity as a path of /config has it; null: the default entity. Source: Sanitizer.sanitize. */
export function entityNode(name: string | null): string {
  if (name === null) return DEFAULT_ENTITY
  return encodeURIComponent(name).replace(/[!'()*~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Inverse of `entityNode`; undefined if the path has an escape that is none. Source: Sanitizer.desanitize. */
export function entityOfNode(node: string): string | null | undefined {
  if (node === DEFAULT_ENTITY) return null
  try {
    return decodeURIComponent(node.replaceAll('+', ' '))
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}
