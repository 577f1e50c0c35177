import { Worker, type WorkerOptions } from 'node:worker_threads'

const loader = import.meta.resolve('tsx/esm/api')

/** Runs a TypeScript module in a thread. A thread does not inherit the TypeScript loader. */
export function startThread(module: URL, options: Omit<WorkerOptions, 'eval'>): Worker {
  const source = `
    import('${loader}')
      .then(({ register }) => register())
      .then(() => import('${module}'))
  `
  return new Worker(source, { ...options, eval: true })
}
